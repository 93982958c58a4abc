"""What runs of a pipeline cost: seconds that SageMaker bills, by the dated price table. Pure but for `read_work`.

Instances are counted, by the second as SageMaker bills them. Volumes, objects and requests are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from terrace.executions import Execution, Step
from terrace.outcomes import Outcome, Starter
from terrace.prices import Prices
from terrace.run_data import RunData
from terrace.target import Target

_HUNDREDTH_OF_A_CENT = Decimal("0.0001")
_SECONDS = Decimal(3600)
ITEMS = {"TrainingJob": "training", "ProcessingJob": "processing", "TransformJob": "transform"}
"""Kind of a job → how the price table begins the items of its instances: `training-ml.m5.large`."""


@dataclass(frozen=True)
class Work:
    """What one job is billed for.

    Attributes:
        step: Name of the step that ran it.
        item: What is paid for, as the price table names it.
        instances: How many.
        seconds: Seconds billed, of each instance.
    """

    step: str
    item: str
    instances: int
    seconds: int

    def usd(self, prices: Prices, region: str) -> Decimal | None:
        """US dollars; None where the table has no price."""
        price = prices.find(region, self.item)
        return None if price is None else price.hourly * self.seconds * self.instances / _SECONDS

    def to_json(self, prices: Prices, region: str) -> dict[str, Any]:
        """Return it as plain data."""
        price = prices.find(region, self.item)
        usd = self.usd(prices, region)
        return {
            "step": self.step,
            "item": self.item,
            "instances": self.instances,
            "seconds": self.seconds,
            "usd": None if usd is None else float(round(usd, 6)),
            "price_date": None if price is None else price.date.isoformat(),
        }


@dataclass(frozen=True)
class BillRow:
    """One run: what it was, what started it, on which data, how it came out, what it cost.

    Attributes:
        execution: The run.
        starter: What started it.
        data: What it read.
        outcome: How it came out.
        work: What its jobs are billed for; none of steps that took over an earlier result.
    """

    execution: Execution
    starter: Starter
    data: RunData
    outcome: Outcome
    work: tuple[Work, ...]

    @property
    def seconds(self) -> int:
        """Seconds billed, over all instances."""
        return sum(one.seconds * one.instances for one in self.work)


@dataclass(frozen=True)
class Bill:
    """What the runs of a pipeline cost.

    Attributes:
        region: AWS region.
        sandbox: Whether they ran on this machine and cost nothing.
        rows: The runs, the latest first.
        prices: The table.
    """

    region: str
    sandbox: bool
    rows: tuple[BillRow, ...]
    prices: Prices

    def known(self, row: BillRow) -> Decimal:
        """US dollars of what has a price."""
        found = (one.usd(self.prices, self.region) for one in row.work)
        return sum((usd for usd in found if usd is not None), Decimal(0))

    def unknown(self, rows: Iterable[BillRow]) -> dict[str, int]:
        """Return item without a price → seconds over all instances."""
        found: dict[str, int] = {}
        for one in (work for row in rows for work in row.work):
            if self.prices.find(self.region, one.item) is None:
                found[one.item] = found.get(one.item, 0) + one.seconds * one.instances
        return found

    @property
    def total(self) -> Decimal:
        """US dollars of all that has a price."""
        return sum((self.known(row) for row in self.rows), Decimal(0))

    @property
    def seconds(self) -> int:
        """Seconds billed, over all runs and instances."""
        return sum(row.seconds for row in self.rows)

    def cost_text(self, row: BillRow) -> str:
        """Return what a run cost, for people: `$0.0123`, `unknown`, or `$0.01 and unknown`."""
        return _cost(self.known(row), bool(self.unknown([row])), bool(row.work))

    def summary(self) -> list[str]:
        """Return the sum in lines: what was billed, what has no price, and that a sandbox costs nothing."""
        runs = f"{len(self.rows)} run{'' if len(self.rows) == 1 else 's'}"
        unknown = self.unknown(self.rows)
        cost = _cost(self.total, bool(unknown), self.seconds > 0)
        if self.sandbox:
            lines = [f"{runs} in the sandbox cost nothing; AWS would have billed {self.seconds} s of instances: {cost}"]
        else:
            lines = [f"{runs}, {self.seconds} s of instances billed: {cost}, at list prices"]
        if unknown:
            told = ", ".join(f"{item} ({seconds} s)" for item, seconds in sorted(unknown.items()))
            lines.append(f"price unknown in {self.region}, not in the sum: {told}")
        return lines

    def lines(self) -> list[str]:
        """Return it for people: each run in four lines, then the sum."""
        found: list[str] = []
        for row in self.rows:
            at = row.execution.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            found += [
                f"{at}  {row.execution.id}  {row.outcome.kind}: {row.outcome.text}",
                f"  started by {row.starter.kind}: {row.starter.text}",
                f"  on {row.data}",
                f"  {row.seconds} s billed, {self.cost_text(row)}",
            ]
        return [*found, *self.summary()]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; its form is a contract that scripts rest on."""
        return {
            "region": self.region,
            "sandbox": self.sandbox,
            "runs": [self._row(row) for row in self.rows],
            "seconds_billed": self.seconds,
            "usd_known": float(round(self.total, 6)),
            "usd_charged": 0.0 if self.sandbox else None,
            "unknown": self.unknown(self.rows),
        }

    def _row(self, row: BillRow) -> dict[str, Any]:
        ended: datetime | None = row.execution.ended
        return {
            "execution": row.execution.arn,
            "started": row.execution.started.isoformat(),
            "ended": None if ended is None else ended.isoformat(),
            "started_by": row.starter.to_json(),
            "data": row.data.to_json(),
            "status": row.execution.status,
            "outcome": row.outcome.to_json(),
            "seconds_billed": row.seconds,
            "usd_known": float(round(self.known(row), 6)),
            "unknown": self.unknown([row]),
            "work": [one.to_json(self.prices, self.region) for one in row.work],
        }


