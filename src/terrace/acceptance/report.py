"""The report of an acceptance: what ran, what it may have cost, and what differed from the sandbox. Markdown."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

from terrace import __version__
from terrace.acceptance.compare import Difference
from terrace.acceptance.forecast import Forecast
from terrace.acceptance.steps import Step
from terrace.acceptance.story import Side


@dataclass(frozen=True)
class Outcome:
    """A finished acceptance.

    Attributes:
        began: When it began, in UTC.
        target: `aws` or `sandbox`.
        account: Account id.
        levels: The level that it began at, and the one it went to.
        forecast: What it could have cost.
        cap: What it was allowed to cost, in US dollars.
        here: The environment's own run; None where its twin failed, so that nothing was spent.
        twin: The run in the sandbox.
        differences: What differed.
        seconds: How long the environment's own run took.
    """

    began: datetime.datetime
    target: str
    account: str
    levels: tuple[int, int]
    forecast: Forecast
    cap: Decimal
    here: Side | None
    twin: Side
    differences: tuple[Difference, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every step ended well on both sides and nothing is left."""
        return self.here is not None and self.here.ok and self.here.destroyed and self.twin.ok

    def lines(self) -> list[str]:
        """Return the report."""
        side = self.here or self.twin
        region = self.forecast.idle.region
        spent = (self.forecast.hourly * Decimal(self.seconds) / 3600).quantize(Decimal("0.01"))
        return [
            f"# Acceptance of {side.environment}, {self.began:%Y-%m-%d %H:%M} UTC",
            "",
            f"- Terrace {__version__}, level {self.levels[0]} to {self.levels[1]}, target {self.target}, "
            f"account {self.account}, {region}",
            f"- result: {self._result()}",
            f"- cap ${self.cap}; forecast {'; '.join(self.forecast.lines())}",
            f"- the run took {self.seconds / 60:.1f} min: ${spent} of what is paid by the hour, at list prices"
            if self.target == "aws"
            else f"- the run took {self.seconds / 60:.1f} min in the sandbox and cost nothing",
            *(["- what AWS charges is in Cost Explorer a day later, by tag"] if self.target == "aws" else []),
            "",
            "## What differed from the sandbox",
            "",
            *self._differences(),
            "",
            "## Steps",
            "",
            *_table(self.here.steps if self.here else [], self.twin.steps),
            *_errors(self.here, self.twin),
        ]

    def _result(self) -> str:
        if self.here is None:
            return "not run: its twin in the sandbox failed, so nothing was spent"
        if not self.here.destroyed:
            env = self.here.environment
            again = f"`terrace destroy {env} --delete-data`"
            return f"**NOT DESTROYED**: run {again} until it ends well; until then it goes on to cost"
        return "passed, and nothing is left" if self.ok else "failed, and nothing is left"

    def _differences(self) -> list[str]:
        if self.here is None:
            return ["Nothing to compare."]
        if not self.differences:
            return ["Nothing: resources by count, outputs and predictions are the same, ids and account aside."]
        rows = [f"| {one.step} | {one.what} | {_cell(one.here)} | {_cell(one.there)} |" for one in self.differences]
        return [f"| step | what | {self.target} | sandbox |", "|---|---|---|---|", *rows]


def _table(here: list[Step], twin: list[Step]) -> list[str]:
    ours, twins = {step.name: step for step in here}, {step.name: step for step in twin}
    names = list(dict.fromkeys([*ours, *twins]))
    rows = [f"| {name} | {_step(ours.get(name))} | {_step(twins.get(name))} |" for name in names]
    return ["| step | here | sandbox |", "|---|---|---|", *rows]


def _step(step: Step | None) -> str:
    if step is None:
        return "–"
    counts = ", ".join(f"{count} {name}" for name, count in step.resources.items() if count)
    return f"{'ok' if step.ok else '**failed**'}, {step.seconds} s" + (f", {counts}" if counts else "")


def _errors(*sides: Side | None) -> list[str]:
    lines = []
    for side in sides:
        for step in side.steps if side else ():
            if step.error:
                lines += ["", f"### {side.name if side else ''}: {step.name}", "", "```text", step.error, "```"]
    return lines


def _cell(text: str) -> str:
    """Return text that stays in its cell of a table."""
    short = text if len(text) <= 200 else f"{text[:200]}…"
    return short.replace("|", "\\|").replace("\n", " ")
