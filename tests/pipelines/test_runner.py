"""The order in which an execution runs its steps, and what becomes of it, with jobs that do as the test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_case import compare, condition, document, fail, get, processing

from terrace.sandbox.pipelines.definition import read
from terrace.sandbox.pipelines.execution import EXECUTING, Execution, StepRun
from terrace.sandbox.pipelines.expressions import Scope, resolve
from terrace.sandbox.pipelines.retries import INTERNAL_ERROR
from terrace.sandbox.pipelines.room import earlier
from terrace.sandbox.pipelines.runner import Runner
from terrace.sandbox.pipelines.work import Outcome, Work

GOOD = Outcome("Succeeded")
BROKEN = Outcome("Failed", "ClientError: AlgorithmError: it broke", "ALGORITHM_ERROR")
INTERNAL = Outcome("Failed", "ClientError: InternalServerError: try again", INTERNAL_ERROR)
GOING = Outcome(EXECUTING)


class Jobs(Work):
    """Jobs that end as they are told to.

    Args:
        ends: Name of a step → what its attempts come to, one after the other; the last one for ever.
    """

    def __init__(self, **ends: Sequence[Outcome]) -> None:
        super().__init__(lambda service: pytest.fail(f"{service} is not to be called"))
        self.ends = {name: list(outcomes) for name, outcomes in ends.items()}
        self.made: list[str] = []
        self.stopped: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    def prepare(self, execution: Execution, run: StepRun) -> dict[str, Any]:
        arguments: dict[str, Any] = resolve(run.step.arguments, self.scope(execution, run))
        run.key = json.dumps(arguments, sort_keys=True)
        return arguments

    def create(self, execution: Execution, run: StepRun, arguments: Mapping[str, Any]) -> Outcome:
        self.made.append(run.step.name)
        run.metadata = {"ProcessingJob": {"Arn": f"arn:{run.step.name}"}}
        run.properties = {"ProcessingJobArn": f"arn:{run.step.name}", **arguments}
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        return GOING

    def look(self, run: StepRun) -> Outcome:
        ends = self.ends.get(run.step.name, [GOOD])
        found = ends.pop(0) if len(ends) > 1 else ends[0]
        if run.step.name in self.stopped:
            found = Outcome("Stopped")
        self.at_once -= found.status not in ("", EXECUTING)
        return found

    def stop(self, run: StepRun) -> None:
        self.stopped.append(run.step.name)


class Run:
    """An execution of some steps, told and waited for."""

    def __init__(
        self,
        steps: Sequence[Any],
        jobs: Jobs,
        parallel: int = 50,
        cache: Callable[[Execution, StepRun], StepRun | None] = lambda execution, run: None,
        **parameters: Any,
    ) -> None:
        declared = [{"Name": name, "Type": "Integer"} for name in parameters]
        definition = read(json.dumps(document(steps, declared)))
        self.told: list[tuple[str, str]] = []
        self.execution = Execution(
            pipeline="arn:pipeline",
            pipeline_name="p",
            version=1,
            definition=definition,
            role="arn:role",
            parameters=parameters,
            given=(),
            display="run",
            user={},
            parallel=parallel,
        )
        self.runner = Runner(self.execution, jobs, self._tell, cache)

    def _tell(self, execution: Execution, run: StepRun | None, before: str | None) -> None:
        self.told.append((run.step.name if run else "", run.status if run else execution.status))

    def end(self, seconds: float = 20.0) -> dict[str, str]:
        """Run to the end; return the statuses of the steps."""
        self.runner.start()
        self.runner.join(seconds)
        assert self.execution.over, self.execution
        return {name: run.status for name, run in self.execution.runs.items()}

    def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.execution
            time.sleep(0.005)


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps that wait for some of those before them, in any order."""
    count = draw(st.integers(1, 8))
    needs = [draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set() for number in range(count)]
    steps = [processing(f"S{n}", DependsOn=[f"S{one}" for one in sorted(needs[n])]) for n in range(count)]
    return list(draw(st.permutations(steps)))


@given(graphs(), st.integers(1, 4), st.sets(st.integers(0, 7), max_size=2))
@settings(max_examples=40)
def test_each_step_runs_after_what_it_waits_for(steps: list[Any], parallel: int, broken: set[int]) -> None:
    """No step begins before, none that waits for a failed one, all others run, and never more at once than may."""
    jobs = Jobs(**{f"S{number}": [BROKEN] for number in broken})
    run = Run(steps, jobs, parallel)
    statuses = run.end()
    needs = {step["Name"]: step["DependsOn"] for step in steps}
    for number, name in enumerate(jobs.made):
        assert set(needs[name]) <= set(jobs.made[:number])
        assert all(statuses[one] == "Succeeded" for one in needs[name])
    for name in needs:
        could = all(statuses.get(one) == "Succeeded" for one in needs[name])
        assert (name in statuses) == could
    assert jobs.most_at_once <= parallel
    assert run.execution.status == ("Failed" if "Failed" in statuses.values() else "Succeeded")


