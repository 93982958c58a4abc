"""What is decided about rows, without AWS: outcomes, starters, data, costs, which version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrace import promotion, rollback, versions
from terrace.bills import Bill, BillRow, Work, work_of
from terrace.descent import line
from terrace.errors import ProjectError
from terrace.executions import BY_HAND, Execution, Step
from terrace.maturity import ModelContract, Release
from terrace.maturity.contract import Serving
from terrace.outcomes import Outcome, Starter, outcome, starter
from terrace.prices import Price, Prices
from terrace.run_data import RunData, data_of, defaults, split_source
from terrace.versions import Version

AT = datetime(2026, 11, 21, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-central-1:1:pipeline/p/execution/abc"
SERVING = Serving(mode="serverless")
CONTRACT = ModelContract.model_construct(model="tiny", environment="dev")


def execution(status: str = "Succeeded", *steps: Step, **more: Any) -> Execution:
    """Return an execution that began and ended at once."""
    return Execution(ARN, status, AT, AT, steps=steps, **more)


def record(version: int, kind: str = "release", replaces: int | None = None) -> Release:
    """Return a record of a release."""
    return Release(
        model="tiny",
        environment="dev",
        model_version=version,
        endpoint="e",
        endpoint_config=f"c{version}",
        serving=SERVING,
        image="i",
        model_data="",
        code="",
        data="",
        metrics={},
        released_by="me",
        released_at=AT,
        replaces=replaces,
        kind=kind,
    )


def version(number: int, status: str = "Approved", **metadata: str) -> Version:
    """Return a version."""
    return Version(number, f"arn:{number}", status, "i", "", AT, metadata=metadata)


@pytest.mark.parametrize(
    ("found", "kind", "says"),
    [
        (execution("Executing", Step("Train", "Executing")), "running", "Train"),
        (execution("Succeeded", Step("R", "Succeeded", package="arn/7")), "registered", "version 7"),
        (execution("Succeeded", Step("Train", "Succeeded")), "succeeded", "registered no version"),
        (execution("Succeeded", Step("Unpublished", "Succeeded", outcome="True")), "unpublished", "published yet"),
        (execution("Failed", Step("Refused", "Failed", refusal="too bad")), "refused", "too bad"),
        (execution("Failed", Step("Train", "Failed", reason="AlgorithmError")), "failed", "Train failed: AlgorithmE"),
        (
            execution("Failed", Step("Refused", "Failed", refusal="no"), Step("Train", "Failed", reason="crash")),
            "failed",
            "",
        ),
        (execution("Failed", reason="The role may not"), "failed", "The role may not"),
        (execution("Stopped", Step("Train", "Stopped")), "stopped", "before its end"),
        (execution("Stopped", Step("Train", "Stopped", reason="too long")), "failed", "Train was stopped: too long"),
    ],
)
def test_an_execution_has_an_outcome(found: Execution, kind: str, says: str) -> None:
    """A refusal by a gate is told from a failure, and a failure from a stop."""
    came = outcome(found)
    assert came.kind == kind
    assert says in came.text
    assert came.good == (kind in ("registered", "succeeded"))


ROLE = "arn:aws:sts::123456789012:assumed-role/acme-dev-ml-tiny-trigger/x"
EVENT = {"DataKey": "data/new.csv", "DataVersion": "v"}


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (execution(description=f"{BY_HAND} tiny dev", parameters=EVENT), "person"),
        (execution(parameters=EVENT), "new data"),
        (execution(parameters={**EVENT, "Score": "1"}), "client"),
        (execution(started_by=ROLE), "schedule"),
        (execution(started_by=ROLE, parameters=EVENT), "new data"),
        (execution(), "client"),
        (execution(description="by my script"), "client"),
    ],
)
def test_what_started_an_execution_is_told(found: Execution, kind: str) -> None:
    """A person, new data, a schedule; whoever says nothing is a client, never guessed."""
    assert starter(found, "data/").kind == kind


def test_an_object_elsewhere_started_nothing() -> None:
    """An object outside the watched prefix is a parameter like another."""
    assert starter(execution(parameters=EVENT), "other/").kind == "client"


def test_data_is_what_the_run_says_else_what_it_was_told() -> None:
    """The evaluation knows the object, version and hash; before it there are only the parameters."""
    told = {"DataUri": "s3://bucket/prefix", "DataKey": "prefix/a.csv", "DataVersion": "v1"}
    assert data_of(told) == RunData("s3://bucket/prefix/a.csv", "v1", None)
    assert data_of({"DataUri": "s3://bucket/prefix", "DataKey": ""}) == RunData("s3://bucket/prefix", None, None)
    assert data_of(told, {"data": "ff", "source": "s3://b/k?versionId=v2"}) == RunData("s3://b/k", "v2", "ff")
    assert str(data_of({})) == "unknown data"
    assert split_source("s3://b/k") == ("s3://b/k", None)
    assert defaults('{"Parameters": [{"Name": "A", "DefaultValue": 1}, {"Name": "B"}]}') == {"A": "1"}


def test_a_version_names_the_object_and_its_version_that_it_was_trained_on() -> None:
    """The registry takes no question mark, so the object's version is told beside its URI."""
    told = version(1, data="ff", source="s3://b/k", version="v2")
    contract = CONTRACT.model_copy(update={"endpoint": "e"})
    assert line(contract, told, (), None).data == RunData("s3://b/k", "v2", "ff")


