"""Handlers of SageMaker's resource types."""

from terrace.sandbox.provider.sagemaker.endpoint import Endpoint
from terrace.sandbox.provider.sagemaker.model import EndpointConfiguration, Model
from terrace.sandbox.provider.sagemaker.pipeline import Pipeline
from terrace.sandbox.provider.sagemaker.registry import ModelPackageGroup, ModelPackageGroupPolicy
from terrace.sandbox.provider.sagemaker.studio import Domain, UserProfile
from terrace.sandbox.provider.sagemaker.tracking import MlflowApp, MlflowTrackingServer

HANDLERS = (
    Domain,
    Endpoint,
    EndpointConfiguration,
    MlflowApp,
    MlflowTrackingServer,
    Model,
    ModelPackageGroup,
    ModelPackageGroupPolicy,
    Pipeline,
    UserProfile,
)
