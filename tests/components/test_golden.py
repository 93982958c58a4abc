"""Names of resources per level are frozen: a renamed child would be deleted and made anew in somebody's account."""

import json
import os
from pathlib import Path

import pytest
from components.conftest import STACKS, graph_of

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("stack", STACKS)
def test_names_are_those_that_were_agreed_on(stack: tuple[str, int, str]) -> None:
    """A renamed child takes an alias and a new golden list in the same commit (UPDATE_GOLDEN=1 writes the lists)."""
    file = GOLDEN / f"{stack[0]}-{stack[1]}-{stack[2]}.json"
    found = graph_of(*stack).names()
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(file.read_text())


def test_names_are_unique() -> None:
    """No two resources of a stack agree in type and name."""
    for parameters in STACKS:
        names = graph_of(*parameters.values[0]).names()
        assert len(names) == len(set(names))
