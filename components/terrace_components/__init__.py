"""Terrace's components for Pulumi: one for each capability, and `Platform` and `ModelStack` that put them together."""

from terrace_components.alarms import Alarms
from terrace_components.batch_scoring import BatchScoring
from terrace_components.bucket import PrivateBucket
from terrace_components.budget import Budget
from terrace_components.ci import Ci
from terrace_components.continuous_training import ContinuousTraining
from terrace_components.encryption import Encryption
from terrace_components.identity import Identity
from terrace_components.image_build import ImageBuild
from terrace_components.image_repository import ImageRepository
from terrace_components.images import Images
from terrace_components.lineage import Lineage
from terrace_components.model_program import model_args, platform_args
from terrace_components.model_stack import ModelStack
from terrace_components.network import Network
from terrace_components.observability import Observability
from terrace_components.packages import Packages
from terrace_components.platform import Platform
from terrace_components.private_network import PrivateNetwork
from terrace_components.registry import Registry
from terrace_components.release_ci import ReleaseCi
from terrace_components.serving import Serving
from terrace_components.storage import Storage
from terrace_components.tracking import Tracking
from terrace_components.training_pipeline import TrainingPipeline
from terrace_components.workbench import Workbench
from terrace_components.workspace import Workspace

COMPONENTS = [
    Alarms,
    BatchScoring,
    Budget,
    Ci,
    ContinuousTraining,
    Encryption,
    Identity,
    ImageBuild,
    ImageRepository,
    Images,
    Lineage,
    ModelStack,
    Network,
    Observability,
    Packages,
    Platform,
    PrivateBucket,
    PrivateNetwork,
    Registry,
    ReleaseCi,
    Serving,
    Storage,
    Tracking,
    TrainingPipeline,
    Workbench,
    Workspace,
]
"""Every component that the package offers to programs in other languages."""

__all__ = [
    "COMPONENTS",
    "Alarms",
    "BatchScoring",
    "Budget",
    "Ci",
    "ContinuousTraining",
    "Encryption",
    "Identity",
    "ImageBuild",
    "ImageRepository",
    "Images",
    "Lineage",
    "ModelStack",
    "Network",
    "Observability",
    "Packages",
    "Platform",
    "PrivateBucket",
    "PrivateNetwork",
    "Registry",
    "ReleaseCi",
    "Serving",
    "Storage",
    "Tracking",
    "TrainingPipeline",
    "Workbench",
    "Workspace",
    "model_args",
    "platform_args",
]
