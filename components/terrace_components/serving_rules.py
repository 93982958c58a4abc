"""How a model is served: sizes and what AWS allows with them. Pure."""

from dataclasses import dataclass
from typing import Any

from terrace_components.alarm_rules import VARIANT

# Families whose "d", as in m5d, is not all there is: these have local NVMe disks too.
_NVME_FAMILIES = frozenset({"g4dn", "g5", "g6", "g6e", "gr6", "p4d", "p4de", "p5", "p5e", "p5en", "trn1", "trn1n"})


@dataclass(frozen=True)
class ServingPlan:
    """The sizes of an endpoint, or of what scores in mode batch."""

    mode: str
    """serverless, realtime or batch."""
    memory_mb: int
    max_concurrency: int
    instance_type: str
    instance_count: int

    @property
    def in_network(self) -> bool:
        """Whether it stands in the network, isolated from everything: serverless endpoints can do neither on AWS."""
        return self.mode != "serverless"

    @property
    def takes_key(self) -> bool:
        """Whether its storage takes a customer key: local NVMe disks are encrypted by themselves and refuse one."""
        return self.mode == "serverless" or not has_nvme(self.instance_type)

    def defining(self) -> tuple[object, ...]:
        """Return what makes two endpoint configurations different ones."""
        if self.mode == "serverless":
            return (self.mode, self.memory_mb, self.max_concurrency)
        return (self.mode, self.instance_type, self.instance_count)


def has_nvme(instance_type: str) -> bool:
    """Tell whether an instance type, such as ml.m5d.large, has local NVMe disks."""
    family = instance_type.split(".")[1]
    with_disks = len(family) > 2 and family[0] in "cmrx" and family[1].isdigit() and "d" in family[2:]
    return with_disks or family in _NVME_FAMILIES


def variant(plan: ServingPlan, model_name: Any) -> dict[str, Any]:
    """Return the one production variant of an endpoint."""
    if plan.mode == "serverless":
        sizes = {"memory_size_in_mb": plan.memory_mb, "max_concurrency": plan.max_concurrency}
        return {"variant_name": VARIANT, "model_name": model_name, "serverless_config": sizes}
    return {
        "variant_name": VARIANT,
        "model_name": model_name,
        "instance_type": plan.instance_type,
        "initial_instance_count": plan.instance_count,
        "initial_variant_weight": 1.0,
    }
