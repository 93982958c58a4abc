"""What depends on what."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrace.sandbox.pipelines.graph import OVER, Dependency, cycle, verdict
from terrace.sandbox.pipelines.parameters import ParameterError, fits, read, values

NAMES = st.integers(0, 8).map(str)
STATUSES = st.sampled_from(["Starting", "Executing", "Stopping", "Succeeded", "Failed", "Stopped"])


@given(st.dictionaries(st.integers(0, 30), st.sets(st.integers(0, 30), max_size=5)))
def test_what_only_needs_what_came_before_has_no_cycle(needs: dict[int, set[int]]) -> None:
    """A graph whose arrows all point back is one that can be run."""
    assert cycle({str(one): [str(other) for other in needs[one] if other < one] for one in needs}) is None


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4)))
def test_a_cycle_that_is_told_is_one(needs: dict[str, list[str]]) -> None:
    """Each name on it needs the next, the last one is the first; and without one, the graph can be run to the end."""
    found = cycle(needs)
    if found is not None:
        assert found[0] == found[-1]
        assert len(found) > 1
        assert all(following in needs[name] for name, following in itertools.pairwise(found))
        return
    done: set[str] = set()
    while len(done) < len(needs):
        ready = {
            name for name in needs if name not in done and all(one in done or one not in needs for one in needs[name])
        }
        assert ready
        done |= ready


def test_a_long_chain_is_no_trouble() -> None:
    """Thousands of steps are followed without running out of stack."""
    chain = {str(number): [str(number + 1)] for number in range(5000)}
    assert cycle(chain) is None
    assert cycle({**chain, "5000": ["0"]}) is not None


@given(st.dictionaries(NAMES, STATUSES), st.sets(NAMES), st.sets(NAMES))
def test_a_step_runs_when_all_that_it_waits_for_succeeded(
    statuses: dict[str, str], never: set[str], needed: set[str]
) -> None:
    """It runs only then, and never once one of them cannot succeed any more."""
    found = verdict([Dependency(name) for name in needed], statuses, never)
    lost = any(name in never or statuses.get(name) in ("Failed", "Stopped") for name in needed)
    good = all(statuses.get(name) == "Succeeded" and name not in never for name in needed)
    assert found is (False if lost else True if good else None)


@pytest.mark.parametrize(
    ("trigger", "status", "wanted"),
    [
        ("Failed", "Failed", True),
        ("Failed", "Succeeded", False),
        ("Stopped", "Stopped", True),
        ("Any", "Failed", True),
        ("Any", "Succeeded", True),
        ("Any", "Executing", None),
        ("Completed", "Failed", False),
    ],
)
def test_a_trigger_says_which_end_lets_a_step_run(trigger: str, status: str, wanted: bool | None) -> None:
    """A step can run because another one failed."""
    assert verdict([Dependency("a", trigger)], {"a": status}, ()) is wanted
    assert (status in OVER) is (wanted is not None)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text())
def test_a_value_is_read_back_from_its_text(value: object) -> None:
    """What a parameter's text says has the parameter's type and the value that was meant."""
    kind = {bool: "Boolean", int: "Integer", float: "Float", str: "String"}[type(value)]
    assert read(kind, str(value)) == value
    assert fits(kind, value)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("Integer", "1.5"),
        ("Integer", "many"),
        ("Integer", ""),
        ("Integer", "1_000"),
        ("Float", "nan"),
        ("Float", "inf"),
        ("Float", "x"),
        ("Boolean", "1"),
        ("Boolean", "yes"),
    ],
)
def test_a_text_of_another_type_is_refused(kind: str, said: str) -> None:
    """Nothing is rounded, and nothing is taken for true that is not."""
    with pytest.raises(ParameterError, match=f"not a value of type {kind}"):
        read(kind, said)


def test_defaults_fill_what_is_not_given() -> None:
    """An integer default of a float is a float, and what is given wins."""
    declared = [
        {"Name": "A", "Type": "Float", "DefaultValue": 1},
        {"Name": "B", "Type": "String", "DefaultValue": ""},
        {"Name": "C", "Type": "Integer"},
    ]
    found = values(declared, [{"Name": "C", "Value": "-3"}, {"Name": "B", "Value": "b"}])
    assert found == {"A": 1.0, "B": "b", "C": -3}
    assert isinstance(found["A"], float)
