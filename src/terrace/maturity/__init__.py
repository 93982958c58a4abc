"""The pure core: levels, capabilities, settings and the plan that follows from them."""

from terrace.maturity import names
from terrace.maturity.contract import (
    Buckets,
    ContractTeam,
    Keys,
    ModelContract,
    Network,
    Packages,
    PlatformContract,
    Release,
    Serving,
)
from terrace.maturity.model_settings import ModelSettings
from terrace.maturity.settings import PlatformSettings

__all__ = [
    "Buckets",
    "ContractTeam",
    "Keys",
    "ModelContract",
    "ModelSettings",
    "Network",
    "Packages",
    "PlatformContract",
    "PlatformSettings",
    "Release",
    "Serving",
    "names",
]