@given(st.floats(0, 1e6), st.integers(1, 20))
def test_work_is_billed_by_whole_seconds(seconds: float, instances: int) -> None:
    """A second that has begun is billed; never less than what ran."""
    step = Step("Prepare", "Succeeded", job=("ProcessingJob", "arn/job"))
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": instances}
    ended = AT + timedelta(seconds=seconds)
    said = {
        "ProcessingResources": {"ClusterConfig": cluster},
        "ProcessingStartTime": AT,
        "ProcessingEndTime": ended,
    }
    work = work_of(step, said)
    assert work is not None
    assert (work.item, work.instances) == ("processing-ml.m5.large", instances)
    assert 0 <= work.seconds - (ended - AT).total_seconds() < 1


def test_training_is_billed_by_what_sagemaker_says_and_nothing_by_nothing() -> None:
    """BillableTimeInSeconds has what spot instances save; a job that never ran is not billed."""
    step = Step("Train", "Failed", job=("TrainingJob", "arn/job"))
    said = {"ResourceConfig": {"InstanceType": "ml.x", "InstanceCount": 2}, "BillableTimeInSeconds": 30}
    assert work_of(step, said) == Work("Train", "training-ml.x", 2, 30)
    assert work_of(step, {"ResourceConfig": {}}) is None
    assert work_of(Step("Gate", "Succeeded"), {}) is None


def bill(*work: Work, sandbox: bool = False, priced: bool = True) -> Bill:
    """Return a bill of one run, with one price or none."""
    price = Price("eu-central-1", "training-ml.x", Decimal("3.6"), "hour", "a page", AT.date())
    row = BillRow(execution(), Starter("person", "me"), RunData(), Outcome("succeeded", ""), work)
    return Bill("eu-central-1", sandbox, (row,), Prices((price,) if priced else ()))


@given(
    st.lists(st.tuples(st.sampled_from(["training-ml.x", "training-ml.y"]), st.integers(1, 4), st.integers(0, 9999)))
)
def test_a_sum_holds_what_has_a_price_and_names_the_rest(given: list[tuple[str, int, int]]) -> None:
    """Nothing is guessed, and no second is lost between what is known and what is unknown."""
    found = bill(*(Work("Train", item, instances, seconds) for item, instances, seconds in given))
    priced = sum(instances * seconds for item, instances, seconds in given if item == "training-ml.x")
    assert found.total == Decimal(priced) * Decimal("3.6") / 3600
    assert sum(found.unknown(found.rows).values()) + priced == found.seconds
    assert found.to_json()["usd_known"] == pytest.approx(float(found.total), abs=1e-6)


def test_a_bill_says_what_is_unknown_and_what_a_sandbox_costs() -> None:
    """Unknown is a word, not a zero; a sandbox costs nothing and says what AWS would have charged."""
    work = Work("Train", "training-ml.x", 1, 100)
    assert bill(work).summary() == ["1 run, 100 s of instances billed: $0.1000, at list prices"]
    assert "cost nothing; AWS would have billed 100 s of instances: $0.1000" in bill(work, sandbox=True).summary()[0]
    unknown = bill(work, priced=False)
    assert unknown.summary()[0].endswith("billed: unknown, at list prices")
    assert "training-ml.x (100 s)" in unknown.summary()[1]
    assert unknown.to_json()["runs"][0]["work"][0]["usd"] is None


RELEASES = st.lists(st.integers(1, 6), min_size=1, max_size=12)


@given(RELEASES)
def test_rolling_back_step_by_step_visits_every_release_down_to_the_baseline(released: list[int]) -> None:
    """Each rollback goes further back, never forward again, and ends at the baseline."""
    history = [record(number) for number in released]
    stack = rollback.served(history)
    known = [version(number) for number in range(1, 7)]
    visited = [stack[-1]]
    while len(rollback.served(history)) > 1:
        found = rollback.choose(CONTRACT, history, known, None)
        history.append(record(found, "rollback"))
        visited.append(found)
        assert rollback.served(history)[-1] == found
    assert visited[-1] == 0
    # A version can serve twice; going back to it goes below both.
    assert len(visited) <= len(stack)
    with pytest.raises(ProjectError, match="Nothing served tiny in dev before the baseline"):
        rollback.choose(CONTRACT, history, known, None)


