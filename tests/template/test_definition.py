"""The pipeline's definition that projects are born with, and the locks of their choices."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import jinja2
import pytest
from template.conftest import ROOT

FOLDER = ROOT / "templates" / "model" / "project"
PARAMETERS = [
    "DataKey", "DataVersion", "Image", "Role", "DataUri", "ArtifactUri", "PackageGroup", "TrackingArn", "Environment",
    "CodeVersion", "InstanceType", "Approval",
]  # fmt: skip
STEPS = {
    "ValidateData": "Processing",
    "ValidateFeatures": "Processing",
    "Prepare": "Processing",
    "Train": "Training",
    "Evaluate": "Processing",
    "Gate": "Condition",
}
TRACKERS = ("mlflow", "wandb", "neptune", "none")


@pytest.fixture(params=itertools.product(("classification", "regression"), TRACKERS), ids="-".join)
def definition(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The definition that a new project has."""
    problem, tracker = request.param
    text = (FOLDER / "pipeline" / "definition.json.jinja").read_text()
    answers = {
        "project_name": "Late flights",
        "package": "late_flights",
        "team": "operations",
        "owner": "mlops@acme.example",
        "environment": "dev",
        "problem": problem,
        "tracker": tracker,
    }
    rendered = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701  (no page)
    found: dict[str, Any] = json.loads(rendered.from_string(text).render(answers))
    return found


def test_names_are_those_that_others_rely_on(definition: dict[str, Any]) -> None:
    """Rules, the CLI and lineage know parameters and steps by these names."""
    assert [one["Name"] for one in definition["Parameters"]] == PARAMETERS
    assert {step["Name"]: step["Type"] for step in definition["Steps"]} == STEPS
    defaults = {one["Name"]: one["DefaultValue"] for one in definition["Parameters"]}
    assert (defaults["DataKey"], defaults["DataVersion"]) == ("", "")
    assert defaults["Approval"] == "PendingManualApproval"
    gate = definition["Steps"][-1]["Arguments"]
    assert [(step["Name"], step["Type"]) for step in gate["IfSteps"]] == [("Register", "RegisterModel")]
    assert [(step["Name"], step["Type"]) for step in gate["ElseSteps"]] == [("Refused", "Fail")]


def test_a_version_says_what_it_is_made_of(definition: dict[str, Any]) -> None:
    """Code, data, metrics, run and image are on the package."""
    register = definition["Steps"][-1]["Arguments"]["IfSteps"][0]["Arguments"]
    told = register["CustomerMetadataProperties"]
    assert {"code", "data", "source", "execution", "image", "metric:business"} <= set(told)
    assert register["ModelPackageGroupName"] == {"Get": "Parameters.PackageGroup"}
    assert register["ModelMetrics"]["ModelQuality"]["Statistics"]["ContentType"] == "application/json"
    assert json.loads(register["ModelCard"]["ModelCardContent"])["model_overview"]["model_owner"]


def test_paths_are_absolute_and_references_resolve(definition: dict[str, Any]) -> None:
    """What a container sees is where SageMaker mounts it, and nothing refers to what is not there."""
    text = json.dumps(definition)
    for path in re.findall(r'"LocalPath": "([^"]+)"', text):
        assert path.startswith(("/opt/ml/processing/input/", "/opt/ml/processing/output/"))
    for kind, found in re.findall(r'"Get": "(Parameters|Steps)\.(\w+)', text):
        assert found in (PARAMETERS if kind == "Parameters" else STEPS), found
    assert "arn:aws:iam" not in text


def test_the_sandbox_takes_the_definition(definition: dict[str, Any]) -> None:
    """What AWS would refuse at creation is refused before anybody publishes it."""
    from terrace.sandbox.pipelines.definition import read

    assert set(read(json.dumps(definition)).steps) >= set(STEPS)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of what a lock pins."""
    yield from re.findall(r"(?m)^([\w.-]+)==(\S+)", text)


@pytest.mark.parametrize("library", ["scikit-learn", "xgboost"])
@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_lock_holds_what_was_chosen(library: str, tracker: str) -> None:
    """Image and tests run the same versions, every one by its hash, and nothing of what was not chosen."""
    answers = {"library": library, "tracker": tracker}
    render = jinja2.Environment(autoescape=False)  # noqa: S701  (no page)
    locks = {}
    for group in ("runtime", "dev"):
        text = render.from_string((FOLDER / "requirements" / f"{group}.txt.jinja").read_text()).render(answers)
        locks[group] = dict(blocks(text))
        pinned = [line for line in text.splitlines() if "==" in line.partition(" ;")[0]]
        assert pinned
        assert all(line.endswith("\\") for line in pinned), "a package without a hash"
        asked = render.from_string((FOLDER / "requirements" / "runtime.in.jinja").read_text()).render(answers)
        for name in re.findall(r"(?m)^([\w.-]+)>=", asked):
            assert name in locks[group], name
    assert {name: locks["dev"].get(name) for name in locks["runtime"]} == locks["runtime"]
    brought = {"mlflow": "mlflow-skinny", "wandb": "wandb", "neptune": "neptune"}
    assert {key for key, package in brought.items() if package in locks["runtime"]} == {tracker} - {"none"}
    assert ("xgboost-cpu" in locks["runtime"]) is (library == "xgboost")
