"""Documentation against the code that it describes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from terrace.cli.group import COMMANDS, terrace
from terrace.cli.reference import pages, with_levels

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
# Split, so that this file does not name what no file may.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "proxy.go" + "lang.org"]


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_current(name: str) -> None:
    """`make docs` would change nothing."""
    assert (ROOT / "docs" / "reference" / name).read_text() == pages()[name]


def test_the_table_of_levels_is_current() -> None:
    """The README shows the levels as they are."""
    readme = (ROOT / "README.md").read_text()
    assert with_levels(readme) == readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the repository has its file."""
    prose = re.sub(r"`[^`]*`", "", page.read_text())
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_docs_exist(page: Path) -> None:
    """A command that a page tells to type is a command, with the options that it shows."""
    import click

    shown = re.findall(r"^terrace ([a-z-]+)((?: [^#\n|&>)]*)?)", page.read_text(), re.MULTILINE)
    for name, rest in shown:
        assert name in COMMANDS, name
        command = terrace.get_command(click.Context(terrace), name)
        assert command is not None
        if isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), rest.split()[0])
            assert inner is not None, rest
            command = inner
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r" (--?[a-z-]+)", rest):
            assert option in known, f"{name}{rest}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_summary_is_the_commands_own(name: str) -> None:
    """`terrace --help` says of a command what its own help begins with."""
    import click

    command = terrace.get_command(click.Context(terrace), name)
    assert command is not None
    first = (command.help or "").split("\n\n")[0].replace("\n", " ")
    assert COMMANDS[name][1].split(".")[0].split(":")[0].split(" ")[0] == first.split(" ")[0]


def test_no_file_names_a_registry() -> None:
    """What is committed works with any mirror."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.suffix not in (".gz", ".png"):
            text = path.read_text(errors="replace")
            assert not [host for host in HOSTS if host in text], name
