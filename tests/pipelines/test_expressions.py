"""Functions and conditions of definitions, resolved."""

from __future__ import annotations

import json
import math
import operator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrace.sandbox.pipelines.conditions import COMPARISONS, holds
from terrace.sandbox.pipelines.durations import duration
from terrace.sandbox.pipelines.expressions import Scope, UnresolvableError, references, resolve, split, text, walk

KEYS = st.text(st.characters(codec="utf-8", exclude_characters=".[]'\""), min_size=1, max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
).filter(lambda value: "Get" not in json.dumps(value) and "Std:" not in json.dumps(value))
NOTHING = Scope({})


@given(PLAIN)
def test_a_value_without_functions_is_itself(value: Any) -> None:
    """Resolution changes nothing but functions."""
    assert resolve(value, NOTHING) == value


@given(st.dictionaries(KEYS, SCALARS, min_size=1), st.data())
def test_a_parameter_is_its_value_wherever_it_stands(parameters: dict[str, Any], data: st.DataObject) -> None:
    """A `Get` in the depth of a structure becomes the parameter, with its type."""
    name = data.draw(st.sampled_from(sorted(parameters)))
    value = {"a": [{"b": {"Get": f"Parameters.{name}"}}]}
    found = resolve(value, Scope(parameters))["a"][0]["b"]
    assert found == parameters[name]
    assert type(found) is type(parameters[name])
    assert list(references(value)) == [f"Parameters.{name}"]


@given(st.text(max_size=3), st.lists(st.text() | st.integers() | st.booleans(), max_size=5))
def test_a_join_is_its_values_with_what_is_between(on: str, values: list[Any]) -> None:
    """Numbers and booleans are written as JSON writes them, and a join may hold others."""
    wanted = on.join(value if isinstance(value, str) else json.dumps(value) for value in values)
    join = {"Std:Join": {"On": on, "Values": values}}
    assert resolve(join, NOTHING) == wanted
    assert resolve({"Std:Join": {"On": "", "Values": [join, "!"]}}, NOTHING) == f"{wanted}!"


@given(PLAIN, st.lists(KEYS | st.integers(0, 3), min_size=1, max_size=4))
def test_what_is_at_a_path_is_found(leaf: Any, parts: list[Any]) -> None:
    """A path of names and numbers leads to the leaf of a document that was built along it."""
    value, path = leaf, ""
    for part in reversed(parts):
        value = {part: value} if isinstance(part, str) else [None] * part + [value]
    for part in parts:
        path += f"['{part}']" if isinstance(part, str) else f"[{part}]"
    assert walk(value, path) == leaf
    assert split(path) == [str(part) for part in parts]


def test_an_item_of_a_list_is_found_by_its_name() -> None:
    """`Outputs['train']` is the output of that name."""
    described = {"Outputs": [{"OutputName": "a", "S3Output": {"S3Uri": "s3://a"}}, {"OutputName": "train", "x": 1}]}
    assert walk(described, "Outputs['train'].x") == 1
    assert walk(described, "Outputs[0].S3Output.S3Uri") == "s3://a"
    with pytest.raises(UnresolvableError, match="there is no 'test'"):
        walk(described, "Outputs['test'].x")


@pytest.mark.parametrize("path", ["Parameters.Other", "Execution.Other", "Steps.Other.X", "Other", ""])
def test_what_stands_for_nothing_is_told(path: str) -> None:
    """Nothing is made up for an unknown reference."""
    with pytest.raises(UnresolvableError, match="cannot be resolved"):
        resolve({"Get": path}, NOTHING)


