"""Handlers of SageMaker's resource types."""

from terrace.sandbox.provider.sagemaker.endpoint import Endpoint
from terrace.sandbox.provider.sagemaker.model import EndpointConfiguration, Model
from terrace.sandbox.provider.sagemaker.registry import ModelPackageGroup, ModelPackageGroupPolicy
from terrace.sandbox.provider.sagemaker.studio import Domain, UserProfile

HANDLERS = (Domain, Endpoint, EndpointConfiguration, Model, ModelPackageGroup, ModelPackageGroupPolicy, UserProfile)
