"""What is said of tracking and training, and what is refused of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from terrace.errors import PlanError
from terrace.maturity import ModelSettings, PlatformSettings, plan
from terrace.maturity.endpoint_services import callers, endpoint_services
from terrace.maturity.schedules import interval_hours, problem


def platform(**more: Any) -> PlatformSettings:
    said = {"organisation": "acme", "environment": "dev", "level": 2, "region": "eu-central-1"}
    return PlatformSettings.model_validate({**said, "owner": "o@acme.example", "budget": {"monthly": 100}, **more})


def model(**training: Any) -> ModelSettings:
    said = {"model": "flights", "environment": "dev", "region": "eu-central-1", "team": "ml", "owner": "o@acme.example"}
    return ModelSettings.model_validate({**said, "training": training})


def test_the_serverless_app_is_the_default() -> None:
    """Nobody who says nothing pays for a server."""
    found = platform().tracking
    assert (found.kind, found.effective_size) == ("app", None)


def test_a_tracking_server_has_a_size() -> None:
    """Small, unless another is asked for."""
    assert platform(tracking={"kind": "server"}).tracking.effective_size == "small"
    assert platform(tracking={"kind": "server", "size": "large"}).tracking.effective_size == "large"


@pytest.mark.parametrize(
    ("tracking", "told"),
    [
        ({"size": "small"}, "only a tracking server has a size"),
        ({"kind": "app", "uri": "https://mlflow.acme.example"}, "tracking.uri is set, but tracking.kind is app"),
        (
            {"kind": "server", "secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-AbCdEf"},
            "tracking.secret is set, but tracking.kind is server",
        ),
        ({"kind": "mlflow"}, "tracking.uri is missing"),
        ({"kind": "neptune"}, "tracking.uri is missing"),
        ({"kind": "mlflow", "uri": "http://mlflow.acme.example"}, "must be an https URL"),
        ({"kind": "mlflow", "uri": "https://ada:secret@mlflow.acme.example"}, "must be an https URL"),
        ({"kind": "wandb", "secret": "hunter2"}, "must be the ARN of a secret"),
        ({"kind": "mflow"}, "Input should be 'app', 'server', 'mlflow', 'wandb' or 'neptune'"),
        ({"kind": "wandb", "apiKey": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_tracked_with_is_refused(tracking: dict[str, Any], told: str) -> None:
    """Each refusal says which key does not go with which."""
    with pytest.raises(ValidationError, match=told):
        platform(tracking=tracking)


@pytest.mark.parametrize("kind", ["app", "wandb"])
def test_a_tool_that_jobs_could_not_reach_is_refused(kind: str) -> None:
    """Without NAT, only what has an endpoint in the network or is in it can be reached."""
    closed = platform(tracking={"kind": kind}, network={"nat": "none"})
    with pytest.raises(PlanError, match=rf"nat is none.*tracking.kind is {kind}.*Set terrace:tracking.kind to server"):
        plan(closed)
    plan(platform(tracking={"kind": "server"}, network={"nat": "none"}))
    plan(platform(tracking={"kind": kind}, network={"nat": "none"}, level=1))


def test_a_tracking_server_is_reached_inside_the_network() -> None:
    """Its endpoint is there where a server is, and nowhere else."""

    def ids(kind: str, *on: str) -> set[str]:
        return {service.id for service in endpoint_services(2, callers(on, kind))}

    assert "mlflow" in ids("server", "tracking")
    assert "mlflow" not in ids("app", "tracking") | ids("server")


@pytest.mark.parametrize(
    "schedule",
    ["rate(1 day)", "rate(12 hours)", "cron(0 3 * * ? *)", "cron(0 3 ? * MON-FRI *)", "cron(0/15 6-8 L * ? 2026-2030)"],
)
def test_schedules_of_the_scheduler_are_taken(schedule: str) -> None:
    """Rates and cron expressions as EventBridge Scheduler writes them."""
    assert model(schedule=schedule).training.schedule == schedule


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("daily", r"rate\(1 day\) or cron"),
        ("rate(1 days)", r"written rate\(1 day\)"),
        ("rate(2 day)", r"written rate\(2 days\)"),
        ("rate(0 days)", r"rate\(1 day\) or cron"),
        ("at(2026-12-24T18:00:00)", "fires once"),
        ("cron(0 3 * * *)", "has 5 fields, but takes six"),
        ("cron(0 3 * * * *)", r"must be \?, and not both"),
        ("cron(0 24 * * ? *)", "'24' is no hour"),
        ("cron(0 3 ? * MOO *)", "'MOO' is no day of the week"),
        ("0 3 * * *", r"rate\(1 day\) or cron"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, told: str) -> None:
    """The refusal names the field, or the form."""
    with pytest.raises(ValidationError, match=told):
        model(schedule=schedule)


@given(st.text(max_size=40) | st.text("0123456789*?,-/LW# MONcronate()", max_size=40))
def test_no_text_breaks_the_reader_of_schedules(text: str) -> None:
    """Whatever is written there is taken or refused in words."""
    if problem(text) is None:
        assert interval_hours(text) is None or interval_hours(text) > 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("training", "hours"),
    [
        ({}, None),
        ({"schedule": "rate(1 day)"}, 36),
        ({"schedule": "rate(90 minutes)"}, 14),
        ({"schedule": "cron(0 3 * * ? *)"}, 36),
        ({"schedule": "cron(0 3 ? * MON *)"}, None),
        ({"schedule": "cron(0 3 1 * ? *)"}, None),
        ({"schedule": "rate(30 days)"}, None),
        ({"schedule": "cron(0 3 ? * MON *)", "lateAfterHours": 168}, 168),
        ({"lateAfterHours": 48}, 48),
    ],
)
def test_lateness_follows_from_the_schedule(training: dict[str, Any], hours: int | None) -> None:
    """Half a day more than the interval, as long as CloudWatch looks back so far; or what is asked for."""
    assert model(**training).training.lateness_hours == hours


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({"lateAfterHours": 169}, "less than or equal to 168"),
        ({"timezone": "Berlin"}, "must be the name of a time zone"),
        ({"timezone": "../etc/passwd"}, "must be the name of a time zone"),
        ({"onNewData": "perhaps"}, "must be true or false"),
        ({"instanceType": "m5.large"}, "must be a SageMaker instance type"),
    ],
)
def test_what_cannot_be_trained_with_is_refused(training: dict[str, Any], told: str) -> None:
    """Each refusal says what is allowed."""
    with pytest.raises(ValidationError, match=told):
        model(**training)
