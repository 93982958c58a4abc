"""Renders the template's pipeline with the SageMaker SDK into the definition that projects are born with.

The SDK weighs a gigabyte, so projects get a definition that was rendered before, as a template of its own. Usage:
`python tools/template_definition.py PYTHON`, where PYTHON has what `requirements/pipeline.txt` of the template pins.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import copier
import jinja2

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "templates" / "model" / "project" / "pipeline" / "definition.json.jinja"
MARKS = {
    "project_name": "Marked name",
    "model": "marked-model",
    "team": "marked-team",
    "owner": "marked@owner.example",
    "environment": "marked-env",
}
"""Answers that are found again in what the SDK says."""
PROBLEMS = ("classification", "regression")
TRACKERS = ("mlflow", "wandb", "neptune", "none")


def answers(problem: str, tracker: str) -> dict[str, object]:
    """Return the answers of a project whose definition differs from others by these two."""
    return {**MARKS, "problem": problem, "tracking": tracker, "level": 2}


def rendered(python: str, folder: Path, problem: str, tracker: str) -> str:
    """Return the definition that the SDK makes of a project's pipeline."""
    template = folder / "template"
    if not template.exists():
        # A plain copy: copier takes the work tree as it is, and not the newest tag.
        subprocess.run(["cp", "-r", ROOT / "templates" / "model", template], check=True)
        (template / "copier.yml").write_text((template / "copier.yml").read_text() + "\n_subdirectory: project\n")
    project = folder / f"{problem}-{tracker}"
    copier.run_copy(str(template), project, data=answers(problem, tracker), defaults=True, quiet=True, overwrite=True)
    subprocess.run(
        [python, "-W", "ignore", "pipeline/pipeline.py"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src"},
        check=True,
        capture_output=True,
    )
    return (project / "pipeline" / "definition.json").read_text()


def merged(texts: dict[tuple[str, str], str]) -> str:
    """Return one template for the definitions of every answer: they differ in whole lines."""
    base, twins = (texts[problem, "mlflow"].splitlines() for problem in PROBLEMS)
    if len(base) != len(twins):
        raise SystemExit("The definitions of the two problems differ in more than the words of some lines.")
    said: list[str] = []
    ends = 0
    for line, twin in zip(base, twins, strict=True):
        if "MLFLOW_TRACKING_URI" in line:
            # A reference takes three lines.
            secret = line.replace("MLFLOW_TRACKING_URI", "TRACKING_SECRET")
            said += ["{%- if tracker != 'none' %}", _either("tracker == 'mlflow'", line, secret)]
            ends = 3
        else:
            said.append(line if line == twin else _either("problem == 'classification'", line, twin))
        ends -= 1
        if ends == 0:
            said.append("{%- endif %}")
    return "\n".join(said)


def _either(condition: str, line: str, twin: str) -> str:
    return f"{{%- if {condition} %}}\n{line}\n{{%- else %}}\n{twin}\n{{%- endif %}}"


def marked(text: str) -> str:
    """Put the template's expressions where the marks are."""
    for name, mark in MARKS.items():
        text = text.replace(mark, "{{ " + name + " }}")
    return text.replace("marked_model", "{{ package }}")


def main(python: str) -> None:
    """Write the template of the definition, and check that it gives what the SDK gives for every answer."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = list(itertools.product(PROBLEMS, TRACKERS))
        texts = {pair: rendered(python, Path(folder), *pair) for pair in pairs}
    TARGET.write_text(marked(merged(texts)) + "\n")
    # The text is JSON and goes into no page.
    environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701
    template = environment.from_string(TARGET.read_text())
    for (problem, tracker), text in texts.items():
        told = {**answers(problem, tracker), "tracker": tracker, "package": "marked_model"}
        if template.render(told) != text:
            raise SystemExit(f"The template does not give the SDK's definition for {problem} and {tracker}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
