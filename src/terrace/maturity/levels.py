"""The five maturity levels. They are Microsoft's, which contain Google's three and AWS's four phases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A maturity level.

    Attributes:
        number: 0 to 4.
        name: Its name in Microsoft's MLOps maturity model.
        google: The level of Google's "MLOps: continuous delivery and automation pipelines" that it corresponds to.
        aws: The phase of AWS's "MLOps foundation roadmap for enterprises".
        summary: What it is, in one sentence.
    """

    number: int
    name: str
    google: str
    aws: str
    summary: str


LEVELS: dict[int, Level] = {
    0: Level(
        0, "Manual", "0", "initial",
        "safe storage, a workbench, a registry and one endpoint; people do the rest",
    ),
    1: Level(
        1, "DevOps", "0", "initial",
        "code is built, tested and released by CI; infrastructure is watched; models still by hand",
    ),
    2: Level(
        2, "Automated training", "1", "repeatable",
        "a pipeline validates data, trains, evaluates, gates and registers; runs are tracked and reproducible",
    ),
    3: Level(
        3, "Automated deployment", "1–2", "reliable",
        "approval releases the model: canary, automatic rollback, promotion across accounts, data quality watched",
    ),
    4: Level(
        4, "Automated operations", "2", "scalable",
        "feature store, all four monitors, drift retrains, evidence kept, copies elsewhere",
    ),
}  # fmt: skip
"""Number → level."""

BUILT = 1
"""The highest level that can be built today. Higher ones are described, and refused by name at `up`."""
