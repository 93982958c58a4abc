"""The pure core: levels, capabilities, settings and the plan that follows from them."""

from terrace.maturity import names
from terrace.maturity.capability import Capability, Option
from terrace.maturity.catalogue import CAPABILITIES
from terrace.maturity.contract import (
    Buckets,
    ContractTeam,
    JobNetwork,
    Keys,
    Lineage,
    ModelContract,
    Network,
    Packages,
    PlatformContract,
    Release,
    Scoring,
    Serving,
    Tracking,
)
from terrace.maturity.levels import LEVELS, Level
from terrace.maturity.model_settings import ModelSettings
from terrace.maturity.plan import Plan, plan, plan_model
from terrace.maturity.settings import PlatformSettings

__all__ = [
    "CAPABILITIES",
    "LEVELS",
    "Buckets",
    "Capability",
    "ContractTeam",
    "JobNetwork",
    "Keys",
    "Level",
    "Lineage",
    "ModelContract",
    "ModelSettings",
    "Network",
    "Option",
    "Packages",
    "Plan",
    "PlatformContract",
    "PlatformSettings",
    "Release",
    "Scoring",
    "Serving",
    "Tracking",
    "names",
    "plan",
    "plan_model",
]
