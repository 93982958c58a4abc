"""A resource of the sandbox provider from its creation to its deletion, with boto3 watching every input.

A case has the inputs of a resource before and after a change, and says where boto3 shows each of them. What is not
shown is lost, and fails; what the handler knows and the cases of its module do not show, fails too.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.schema import leaves
from terrace.sandbox.provider.tags import tag_map

REGION = "eu-central-1"
_accounts = itertools.count(300000000001)


def fresh_account() -> str:
    """Return an account that no other test of this process uses."""
    return str(next(_accounts))


@dataclass(frozen=True)
class Case:
    """What a resource is set to, and where AWS shows it.

    `<ACCOUNT>` in inputs stands for the test's account, other names in angles for what `given` returns.
    """

    name: str
    handler: Handler
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    look: Callable[[Clients, State], Any]
    """What boto3 answers about the resource."""
    shows: Mapping[str, str]
    """Path of an input → JMESPath of its place in that answer."""
    given: Callable[[Clients], Mapping[str, str]] = field(default=lambda aws: {})
    """Makes what the resource needs."""
    fixed: frozenset[str] = frozenset()
    """Paths below a changeable input that only a replacement changes."""
    unseen: frozenset[str] = frozenset()
    """Paths that AWS shows nowhere; a test of their own proves them."""
    blind: frozenset[str] = frozenset()
    """Top-level inputs that cannot be told from AWS's default, so that a change of them is not found by a read."""

    def __repr__(self) -> str:
        return self.name


def live(case: Case, aws: Clients) -> None:
    """Take a resource through its life and assert at every step what AWS shows of it."""
    values = {"ACCOUNT": aws.account, **case.given(aws)}
    before, after = _filled(case.before, values), _filled(case.after, values)
    handler = case.handler
    assert handler.check(before) == []
    assert handler.check(after) == []
    assert handler.find(aws, before) is None

    made = handler.create(aws, before)
    assert_shown(case, aws, made, before)
    _assert_echoed(handler, made, before)
    assert handler.find(aws, before) == made.id
    assert handler.read(aws, made.id, before) == made

    assert not handler.diff(before, before)
    change = handler.diff(before, after)
    assert change
    assert not change.replace
    changed = handler.update(aws, made.id, before, after)
    assert changed.id == made.id
    assert_shown(case, aws, changed, after)
    _assert_echoed(handler, changed, after)
    assert handler.read(aws, made.id, after) == changed

    # An interrupted create is finished by an update that knows no old inputs.
    finished = handler.update(aws, made.id, {}, after)
    assert finished.id == made.id
    assert_shown(case, aws, finished, after)
    _assert_echoed(handler, finished, after)

    handler.delete(aws, made.id, after)
    assert handler.read(aws, made.id, after) is None
    assert handler.find(aws, after) is None
    handler.delete(aws, made.id, after)


def assert_shown(case: Case, aws: Clients, state: State, inputs: Mapping[str, Any]) -> None:
    """Assert that boto3 shows each of the inputs where the case says."""
    seen = case.look(aws, state)
    parsed = case.handler.policies | case.handler.documents
    wrong = {}
    for path, place in case.shows.items():
        wanted = at(inputs, path)
        if wanted is None:
            continue
        shown = jmespath.search(place, seen)
        if path in parsed:
            wanted, shown = json.loads(wanted), json.loads(shown) if isinstance(shown, str) else shown
        if shown != wanted:
            wrong[path] = f"{shown!r} is not {wanted!r}"
    assert wrong == {}, wrong


def uncovered(handler: Handler, cases: Iterable[Case]) -> dict[str, str]:
    """Return which inputs of a handler the cases do not prove, and why."""
    mine = [case for case in cases if case.handler is handler]
    result = {}
    for path in leaves(handler.inputs):
        shown = [case for case in mine if path in case.shows or path in case.unseen]
        if not any(at(case.before, path) is not None for case in shown):
            result[path] = "no case creates and shows it"
        elif path.split(".")[0] in handler.replace or any(path in case.fixed | case.unseen for case in shown):
            continue
        elif not any(at(case.after, path) not in (None, at(case.before, path)) for case in shown):
            result[path] = "no case changes it"
    return result


def at(value: Any, path: str) -> Any:
    """Return the value at a path, a list of values where lists are on the way, None when it is not there."""
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        found = [inner for item in value if (inner := at(item, path)) is not None]
        return found or None
    if not isinstance(value, Mapping) or head not in value:
        return None
    return at(value[head], rest) if rest else value[head]


def named(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags as a map, whatever the case of their names."""
    return tag_map([{key.lower(): value for key, value in tag.items()} for tag in tags], "key", "value")


def _assert_echoed(handler: Handler, state: State, inputs: Mapping[str, Any]) -> None:
    """Outputs have every input as the program gave it, so that a refresh finds no change."""
    echoed = {key: state.outputs.get(key) for key in inputs}
    assert not handler.diff(inputs, echoed), handler.diff(inputs, echoed)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in values.items():
            value = value.replace(f"<{name}>", text)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    return value
