"""What every ring shares."""

from __future__ import annotations

import collections
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent
RINGS = {
    "maturity": "the pure core: levels, settings, plan, names",
    "cost": "what stands still and costs, from a dated table",
    "components": "resources, controls and names, recorded",
    "host": "components asked for by other languages, over gRPC",
    "engine": "the embedded engine against a provider in memory",
    "sandbox": "handlers and services, seen through boto3",
    "pipelines": "definitions run step by step, seen through boto3",
    "template": "generated projects",
    "release": "who serves what, from a baseline to versions",
    "operations": "runs, bills, approvals, rollbacks and promotion, as people type them",
    "cli": "commands, as processes",
    "packaging": "the wheel, in an empty environment",
    "pulumi_engine": "the same programs on Pulumi's own engine",
    "changes": "levels and versions: no change loses anything",
    "bootstrap": "the first hour on an account, seen through boto3",
    "acceptance": "an environment's whole life under a cap, in small",
    "docs": "documentation against code",
}
"""Ring → what it proves, cheap ones first."""

# The rings prove one engine each; a Pulumi that happens to be on the machine must not change which.
os.environ["TERRACE_ENGINE"] = "embedded"

# What a shell starts in the background ignores interrupts, and so would the runs that the rings interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# CI machines pause for seconds at times; an example is not wrong because it was slow.
settings.register_profile("terrace", deadline=None)
settings.load_profile("terrace")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the rings, and what ran in each."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    seconds: collections.Counter[str] = collections.Counter()
    for outcome in ("passed", "failed", "skipped", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            ring = report.nodeid.removeprefix("tests/").split("/")[0]
            counts[ring][outcome] += 1
            seconds[ring] += getattr(report, "duration", 0.0)
    terminalreporter.section("rings")
    for ring in [*RINGS, *(set(counts) - set(RINGS))]:
        if ring in counts:
            told = ", ".join(f"{count} {outcome}" for outcome, count in counts[ring].items())
            terminalreporter.line(f"{ring:<12}{told:<22}{seconds[ring]:6.1f} s  {RINGS.get(ring, '')}")