def work_of(step: Step, said: Mapping[str, Any]) -> Work | None:
    """Return what a job is billed for, None for one that never ran.

    Training tells the seconds that it bills. Of processing and transform jobs it is the time from start to end.

    Args:
        step: The step that ran it.
        said: The job's description.
    """
    if step.job is None or step.job[0] not in ITEMS:
        return None
    kind = step.job[0].removesuffix("Job")
    cluster = said.get("ResourceConfig") or said.get("ProcessingResources", {}).get("ClusterConfig")
    cluster = cluster or said.get("TransformResources") or {}
    seconds = said.get("BillableTimeInSeconds")
    if seconds is None:
        began, ended = said.get(f"{kind}StartTime"), said.get(f"{kind}EndTime")
        if began is None or ended is None:
            return None
        whole = (ended - began).total_seconds()
        seconds = int(whole) + (whole > int(whole))
    item = f"{ITEMS[step.job[0]]}-{cluster.get('InstanceType', 'unknown')}"
    return Work(step.name, item, int(cluster.get("InstanceCount", 1)), max(0, int(seconds)))


def read_work(target: Target, execution: Execution) -> tuple[Work, ...]:
    """Return what the jobs of an execution are billed for; a tuning job is one row for each of its training jobs."""
    sagemaker = target.client("sagemaker")
    found: list[Work | None] = []
    for step in execution.steps:
        if step.job is None or step.job_name is None or step.cached_from:
            continue
        kind, name = step.job[0], step.job_name
        if kind == "TuningJob":
            pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
                HyperParameterTuningJobName=name
            )
            jobs = [(one["TrainingJobName"], one["TrainingJobArn"]) for p in pages for one in p["TrainingJobSummaries"]]
            for job, arn in jobs:
                said = sagemaker.describe_training_job(TrainingJobName=job)
                found.append(work_of(Step(step.name, step.status, job=("TrainingJob", arn)), said))
            continue
        noun = kind.removesuffix("Job")
        describe = getattr(sagemaker, f"describe_{noun.lower()}_job")
        found.append(work_of(step, describe(**{f"{noun}JobName": name})))
    return tuple(one for one in found if one is not None)


def _cost(known: Decimal, unknown: bool, any_work: bool) -> str:
    if not unknown or not any_work:
        return f"${known.quantize(_HUNDREDTH_OF_A_CENT)}"
    return f"${known.quantize(_HUNDREDTH_OF_A_CENT)} and what is unknown" if known else "unknown"
