"""Turns what `terrace pipeline run --json` said into a comment on a pull request. Needs only Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def comment(run: dict[str, Any]) -> str:
    """Return Markdown: how the run came out and why, the metrics of what was registered, and the steps."""
    came, version = run.get("outcome") or {}, run.get("version") or {}
    lines = [f"### Training pipeline: {came.get('kind') or run.get('status') or 'did not start'}"]
    said = came.get("text") or run.get("error", {}).get("message")
    if said:
        lines += ["", f"> {' '.join(said.split())}"]
    if version.get("metrics"):
        lines += ["", "| metric | value |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in sorted(version["metrics"].items())]
        lines += ["", f"Version {version['version']} is {version['status']}, of the data `{version['data'][:12]}`."]
    if run.get("steps"):
        lines += ["", "| step | status | seconds |", "|---|---|---:|"]
        lines += [f"| {step['name']} | {step['status']} | {step.get('seconds') or ''} |" for step in run["steps"]]
    if run.get("execution"):
        lines += ["", f"`{run['execution']}`"]
    return "\n".join(lines) + "\n"


def main(path: str) -> None:
    """Print the comment on a run; of one that never began, that it did not."""
    text = Path(path).read_text() if Path(path).is_file() else ""
    print(comment(json.loads(text) if text.strip() else {}), end="")


if __name__ == "__main__":
    main(sys.argv[1])
