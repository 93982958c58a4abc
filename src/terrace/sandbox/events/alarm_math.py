"""Metric math: arithmetic on the values of periods, in the part that alarms are written in."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Series = Mapping[int, float]
"""Values by period: 0 is the newest. A period without data is not in it."""

_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
    ast.And: lambda a, b: float(bool(a) and bool(b)),
    ast.Or: lambda a, b: float(bool(a) or bool(b)),
}
_EACH: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_ALL: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
FUNCTIONS = ("IF", "FILL", "METRICS", *_EACH, *_ALL)
_WORDS = ((r"&&|\bAND\b", " and "), (r"\|\||\bOR\b", " or "), (r"\^", "**"))


class UnsupportedMathError(Exception):
    """An expression that the sandbox cannot evaluate."""


def evaluate(text: str, series: Mapping[str, Series], metrics: Sequence[str], periods: int) -> Series:
    """Return the values of an expression.

    Args:
        text: The expression.
        series: The values of what it may name, by id.
        metrics: Which of them are metrics, for `METRICS()`.
        periods: How many periods there are, so that `FILL` can fill them.

    Raises:
        UnsupportedMathError: It uses what the sandbox does not have.
    """
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as wrong:
        raise UnsupportedMathError(f"the expression {text!r} cannot be read") from wrong
    value = _Reader(series, metrics, periods).value(tree)
    if isinstance(value, list):
        raise UnsupportedMathError(f"{text!r} is several time series")
    return value if isinstance(value, Mapping) else dict.fromkeys(range(periods), float(value))


class _Reader:
    """Reads one expression. A value is a number, a series, or a list of series."""

    def __init__(self, series: Mapping[str, Series], metrics: Sequence[str], periods: int) -> None:
        self._series = series
        self._metrics = metrics
        self._periods = periods

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in self._series:
            return self._series[node.id]
        if isinstance(node, ast.List):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return _apply(operator.mul, -1.0, self.value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _apply(_OPERATORS[type(node.op)], self.value(node.left), self.value(node.right))
        if isinstance(node, ast.BoolOp):
            value = self.value(node.values[0])
            for item in node.values[1:]:
                value = _apply(_OPERATORS[type(node.op)], value, self.value(item))
            return value
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
            return _apply(_OPERATORS[type(node.ops[0])], self.value(node.left), self.value(node.comparators[0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._called(node.func.id.upper(), node.args)
        raise UnsupportedMathError(f"the sandbox's metric math has no {ast.unparse(node)!r}")

    def _called(self, name: str, args: list[ast.expr]) -> Any:
        if name == "METRICS" and not args:
            return [self._series[id] for id in self._metrics]
        if name == "IF" and len(args) in (2, 3):
            return self._if(args)
        if name == "FILL" and len(args) == 2:
            return self._fill(args[0], args[1])
        if name in _EACH and len(args) == 1:
            return _apply(lambda value, _: float(_EACH[name](value)), self.value(args[0]), 0.0)
        if name in _ALL and len(args) == 1:
            return _gathered(_ALL[name], self.value(args[0]))
        raise UnsupportedMathError(f"the sandbox's metric math has no {name} like this, but {', '.join(FUNCTIONS)}")

    def _if(self, args: list[ast.expr]) -> Any:
        condition, then = self.value(args[0]), self.value(args[1])
        other = self.value(args[2]) if len(args) == 3 else {}
        if not isinstance(condition, Mapping):
            return then if condition else other
        chosen = {}
        for period, holds in condition.items():
            value = then if holds else other
            value = value.get(period) if isinstance(value, Mapping) else value
            if value is not None:
                chosen[period] = value
        return chosen

    def _fill(self, node: ast.expr, with_: ast.expr) -> Any:
        if isinstance(with_, ast.Name) and with_.id.upper() in ("REPEAT", "LINEAR"):
            raise UnsupportedMathError(f"the sandbox's FILL has no {with_.id}")
        series, value = self.value(node), self.value(with_)
        if not isinstance(series, Mapping) or isinstance(value, Mapping | list):
            raise UnsupportedMathError("FILL takes a metric and a number")
        return {**dict.fromkeys(range(self._periods), value), **series}


def _apply(function: Callable[[float, float], float], left: Any, right: Any) -> Any:
    """Apply a function to numbers, or to the periods that both sides have. What has no value, such as 1/0, is none."""
    if isinstance(left, list):
        return [_apply(function, item, right) for item in left]
    if isinstance(right, list):
        return [_apply(function, left, item) for item in right]
    if not isinstance(left, Mapping) and not isinstance(right, Mapping):
        return function(left, right)
    periods = left.keys() if isinstance(left, Mapping) else right.keys()
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        periods = left.keys() & right.keys()
    found = {}
    for period in periods:
        one = left[period] if isinstance(left, Mapping) else left
        other = right[period] if isinstance(right, Mapping) else right
        try:
            found[period] = float(function(one, other))
        except (ZeroDivisionError, OverflowError):
            continue
    return found


def _gathered(function: Callable[[Sequence[float]], float], value: Any) -> Any:
    """Gather one series to a number, several to a series."""
    if isinstance(value, Mapping):
        return function(list(value.values())) if value else {}
    if isinstance(value, list):
        periods = set().union(*(series.keys() for series in value))
        return {period: function([series[period] for series in value if period in series]) for period in periods}
    return value