def test_a_property_file_is_read_where_the_step_put_it() -> None:
    """`Std:JsonGet` reads a document by the file's name, or by an S3 URI that is an expression itself."""
    documents = {"s3://b/x/evaluation.json": {"metrics": [{"mse": 1.5}], "nan": math.nan}}

    def read(uri: str) -> Any:
        if uri not in documents:
            raise UnresolvableError(f"there is no {uri}.")
        return documents[uri]

    scope = Scope(
        {"Where": "s3://b/x"}, read=read, property_file=lambda step, file: f"s3://b/{step}/{file}.json".replace("E", "")
    )
    file = {"Get": "Steps.Ex.PropertyFiles.evaluation"}
    assert resolve({"Std:JsonGet": {"PropertyFile": file, "Path": "metrics[0].mse"}}, scope) == 1.5
    uri = {"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.Where"}, "evaluation.json"]}}
    assert resolve({"Std:JsonGet": {"S3Uri": uri, "Path": "metrics[0].mse"}}, scope) == 1.5
    with pytest.raises(UnresolvableError, match="there is no 'mae'"):
        resolve({"Std:JsonGet": {"S3Uri": uri, "Path": "metrics[0].mae"}}, scope)
    with pytest.raises(UnresolvableError, match="nan is no number"):
        resolve({"Std:JsonGet": {"S3Uri": uri, "Path": "nan"}}, scope)
    with pytest.raises(UnresolvableError, match=r"there is no s3://other"):
        resolve({"Std:JsonGet": {"S3Uri": "s3://other", "Path": "a"}}, scope)


@given(st.sampled_from(sorted(COMPARISONS)), st.integers() | st.floats(allow_nan=False), st.integers())
def test_numbers_compare_as_numbers(type: str, left: float, right: int) -> None:
    """Every comparison is what its name says, whatever kinds of numbers they are."""
    assert holds({"Type": type, "LeftValue": left, "RightValue": right}, NOTHING) == COMPARISONS[type](left, right)


@given(st.recursive(st.booleans(), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8), st.booleans())
def test_or_and_not_are_what_they_are_called(tree: Any, turned: bool) -> None:
    """A tree of `Or` and `Not` is true when the same tree of Python's is, in both spellings of `Not`."""

    def built(tree: Any) -> Any:
        if isinstance(tree, bool):
            return {"Type": "Equals", "LeftValue": tree, "RightValue": True}
        return {"Type": "Or", "Conditions": [built(one) for one in tree]}

    def true(tree: Any) -> bool:
        return tree if isinstance(tree, bool) else any(true(one) for one in tree)

    key = "Condition" if turned else "Expression"
    assert holds(built(tree), NOTHING) == true(tree)
    assert holds({"Type": "Not", key: built(tree)}, NOTHING) == (not true(tree))


@pytest.mark.parametrize(
    ("value", "values", "wanted"),
    [("a", ["a", "b"], True), ("c", ["a"], False), (1, [True], False), (1, [1.0], True), ("a", [], False)],
)
def test_in_is_one_of(value: Any, values: list[Any], wanted: bool) -> None:
    """`In` compares as `Equals` does: a boolean is no number."""
    assert holds({"Type": "In", "QueryValue": value, "Values": values}, NOTHING) is wanted


@pytest.mark.parametrize(("left", "right"), [("a", 1), (None, 1), (True, 0), ([1], [2])])
def test_what_cannot_be_compared_is_told(left: Any, right: Any) -> None:
    """An order between different kinds of values is nothing that a condition decides by."""
    with pytest.raises(UnresolvableError, match="cannot compare"):
        holds({"Type": "LessThan", "LeftValue": left, "RightValue": right}, NOTHING)


def test_texts_are_compared_by_their_order() -> None:
    """A date as text can be compared with another."""
    assert holds({"Type": "LessThan", "LeftValue": "2024-01-01", "RightValue": "2024-02-01"}, NOTHING)
    assert operator.eq(text(datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)), "2024-01-02T03:04:05.678Z")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("P30D", timedelta(days=30)),
        ("30d", timedelta(days=30)),
        ("PT1H", timedelta(hours=1)),
        ("T16m", timedelta(minutes=16)),
        ("30dT5h", timedelta(days=30, hours=5)),
        ("P1Y2M", timedelta(days=425)),
        ("p2w", timedelta(weeks=2)),
        ("PT90S", timedelta(seconds=90)),
        ("", None),
        ("P", None),
        ("PT", None),
        ("soon", None),
        ("1", None),
        ("-P1D", None),
        ("P99999999999Y", None),
    ],
)
def test_durations_are_those_of_iso_and_of_aws(said: str, wanted: timedelta | None) -> None:
    """AWS's examples leave the P out, its SDK puts it in."""
    assert duration(said) == wanted