@given(RELEASES, st.integers(0, 7))
def test_only_what_served_is_gone_back_to(released: list[int], wanted: int) -> None:
    """A version that never served is released, not rolled back to; one that serves now is refused too."""
    history = [record(number) for number in released]
    known = [version(number) for number in range(1, 7)]
    if wanted in {0, *released} and wanted != released[-1]:
        assert rollback.choose(CONTRACT, history, known, wanted) == wanted
    else:
        with pytest.raises(ProjectError, match=r"serves in dev now|never served|has no version 7"):
            rollback.choose(CONTRACT, history, known, wanted)


def test_a_version_that_there_is_not_is_refused_by_those_that_there_are() -> None:
    """Nobody is sent to release what is not registered."""
    with pytest.raises(ProjectError, match="tiny has no version 99 in dev") as refused:
        rollback.choose(CONTRACT, [record(1), record(2, replaces=1)], [version(1), version(2)], 99)
    assert refused.value.hint == "There are: 1, 2."


def test_going_back_needs_a_version_that_is_still_approved() -> None:
    """What was rejected since, or is gone, is named with what to do."""
    history = [record(1), record(2, replaces=1)]
    with pytest.raises(ProjectError, match="which served before, is Rejected"):
        rollback.choose(CONTRACT, history, [version(1, "Rejected"), version(2)], None)
    with pytest.raises(ProjectError, match="gone from the registry"):
        rollback.choose(CONTRACT, history, [version(2)], None)
    with pytest.raises(ProjectError, match="before the baseline"):
        rollback.choose(CONTRACT, [], [], None)


def test_a_history_that_was_cut_knows_what_its_first_record_replaced() -> None:
    """Parameter Store forgets the oldest records."""
    assert rollback.served([record(8, replaces=7), record(9)]) == [7, 8, 9]
    assert rollback.served([record(8, replaces=7), record(8)]) == [7, 8]


@pytest.mark.parametrize(
    ("known", "number", "wanted", "reason", "serving", "says"),
    [
        ([], None, "Approved", "", None, "waits for a decision"),
        ([version(1)], None, "Approved", "", None, "1 is Approved"),
        ([version(1)], 9, "Approved", "", None, "no version 9"),
        ([version(1, "Rejected")], 1, "Approved", "", None, "with --reason"),
        ([version(1)], 1, "Rejected", "", None, "with --reason"),
        ([version(1)], 1, "Rejected", "x" * 1025, None, "has 1025 characters; the registry takes 1024"),
        ([version(1)], 1, "Rejected", "bad", 1, "terrace rollback tiny dev"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    known: list[Version], number: int | None, wanted: str, reason: str, serving: int | None, says: str
) -> None:
    """Each refusal says what to do instead."""
    with pytest.raises(ProjectError) as refused:
        versions.choose(known, CONTRACT, number, wanted, reason, serving)
    assert says in str(refused.value)


def test_a_decision_is_about_the_newest_that_waits() -> None:
    """Without a number it is the newest; what is decided so already is left alone; a reason turns one over."""
    known = [version(3, "PendingManualApproval"), version(2, "PendingManualApproval"), version(1, "Rejected")]
    assert versions.choose(known, CONTRACT, None, "Approved", "", None) == known[0]
    assert versions.choose(known, CONTRACT, 1, "Rejected", "", None) is None
    assert versions.choose(known, CONTRACT, 1, "Approved", "the data was wrong", None) == known[2]


def test_only_what_is_approved_there_is_brought() -> None:
    """The newest approved one, or the one that is named; a refusal names the command of the other environment."""
    known = [version(3, "PendingManualApproval"), version(2), version(1)]
    assert promotion.choose(CONTRACT, known, None).number == 2
    assert promotion.choose(CONTRACT, known, 1).number == 1
    for number, of in ((3, known), (None, known[:1])):
        with pytest.raises(ProjectError, match="terrace approve tiny dev --version 3"):
            promotion.choose(CONTRACT, of, number)
    with pytest.raises(ProjectError, match="terrace pipeline run tiny dev"):
        promotion.choose(CONTRACT, [], None)


def test_a_metric_that_is_no_number_is_left_out() -> None:
    """Metadata is text of anybody's."""
    assert versions.metrics({"metric:a": "0.5", "metric:b": "?", "code": "1"}) == {"a": 0.5}
