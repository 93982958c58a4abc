"""Imports point one way, and the command line answers without the heavy packages."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STDLIB = sys.stdlib_module_names
ROOMS = {
    # room → what it may import of ours, and of others
    "src/terrace/maturity": ({"terrace", "terrace.errors", "terrace.maturity"}, {"pydantic", "pydantic_core"}),
    "components/terrace_components": (
        {
            "terrace",
            "terrace.errors",
            "terrace.maturity",
            "terrace.settings",
            "terrace.settings_problems",
            "terrace_components",
        },
        {"pulumi", "pulumi_aws", "pydantic"},
    ),
}
LAYERS = ["terrace.maturity", "terrace_components"]


def imports(file: Path) -> list[str]:
    """Return the modules that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def within(module: str, allowed: set[str]) -> bool:
    """Tell whether a module is one of the allowed, or in one that is no bare top-level package of ours."""
    return any(module == one or (one != "terrace" and module.startswith(one + ".")) for one in allowed)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    """The pure core needs only the standard library and pydantic; components never see sandbox, CLI or boto3."""
    ours, others = ROOMS[room]
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for file in files:
        for module in imports(file):
            top = module.partition(".")[0]
            assert top in STDLIB or top in others or within(module, ours), f"{file.relative_to(ROOT)} imports {module}"


def test_nothing_imports_the_command_line() -> None:
    """The command line is on top: nothing below it knows of it, the story it tells included."""
    for file in (ROOT / "src" / "terrace").rglob("*.py"):
        if "cli" not in file.relative_to(ROOT).parts:
            assert not [m for m in imports(file) if m.startswith("terrace.cli")], file


def test_engines_do_not_know_the_sandbox() -> None:
    """The embedded engine takes a provider by its interface."""
    for file in (ROOT / "src" / "terrace" / "engine").rglob("*.py"):
        known = [m for m in imports(file) if m.startswith("terrace.sandbox") and m != "terrace.sandbox.provider.base"]
        assert not known, file


@pytest.mark.parametrize("args", [["--help"], ["levels"], ["completion", "bash"]])
def test_light_commands_import_nothing_heavy(args: list[str]) -> None:
    """`terrace --help` and its like import neither pulumi nor boto3 nor copier nor moto."""
    heavy = ["pulumi", "pulumi_aws", "boto3", "botocore", "copier", "moto", "rich"]
    program = (
        "import sys; from terrace.cli.group import run; status = run(sys.argv[1:]);"
        f"print(status, [m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