def test_each_change_is_told_in_order() -> None:
    """A step starts, executes and succeeds, and the execution ends after it."""
    run = Run([processing("A"), processing("B", DependsOn=["A"])], Jobs())
    run.end()
    assert run.told == [
        ("A", "Starting"),
        ("A", "Executing"),
        ("A", "Succeeded"),
        ("B", "Starting"),
        ("B", "Executing"),
        ("B", "Succeeded"),
        ("", "Succeeded"),
    ]


@pytest.mark.parametrize(("rows", "wanted"), [(1, {"C", "No", "After"}), (5, {"C", "Yes", "After"})])
def test_a_condition_chooses_its_steps(rows: int, wanted: set[str]) -> None:
    """The steps of the other branch never begin, nor does what waits for them."""
    gate = condition("C", compare("GreaterThan", get("Parameters.rows"), 3), [processing("Yes")], [processing("No")])
    steps = [gate, processing("After", DependsOn=["C"]), processing("Lost", DependsOn=["Yes", "No"])]
    run = Run(steps, Jobs(), rows=rows)
    assert set(run.end()) == wanted
    assert run.execution.status == "Succeeded"
    assert run.execution.runs["C"].metadata == {"Condition": {"Outcome": str(rows == 5)}}


def test_all_conditions_of_a_list_must_hold() -> None:
    """Two conditions in a list are both needed."""
    both = [compare("Equals", 1, 1), compare("Equals", 1, 2)]
    assert set(Run([condition("C", both, [processing("Yes")], [fail("No")])], Jobs()).end()) == {"C", "No"}


def test_conditions_can_be_inside_of_conditions() -> None:
    """A branch may have a condition, with branches of its own."""
    true = compare("Equals", 1, 1)
    inner = condition("Inner", compare("Equals", 1, 2), [processing("A")], [processing("B")])
    run = Run([condition("Outer", true, [inner], [processing("C")])], Jobs())
    assert run.end() == {"Outer": "Succeeded", "Inner": "Succeeded", "B": "Succeeded"}


def test_a_condition_that_cannot_be_told_fails_with_its_reason() -> None:
    """A number and a text have no order; the execution fails, and no branch runs."""
    run = Run([condition("C", compare("LessThan", "a", 1), [processing("A")], [processing("B")])], Jobs())
    assert run.end() == {"C": "Failed"}
    assert "cannot compare" in run.execution.runs["C"].reason
    assert run.execution.reason == "Step failure: One or multiple steps failed."


def test_a_fail_step_fails_with_its_words() -> None:
    """The message is made when the step runs."""
    message = {"Std:Join": {"On": " ", "Values": ["only", get("Parameters.rows"), "rows"]}}
    run = Run([fail("F", message)], Jobs(), rows=3)
    assert run.end() == {"F": "Failed"}
    assert run.execution.runs["F"].reason == "only 3 rows"
    assert run.execution.runs["F"].metadata == {"Fail": {"ErrorMessage": "only 3 rows"}}


def test_a_property_that_is_not_there_fails_the_step() -> None:
    """What AWS's description can have, and this one has not, is told by name."""
    run = Run([processing("A"), fail("F", get("Steps.A.ExitMessage"))], Jobs())
    assert run.end() == {"A": "Succeeded", "F": "Failed"}
    assert "Steps.A.ExitMessage" in run.execution.runs["F"].reason


def test_a_step_can_run_because_another_one_failed() -> None:
    """The failure is then dealt with, and the execution ends as AWS calls that."""
    steps = [processing("A"), processing("Mend", DependsOn=[{"Step": "A", "Trigger": "Failed"}])]
    run = Run(steps, Jobs(A=[BROKEN]))
    assert run.end() == {"A": "Failed", "Mend": "Succeeded"}
    assert run.execution.status == "CompletedWithFailures"
    assert Run(steps, Jobs()).end() == {"A": "Succeeded"}


def _retrying(exception: str, **more: Any) -> dict[str, Any]:
    policy = {"ExceptionType": [exception], "IntervalSeconds": 0, "BackoffRate": 1.0, **more}
    return processing("A", RetryPolicies=[policy])


def test_a_failure_that_a_policy_covers_is_tried_again() -> None:
    """A job that the service failed is made again, and the step says which attempt it was."""
    jobs = Jobs(A=[INTERNAL, INTERNAL, GOOD])
    run = Run([_retrying(INTERNAL_ERROR, MaxAttempts=5)], jobs)
    assert run.end() == {"A": "Succeeded"}
    assert jobs.made == ["A"] * 3
    assert run.execution.runs["A"].attempts == 3
    assert run.execution.runs["A"].describe()["AttemptCount"] == 3


