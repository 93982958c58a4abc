"""Documents that are no definitions, found by breaking good ones: a refusal, never a mistake of the sandbox's."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_case import compare, condition, document, fail, get, join, processing

from terrace.sandbox.pipelines.definition import read
from terrace.sandbox.pipelines.step import DefinitionError

SDK = [json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "definitions").glob("*.json"))]
OWN = document(
    [
        processing(
            "P",
            {"Environment": {"X": join("-", get("Parameters.X"), 1)}},
            PropertyFiles=[{"PropertyFileName": "F", "OutputName": "o", "FilePath": "f.json"}],
            CacheConfig={"Enabled": True, "ExpireAfter": "P1D"},
            RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2, "BackoffRate": 2.0}],
            DependsOn=[{"Step": "Q", "Trigger": "Any"}],
        ),
        processing("Q"),
        condition(
            "C",
            {"Type": "Or", "Conditions": [{"Type": "Not", "Condition": compare("Equals", get("Parameters.X"), "a")}]},
            [fail("A", get("Steps.P.ProcessingJobArn"))],
            [fail("B", {"Std:JsonGet": {"PropertyFile": get("Steps.P.PropertyFiles.F"), "Path": "a.b"}})],
        ),
    ],
    [{"Name": "X", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]}],
)
GOOD = [OWN, *SDK]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.sampled_from(["Steps.P", "Parameters.X", "Fail", "P", "Condition"]),
    st.just([]),
    st.just({}),
    st.just([{}]),
    st.just([[]]),
    st.just({"Get": "Steps.C.Outcome"}),
    st.just({"Get": 1}),
    st.just({"Std:Join": []}),
    st.just({"Std:JsonGet": {"Path": 1, "PropertyFile": {"Get": "Steps.P.PropertyFiles.F.G"}}}),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*path, key))
    return found


def _broken(value: Any, path: tuple[Any, ...], odd: Any, *, gone: bool) -> Any:
    result = copy.deepcopy(value)
    holder = result
    for key in path[:-1]:
        holder = holder[key]
    if gone:
        del holder[path[-1]]
    else:
        holder[path[-1]] = odd
    return result


@pytest.mark.parametrize("good", GOOD)
def test_a_good_document_is_read(good: Any) -> None:
    """What is broken below is good as it stands."""
    assert read(json.dumps(good)).steps


@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=300)
def test_a_broken_document_is_refused_or_read(good: Any, data: st.DataObject) -> None:
    """Whatever stands at whatever place, or is missing there: it is read, or refused with words."""
    path = data.draw(st.sampled_from(_places(good)))
    broken = _broken(good, path, data.draw(ODD), gone=data.draw(st.booleans()))
    try:
        found = read(json.dumps(broken))
    except DefinitionError as error:
        assert len(error.message) > 10
        return
    assert found.steps


@given(st.text(max_size=30))
def test_any_text_is_refused_with_words(said: str) -> None:
    """What is no JSON is told as AWS tells it."""
    with pytest.raises(DefinitionError, match="Unable to parse pipeline definition"):
        read(said)


def test_a_document_that_never_ends_is_refused() -> None:
    """Conditions in conditions, thousands deep, are no reason to fall over."""
    inner = '{"Type": "Not", "Condition": ' * 20_000 + "1" + "}" * 20_000
    with pytest.raises(DefinitionError, match="nested too deeply"):
        read(inner)
    good = json.dumps(document([condition("C", compare("Equals", 1, 1))]))
    whole = json.dumps(compare("Equals", 1, 1))
    deep = good.replace(whole, '{"Type": "Not", "Condition": ' * 900 + whole + "}" * 900)
    with pytest.raises(DefinitionError, match="nested too deeply"):
        read(deep)
