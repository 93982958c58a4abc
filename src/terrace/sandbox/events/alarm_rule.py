"""The rule of an alarm on alarms: `ALARM("a") AND NOT (OK("b") OR INSUFFICIENT_DATA("c"))`."""

from __future__ import annotations

import re
from collections.abc import Callable

States = Callable[[str], str | None]
"""An alarm's name → its state, None where there is no such alarm."""
Rule = Callable[[States], bool]

_TOKEN = re.compile(r"\s*(AND\b|OR\b|NOT\b|TRUE\b|FALSE\b|ALARM\b|OK\b|INSUFFICIENT_DATA\b|[()]|\"[^\"]*\"|[^\s()\"]+)")
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")


def parse(text: str) -> Rule:
    """Return what a rule means. AND binds closer than OR.

    Raises:
        ValueError: It is none; the message says where.
    """
    tokens = _TOKEN.findall(text)
    if not tokens:
        raise ValueError("the rule is empty")
    parser = _Parser(tokens)
    rule = parser.either()
    if parser.left:
        raise ValueError(f"the rule goes on with {parser.left[0]!r} where it should end")
    return rule


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.left = list(tokens)

    def either(self) -> Rule:
        rule = self._both()
        while self._next("OR"):
            rule = _or(rule, self._both())
        return rule

    def _both(self) -> Rule:
        rule = self._one()
        while self._next("AND"):
            rule = _and(rule, self._one())
        return rule

    def _one(self) -> Rule:
        if self._next("NOT"):
            inner = self._one()
            return lambda states: not inner(states)
        if self._next("("):
            inner = self.either()
            self._expect(")")
            return inner
        if self._next("TRUE"):
            return lambda states: True
        if self._next("FALSE"):
            return lambda states: False
        for state in _STATES:
            if self._next(state):
                return self._state(state)
        raise ValueError(f"the rule has {self.left[0]!r}" if self.left else "the rule ends too soon")

    def _state(self, state: str) -> Rule:
        self._expect("(")
        words = []
        while self.left and self.left[0] != ")":
            words.append(self.left.pop(0))
        self._expect(")")
        name = " ".join(words).strip('"')
        if not name:
            raise ValueError(f"{state}() names no alarm")
        # An alarm is named by its name or its ARN.
        name = name.split(":alarm:", 1)[-1]
        return lambda states: states(name) == state

    def _next(self, token: str) -> bool:
        if self.left and self.left[0] == token:
            self.left.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._next(token):
            raise ValueError(f"the rule needs {token!r}, not {self.left[0]!r}" if self.left else f"it needs {token!r}")


def _and(one: Rule, other: Rule) -> Rule:
    return lambda states: one(states) and other(states)


def _or(one: Rule, other: Rule) -> Rule:
    return lambda states: one(states) or other(states)
