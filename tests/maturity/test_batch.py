"""Mode batch: what is said of it, what is refused, and the pipeline that follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from maturity.contracts import ACCOUNT, platform_contract
from maturity.test_contract import STANDARD_TIER, model_contract, release
from pydantic import ValidationError

from terrace.errors import PlanError, SettingsError
from terrace.maturity import ModelContract, ModelSettings, Scoring, Serving, plan_model
from terrace.maturity.scoring import ScoringPlan, unsettled
from terrace.sandbox.pipelines.definition import read
from terrace.settings import load_model

BASE = {"model": "flights", "environment": "dev", "region": "eu-central-1", "team": "ml", "owner": "o@acme.example"}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0"


def model(**more: Any) -> ModelSettings:
    """Return settings of a model in mode batch."""
    return ModelSettings.model_validate({**BASE, "mode": "batch", **more})


def plan(**more: Any) -> ScoringPlan:
    """Return a plan of scoring in a network."""
    said: dict[str, Any] = {
        "environment": "dev",
        "data_bucket": "data",
        "prefix": "ml/flights/batch/",
        "collect_role_arn": "arn:aws:iam::123456789012:role/collect",
        "data_key_arn": KEY,
        "volume_key_arn": KEY,
        "subnet_ids": ("subnet-0a",),
        "security_group_ids": ("sg-0a",),
        "instance_type": "ml.m5.large",
        "instance_count": 2,
        **more,
    }
    return ScoringPlan(**said)


def test_what_has_arrived_is_scored_daily_by_default() -> None:
    """Nothing but the mode need be said."""
    said = model().batch
    assert (said.schedule, said.timezone, said.prefix, said.lateness_hours) == ("rate(1 day)", "UTC", "batch/", 36)


@pytest.mark.parametrize(("given", "hours"), [({"schedule": "rate(1 hour)"}, 13), ({"lateAfterHours": 48}, 48)])
def test_lateness_follows_from_the_schedule(given: dict[str, Any], hours: int) -> None:
    """Twelve hours more than the interval, unless something is said."""
    assert model(batch=given).batch.lateness_hours == hours


def test_a_prefix_ends_in_a_slash() -> None:
    """However it is written."""
    assert model(batch={"prefix": "scoring/daily"}).batch.prefix == "scoring/daily/"
    assert model(batch={"prefix": "scoring/daily/"}).batch.prefix == "scoring/daily/"


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ({"prefix": "../other"}, "path of lower-case letters"),
        ({"prefix": "/batch/"}, "path of lower-case letters"),
        ({"prefix": "a//b/"}, "path of lower-case letters"),
        ({"prefix": ""}, "path of lower-case letters"),
        ({"prefix": "a" * 65}, "at most 64"),
        ({"prefix": "training/scored/"}, "starts the training pipeline"),
        ({"schedule": "daily"}, r"rate\(1 day\) or cron"),
        ({"schedule": "at(2026-12-24T18:00:00)"}, "fires once"),
        ({"timezone": "Europe/Entenhausen"}, "time zone"),
        ({"lateAfterHours": 169}, "less than or equal to 168"),
        ({"onNewData": True}, "not permitted"),
    ],
)
def test_what_cannot_be_scored_so_is_refused(batch: dict[str, Any], told: str) -> None:
    """The refusal says what there may be."""
    with pytest.raises(ValidationError, match=told):
        model(batch=batch)


@pytest.mark.parametrize(("key", "value"), [("memoryMb", 2048), ("maxConcurrency", 5)])
def test_sizes_of_serverless_endpoints_are_refused(tmp_path: Path, key: str, value: int) -> None:
    """They would do nothing; the mode in which they do something is named."""
    text = "".join(f"  terrace:{name}: {said}\n" for name, said in BASE.items() if name != "environment")
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n{text}  terrace:mode: batch\n  terrace:{key}: {value}\n")
    with pytest.raises(SettingsError, match=rf"terrace:{key} is set.*set terrace:mode to serverless"):
        load_model(tmp_path, "dev")


def test_instances_size_what_scores() -> None:
    """The same keys as for a realtime endpoint; one is enough in production, because a run can be repeated."""
    found = model(environment="prod", instanceType="ml.c5.xlarge", instanceCount=1)
    assert (found.instance_type, found.instance_count) == ("ml.c5.xlarge", 1)


def test_instances_are_those_of_the_team() -> None:
    """A type that the team is not permitted is refused in this mode too."""
    limited = platform_contract(level=1, teams=({"name": "ml", "instance_types": ("ml.m5.large",)},))
    assert plan_model(model(), limited).has("serving")
    with pytest.raises(PlanError, match=r"terrace:instanceType ml\.p4d\.24xlarge"):
        plan_model(model(instanceType="ml.p4d.24xlarge"), limited)


def test_what_needs_an_endpoint_is_refused() -> None:
    """By name, with the mode that has it all; so it is for serverless endpoints, which have less."""
    for mode, lacks in (("batch", "autoscaling, shadow"), ("serverless", "autoscaling, data-quality")):
        with pytest.raises(PlanError, match=f"mode {mode} of model flights cannot have {lacks}") as refused:
            plan_model(model(mode=mode), platform_contract())
        assert str(refused.value.hint) == "Set terrace:mode to realtime."


def test_the_definition_is_one_that_sagemaker_reads() -> None:
    """Strictly validated: arguments of every call, references, property files and names."""
    found = read(json.dumps(plan().definition("flights-1", "image")))
    assert [(step.name, step.type) for step in found.steps.values()] == [
        ("Collect", "Processing"),
        ("AnythingNew", "Condition"),
        ("Score", "Transform"),
    ]
    assert found.steps["Score"].branch == ("AnythingNew", True)
    assert {one["Name"]: one["DefaultValue"] for one in found.parameters} == {
        "ModelName": "flights-1",
        "Image": "image",
        "InputUri": "s3://data/ml/flights/batch/in/",
        "OutputUri": "s3://data/ml/flights/batch/out/",
        "InstanceType": "ml.m5.large",
        "InstanceCount": 2,
    }


def test_what_is_scored_is_named_by_a_manifest() -> None:
    """Which the first step writes beside its report; records are lines, and so are answers."""
    score = read(json.dumps(plan().definition("flights-1", "image"))).steps["Score"].arguments
    source = score["TransformInput"]["DataSource"]["S3DataSource"]
    assert source["S3DataType"] == "ManifestFile"
    assert source["S3Uri"]["Std:Join"]["Values"][1] == "manifest.json"
    assert (score["BatchStrategy"], score["TransformInput"]["SplitType"]) == ("MultiRecord", "Line")
    assert score["TransformInput"]["ContentType"] == score["TransformOutput"]["Accept"] == "application/jsonlines"
    assert score["TransformOutput"]["AssembleWith"] == "Line"


def test_disks_that_encrypt_themselves_take_no_key() -> None:
    """AWS refuses a key for the storage of such instances; data keeps its own."""
    found = plan(volume_key_arn=None, instance_type="ml.m5d.large").definition("flights-1", "image")
    assert "VolumeKmsKeyId" not in json.dumps(found)
    assert json.dumps(found).count(KEY) == 2


def test_without_a_network_the_job_names_none() -> None:
    """As everywhere else."""
    found = plan(subnet_ids=(), security_group_ids=()).definition("flights-1", "image")
    assert "NetworkConfig" not in found["Steps"][0]["Arguments"]


def test_a_pipeline_that_waits_for_its_version_is_one_too() -> None:
    """It has a step, which succeeds and does nothing."""
    assert list(read(json.dumps(unsettled())).steps) == ["AwaitRelease"]


def test_the_contract_tells_what_a_release_needs() -> None:
    """The plan of its definition comes from the contract alone; other modes have none."""
    contract = batch_contract()
    assert ScoringPlan.of(ModelContract.from_json(contract.to_json())).input_uri.endswith("/ml/flights/batch/in/")
    with pytest.raises(ValueError, match="has no scoring pipeline"):
        ScoringPlan.of(model_contract())


def test_the_documents_of_this_mode_fit_their_parameters() -> None:
    """The record of a release a standard one; the contract, with names as long as they get, an advanced one."""
    record = release(endpoint="", endpoint_config="", pipeline="p" * 100, sagemaker_model="m" * 63)
    assert len(record.to_json().encode()) <= STANDARD_TIER
    assert len(batch_contract().to_json().encode()) <= 2 * STANDARD_TIER


def batch_contract() -> ModelContract:
    """Return the contract of a model in mode batch, with long names."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{'r' * 64}"
    batch = Scoring(
        pipeline="p" * 100,
        pipeline_role_arn=role,
        collect_role_arn=role,
        schedule="cron(0 3 ? * MON-FRI *)",
        timezone="America/Argentina/Buenos_Aires",
        schedule_name=f"{'g' * 64}/{'s' * 64}",
    )
    serving = Serving(mode="batch", instance_type="ml.m5.large", instance_count=1, prefix="ml/flights/batch/")
    return model_contract().model_copy(update={"serving": serving, "batch": batch, "data_key_arn": KEY})
