"""Programs that the tests of components record."""

import json
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
from components.recorder import ACCOUNT, Graph, record
from terrace_components import ModelStack, Platform

DIGEST = "sha256:" + "0" * 64
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/acme-dev-ml-flights@{DIGEST}"


def platform_settings(**more: Any) -> dict[str, Any]:
    return {
        "organisation": "acme",
        "environment": "dev",
        "level": 1,
        "region": "eu-central-1",
        "account": ACCOUNT,
        "owner": "owner@example.com",
        "budget": {"monthly": 500},
        "workbench": {"profiles": ["ada"]},
        "ci": {
            "github": {"organisation": "acme", "organisation_id": "1"},
            "gitlab": {"group": "acme"},
        },
        **more,
    }


def model_settings(**more: Any) -> dict[str, Any]:
    return {
        "model": "flights",
        "environment": "dev",
        "region": "eu-central-1",
        "account": ACCOUNT,
        "team": "ml",
        "owner": "owner@example.com",
        "image": IMAGE,
        "github": {"owner": "acme", "owner_id": "1", "repository": "flights", "repository_id": "2"},
        **more,
    }


def platform(*, log_groups: dict[str, dict[str, str]] | None = None, **more: Any) -> Graph:
    """Record a platform, in an account that has log groups already."""
    settings = platform_settings(**more)

    def program() -> None:
        provider = aws.Provider("aws", region="eu-central-1", allowed_account_ids=[ACCOUNT])
        stack = Platform("platform", settings, pulumi.ResourceOptions(provider=provider))
        for name, value in stack.outputs().items():
            pulumi.export(name, value)

    return record(program, stack=settings["environment"], log_groups=log_groups)


def model(
    *,
    release: str | None = None,
    contract: str | None = None,
    level: int = 1,
    own_level: int | None = None,
    **more: Any,
) -> Graph:
    """Record a model's stack on a platform of a level, which is the model's too unless it has its own."""
    settings = model_settings(level=own_level, **more)
    environment = settings["environment"]
    parameters = {f"/terrace/{environment}/platform": contract or contract_of(environment, level)}
    if release is not None:
        parameters[f"/terrace/{environment}/flights/release"] = release

    def program() -> None:
        provider = aws.Provider("aws", region="eu-central-1", allowed_account_ids=[ACCOUNT])
        stack = ModelStack("model", settings, pulumi.ResourceOptions(provider=provider))
        for name, value in stack.outputs().items():
            pulumi.export(name, value)

    return record(program, stack=environment, parameters=parameters)


@cache
def contract_of(environment: str, level: int) -> str:
    """Return the contract that a platform of a level publishes."""
    return str(platform(environment=environment, level=level).one("platform-contract").inputs["value"])


def statements(graph: Graph) -> list[tuple[str, dict[str, Any]]]:
    """Return every statement of every policy in a graph, with the name of the resource that has it."""
    found = []
    for resource in graph:
        for key in ("policy", "assumeRolePolicy", "resourcePolicy"):
            text = resource.inputs.get(key)
            if isinstance(text, str) and '"Statement"' in text:
                found += [(resource.name, statement) for statement in json.loads(text)["Statement"]]
    return found
