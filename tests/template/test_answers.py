"""What a platform's contract answers in the place of a person."""

from __future__ import annotations

import pytest
from maturity.contracts import platform_contract

from terrace.maturity.contract import Tracking
from terrace.scaffold import contract_answers


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("app", "mlflow"), ("server", "mlflow"), ("mlflow", "mlflow"), ("wandb", "wandb"), ("neptune", "neptune")],
)
def test_a_project_tracks_where_its_platform_does(kind: str, answer: str) -> None:
    """Level and tracker come from the platform; whoever makes the project may choose another tracker."""
    answers = contract_answers(platform_contract(level=2, tracking=Tracking(kind=kind)))
    assert (answers["level"], answers["tracking"]) == (2, answer)


def test_a_platform_that_tracks_nothing_answers_nothing() -> None:
    """Below level 2 nobody is asked about tracking."""
    answers = contract_answers(platform_contract(level=1, tracking=None))
    assert answers["level"] == 1
    assert "tracking" not in answers