@pytest.mark.parametrize(
    ("step", "ends", "made"),
    [
        (_retrying(INTERNAL_ERROR, MaxAttempts=2), [INTERNAL], 3),
        (_retrying(INTERNAL_ERROR, MaxAttempts=2), [BROKEN], 1),
        (_retrying("SageMaker.CAPACITY_ERROR", MaxAttempts=2), [INTERNAL], 1),
        (processing("A"), [INTERNAL], 1),
    ],
)
def test_retries_end(step: Any, ends: list[Outcome], made: int) -> None:
    """After as many retries as the policy has, and at once for what no policy covers: a job's own mistakes."""
    jobs = Jobs(A=ends)
    run = Run([step], jobs)
    assert run.end() == {"A": "Failed"}
    assert len(jobs.made) == made
    assert run.execution.runs["A"].reason == ends[0].reason


@pytest.fixture
def endless() -> Jobs:
    """Jobs of which A never ends by itself."""
    return Jobs(A=[GOING])


def test_a_stop_stops_what_runs(endless: Jobs) -> None:
    """What runs is stopped, what waits never begins, and the execution was stopping before it was stopped."""
    run = Run([processing("A"), processing("B", DependsOn=["A"])], endless)
    run.runner.start()
    run.until(lambda: "A" in run.execution.runs and run.execution.runs["A"].status == EXECUTING)
    run.runner.stop()
    run.runner.join(10)
    assert endless.stopped == ["A"]
    assert {name: one.status for name, one in run.execution.runs.items()} == {"A": "Stopped"}
    assert run.told[-4:] == [("", "Stopping"), ("A", "Stopping"), ("A", "Stopped"), ("", "Stopped")]


def test_a_job_that_somebody_else_stopped_stops_the_execution() -> None:
    """What waits for it never begins, and a step that waits for its stop does."""
    steps = [
        processing("A"),
        processing("B", DependsOn=["A"]),
        processing("After", DependsOn=[{"Step": "A", "Trigger": "Stopped"}]),
    ]
    run = Run(steps, Jobs(A=[Outcome("Stopped")]))
    assert run.end() == {"A": "Stopped", "After": "Succeeded"}
    assert run.execution.status == "Stopped"


def test_a_stop_ends_the_wait_for_a_retry() -> None:
    """A step that waits to be tried again is stopped at once, and is not tried again."""
    jobs = Jobs(A=[INTERNAL])
    policy = {"ExceptionType": [INTERNAL_ERROR], "IntervalSeconds": 600, "MaxAttempts": 5}
    run = Run([processing("A", RetryPolicies=[policy])], jobs)
    run.runner.start()
    run.until(lambda: ("A", "Starting") in run.told[1:])
    run.runner.stop()
    run.runner.join(10)
    assert run.execution.status == "Stopped"
    assert jobs.made == ["A"]


def test_an_abandoned_execution_makes_nothing_more(endless: Jobs) -> None:
    """After a reset its thread ends, without a word."""
    run = Run([processing("A")], endless)
    run.runner.start()
    run.until(lambda: ("A", EXECUTING) in run.told)
    told = len(run.told)
    run.runner.abandon()
    run.runner.join(10)
    assert not any(thread.name == f"pipeline {run.execution.id}" for thread in threading.enumerate())
    assert len(run.told) == told


def test_a_mistake_of_the_sandbox_ends_the_execution(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits for it does not wait for ever, and the log has the mistake."""

    class Mistaken(Jobs):
        def look(self, run: StepRun) -> Outcome:
            raise RuntimeError("a mistake")

    run = Run([processing("A")], Mistaken())
    run.end()
    assert run.execution.status == "Failed"
    assert "InternalServerError" in run.execution.reason
    assert "a mistake" in caplog.text


def _cached(after: str, **arguments: Any) -> dict[str, Any]:
    return processing("A", arguments, CacheConfig={"Enabled": True, "ExpireAfter": after})


@pytest.mark.parametrize(
    ("second", "hit"),
    [
        (_cached("P1D"), True),
        (_cached("PT1H"), True),
        (_cached("P1D", Environment={"x": "y"}), False),
        (processing("A"), False),
        (_cached("P0D"), False),
    ],
)
def test_a_result_is_taken_from_a_cache(second: Any, hit: bool) -> None:
    """Only with a cache, the same arguments, and as long as it has not expired; the source is told."""
    known: dict[str, Execution] = {}
    jobs = Jobs()
    first = Run([processing("A")], jobs)
    first.end()
    known[first.execution.arn] = first.execution
    again = Run(
        [second, fail("F", get("Steps.A.ProcessingJobArn"))], jobs, cache=lambda one, run: earlier(known, one, run)
    )
    again.end()
    assert len(jobs.made) == (1 if hit else 2)
    found = again.execution.runs["A"]
    assert found.describe().get("CacheHitResult") == (
        {"SourcePipelineExecutionArn": first.execution.arn} if hit else None
    )
    assert again.execution.runs["F"].reason == "arn:A"
    assert found.metadata == first.execution.runs["A"].metadata


def test_no_scope_leads_outside() -> None:
    """An empty scope resolves nothing."""
    with pytest.raises(Exception, match="cannot be resolved"):
        resolve(get("Steps.A.X"), Scope({}))
