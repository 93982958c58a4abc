"""Inputs that a component cannot be built from: each is told, by its property, in words."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from components.programs import contract_of
from host import samples
from host.serving import UNKNOWN, Host, Refused, output, secret

BAD: list[tuple[str, dict[str, Any], str, str]] = [
    # Wrong types
    ("Platform", {"organisation": 7}, "organisation", "must be text"),
    ("Platform", {"account": 123456789012}, "account", "in quotes"),
    ("Platform", {"protect": "perhaps"}, "protect", "true or false"),
    ("Platform", {"retentionDays": 30.5}, "retentionDays", "whole number"),
    ("Platform", {"budget": 500}, "budget", "an object of: emails, monthly"),
    ("Platform", {"keep": "storage"}, "keep", "a list"),
    ("Platform", {"teams": ["ml"]}, "teams", "mapping"),
    ("Platform", {"budget": {"monthly": "much"}}, "budget.monthly", "a number"),
    ("Platform", {"budget": {"monthly": 500, "emails": [7]}}, "budget.emails[0]", "must be text"),
    ("Platform", {"capabilities": {"budget": "no"}}, "capabilities.budget", "true or false"),
    # Choices
    ("Platform", {"level": 9}, "level", "must be one of 0, 1, 2, 3, 4"),
    ("Platform", {"level": True}, "level", "must be one of"),
    ("Platform", {"size": "Small"}, "size", "Did you mean small?"),
    ("Platform", {"network": {"nat": "singel"}}, "network.nat", "Did you mean single?"),
    ("Platform", {"workbench": {"auth": "LDAP"}}, "workbench.auth", "one of IAM, SSO"),
    ("ModelStack", {"mode": "async"}, "mode", "one of serverless, realtime, batch"),
    # Unknown and missing
    ("Platform", {"ownr": "me@example.com"}, "ownr", "Did you mean owner?"),
    ("Platform", {"network": {"zoness": 2}}, "network.zoness", "Did you mean zones?"),
    ("Platform", {"budget": {}}, "budget.monthly", "missing"),
    ("Platform", {"owner": None}, "owner", "missing"),
    ("Platform", {"ci": {"github": {"organisation": "acme"}}}, "ci.github.organisationId", "missing"),
    # Values
    ("Platform", {"organisation": "Acme Corp"}, "organisation", "lower-case"),
    ("Platform", {"owner": "nobody"}, "owner", "e-mail"),
    ("Platform", {"region": "eu-centrl-1"}, "region", "eu-central-1"),
    ("Platform", {"retentionDays": 31}, "retentionDays", "CloudWatch"),
    ("Platform", {"budget": {"monthly": -1}}, "budget.monthly", "above 0"),
    ("Platform", {"budget": {"monthly": 5, "emails": ["a@b.example", "no"]}}, "budget.emails[1]", "e-mail"),
    ("Platform", {"network": {"cidr": "8.8.8.0/24"}}, "network.cidr", "private"),
    ("Platform", {"teams": {"ml": {"budget": 0}}}, "teams.ml.budget", "above 0"),
    ("Platform", {"teams": {"my-team": {"instanceTypes": ["m5"]}}}, "teams.my-team.instanceTypes[0]", "ml.m5.large"),
    ("ModelStack", {"memoryMb": 1000}, "memoryMb", "1024"),
    ("ModelStack", {"slo": {"availability": 100}}, "slo.availability", "less than 100"),
    # What does not go together
    ("Platform", {"environment": "prod", "protect": False}, "protect", "always stay"),
    ("Platform", {"level": 4}, "level", "cannot be built yet"),
    ("Platform", {"capabilities": {"encryption": False}}, "capabilities.encryption", "false"),
    ("Platform", {"keep": ["nothing"]}, "keep", "no capability"),
    ("ModelStack", {"instanceCount": 2}, "instanceCount", "another mode"),
    ("ModelStack", {"team": "risk"}, "team", "there are: ml"),
    ("ModelStack", {"level": 3}, "level", "above level 1"),
    # Single components
    ("Storage", {"placement": {**samples.PLACEMENT, "account": "12"}}, "placement.account", "12 digits"),
    ("Storage", {"placement": {**samples.PLACEMENT, "size": "huge"}}, "placement.size", "one of small"),
    ("Storage", {"placement": {}}, "placement.organisation", "missing"),
    ("Storage", {"accessLogs": "yes"}, "accessLogs", "true or false"),
    ("Network", {"zones": 9}, "zones", "less than or equal to 3"),
    ("Network", {"cidr": "10.0.0.0"}, "cidr", "private IPv4"),
    ("Workbench", {"idleMinutes": 5}, "idleMinutes", "greater than or equal to 60"),
    ("Serving", {"instanceType": "m5.large"}, "instanceType", "ml.m5.large"),
    ("Serving", {"mode": "async"}, "mode", "one of serverless, realtime"),
    ("Platform", {"tracking": {"kind": "mlflow"}}, "tracking", "uri is missing"),
    ("Platform", {"tracking": {"kind": "mflow"}}, "tracking.kind", "one of app"),
    ("ModelStack", {"batch": {"schedule": "rate(1 day)"}}, "batch", "set mode to batch"),
    ("ModelStack", {"mode": "batch", "batch": {"prefix": "training/a"}}, "batch.prefix", "starts the training"),
    ("ModelStack", {"mode": "batch", "memoryMb": 2048}, "memoryMb", "set mode to serverless"),
    ("BatchScoring", {"schedule": "daily"}, "schedule", "rate(1 day)"),
    ("BatchScoring", {"prefix": "../a"}, "prefix", "path of lower-case letters"),
    ("Serving", {"mode": "batch"}, "batch", "when to score"),
    ("ModelStack", {"training": {"schedule": "daily"}}, "training.schedule", "rate(1 day)"),
    ("Tracking", {"kind": "own"}, "kind", "one of app, server, mlflow, wandb, neptune"),
    ("ContinuousTraining", {"schedule": "rate(1 days)"}, "schedule", "written rate(1 day)"),
    ("TrainingPipeline", {"lateAfterHours": 500}, "lateAfterHours", "less than or equal to 168"),
    ("Budget", {"teams": [{"team": "ml", "monthly": 0}]}, "teams[0].monthly", "above 0"),
    ("Packages", {"source": "conda"}, "source", "one of codeartifact, index, nat"),
    ("ReleaseCi", {"github": {**samples.GITHUB, "ownerId": "acme"}}, "github.ownerId", "numeric id"),
    # What decides what is built has to be known
    ("Platform", {"environment": UNKNOWN}, "environment", "plain value"),
    ("Platform", {"owner": secret("me@example.com")}, "owner", "plain value"),
    ("Network", {"zones": output()}, "zones", "plain value"),
]


@pytest.mark.parametrize(("kind", "change", "path", "says"), BAD, ids=[f"{k}-{p}-{s}" for k, _, p, s in BAD])
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_a_bad_input_is_refused_by_its_name(
    host: Host, kind: str, change: dict[str, Any], path: str, says: str, preview: bool
) -> None:
    """The engine is told which property is to blame and what it may be, and hears no traceback."""
    refused = _refused(host, kind, {**samples.required(kind), **change}, preview=preview)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert path in refused.properties, refused.properties
    assert says in refused.properties[path]
    assert path in refused.properties[path]
    assert "Traceback" not in refused.message
    assert "terrace:" not in str(refused.properties)


@pytest.mark.parametrize("kind", samples.COMPONENTS)
def test_each_required_input_is_asked_for(host: Host, kind: str) -> None:
    """Without any input, every one that is required is named at once."""
    refused = _refused(host, kind, {})
    assert set(refused.properties) == set(samples.COMPONENTS[kind]["requiredInputs"])


def test_every_problem_is_told_at_once(host: Host) -> None:
    """Who wrote three mistakes hears of three."""
    refused = _refused(host, "Platform", {**samples.PLATFORM, "level": 7, "size": "big", "budget": {}})
    assert set(refused.properties) == {"level", "size", "budget.monthly"}


def test_nothing_is_declared_before_the_inputs_are_checked(host: Host) -> None:
    """A refusal leaves no half-declared component behind."""
    refused = _refused(host, "Network", {**samples.required("Network"), "zones": 9})
    assert refused.message == "Network cannot be built from these inputs:"


def test_a_model_without_its_platform_says_how_to_build_one(host: Host) -> None:
    """What is about no single property is told in the message, without a traceback."""
    refused = _refused(host, "ModelStack", samples.MODEL, parameters={})
    assert "There is no platform in dev" in refused.message
    assert "terrace up dev" in refused.message
    assert "Traceback" not in refused.message
    assert "File " not in refused.message


def test_a_component_that_is_not_there_is_named(host: Host) -> None:
    """A misspelt type says what there is."""
    refused = _refused(host, "Platfrom", {})
    assert "no component Platfrom" in refused.message
    assert "Platform" in refused.message


def test_a_secret_is_not_repeated(host: Host) -> None:
    """What is secret stands in no error, wherever it was put."""
    refused = _refused(host, "Platform", {**samples.PLATFORM, "owner": secret("hush-hush")})
    assert "hush" not in f"{refused.message} {refused.properties}"


def _refused(host: Host, kind: str, inputs: dict[str, Any], *, preview: bool = False, **more: Any) -> Refused:
    parameters = more.get("parameters", {"/terrace/dev/platform": contract_of("dev", 1)})
    with pytest.raises(Refused) as caught:
        host.construct(kind, inputs, preview=preview, parameters=parameters)
    return caught.value
