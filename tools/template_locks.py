"""Locks what projects of the template install, once for all of their choices.

A lock for each library and each tracker would be eight times the same thousand lines. So everything is resolved
together, each package stands once, and a condition says which choices need it. Usage:
`python tools/template_locks.py [GROUP...]`, with `uv` beside the interpreter.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jinja2

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "templates" / "model" / "project" / "requirements"
CHOICES = {
    "library == 'xgboost'": {"library": "xgboost"},
    "tracker == 'mlflow'": {"tracker": "mlflow"},
    "tracker == 'wandb'": {"tracker": "wandb"},
    "tracker == 'neptune'": {"tracker": "neptune"},
}
"""Condition in the template → the answer that it stands for; what they bring adds up."""
PLAIN = {"library": "scikit-learn", "tracker": "none"}
CHOSEN = ("runtime", "dev")
"""Groups whose packages depend on answers; the others are locked as they are."""
ALONE = ("pipeline", "dvc")


def uv(source: str, target: Path, *more: str) -> dict[str, str]:
    """Resolve requirements and return each package's lines in the lock by its name."""
    written = target.with_suffix(".in")
    written.write_text(source)
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    command: list[str | Path] = [
        Path(sys.executable).with_name("uv"),
        "pip",
        "compile",
        "--quiet",
        *options,
        *more,
        written,
    ]
    subprocess.run([*command, "--output-file", target], check=True)
    return blocks(target.read_text())


def blocks(lock: str) -> dict[str, str]:
    """Return each package's lines in a lock by its name; it may be there in several versions, for several Pythons."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", lock.strip()):
        name = re.split("[=@ ]", block, maxsplit=1)[0]
        found[name] = f"{found[name]}\n{block}" if name in found else block
    found.pop("", None)
    return found


def pins(packages: dict[str, str]) -> str:
    """Return the versions of packages, without their hashes."""
    lines = "\n".join(packages.values()).splitlines()
    return "\n".join(line.removesuffix("\\").rstrip() for line in lines if not line.startswith(" "))


def requirements(group: str, answers: dict[str, str]) -> str:
    """Return what a group asks for under some answers, with what it includes."""
    environment = jinja2.Environment(trim_blocks=False, autoescape=False)  # noqa: S701  (no page)
    for name in (f"{group}.in.jinja", f"{group}.in"):
        if (FOLDER / name).exists():
            text = environment.from_string((FOLDER / name).read_text()).render(answers)
            break
    lines = []
    for line in text.splitlines():
        included = re.fullmatch(r"-r (\w+)\.in", line)
        lines.append(requirements(included[1], answers) if included else line)
    return "\n".join(lines)


def lock(group: str, folder: Path) -> None:
    """Write the lock of a group whose packages depend on answers."""
    target = FOLDER / f"{group}.txt.jinja"
    everything = "\n".join(requirements(group, {**PLAIN, **answer}) for answer in CHOICES.values())
    old = folder / f"{group}-all.txt"
    # What was locked before stays where it can.
    old.write_text(re.sub(r"{%.*?%}\n?", "", target.read_text()) if target.exists() else "")
    # The image's environment on a developer's machine is the development one: the same versions in both.
    image = folder / "runtime-pins.txt"
    if not image.exists():
        known = blocks(re.sub(r"{%.*?%}\n?", "", (FOLDER / "runtime.txt.jinja").read_text()))
        image.write_text("" if group == "runtime" else pins(known))
    universe = uv(everything, old, *(["--constraint", str(image)] if group != "runtime" else []))
    pinned = folder / f"{group}-pins.txt"
    pinned.write_text(pins(universe))
    bare = uv(requirements(group, PLAIN), folder / f"{group}-bare.txt", "--constraint", str(pinned))
    needed: dict[str, list[str]] = {name: [] for name in universe}
    for condition, answer in CHOICES.items():
        found = uv(
            requirements(group, {**PLAIN, **answer}),
            folder / f"{group}-one.txt",
            "--constraint",
            str(pinned),
            "--upgrade",
        )
        for name in found:
            needed[name].append(condition)
    said = []
    for name, block in universe.items():
        if name in bare:
            said.append(block)
        elif needed[name]:
            said.append(f"{{%- if {' or '.join(needed[name])} %}}\n{block}\n{{%- endif %}}")
    target.write_text("\n".join(said) + "\n")


def main(groups: list[str]) -> None:
    """Lock some groups, or all."""
    with tempfile.TemporaryDirectory() as folder:
        for group in groups or [*CHOSEN, *ALONE]:
            if group in CHOSEN:
                lock(group, Path(folder))
            else:
                uv((FOLDER / f"{group}.in").read_text(), Path(folder) / f"{group}.txt")
                (FOLDER / f"{group}.txt").write_text((Path(folder) / f"{group}.txt").read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
