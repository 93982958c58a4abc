"""The documents that one part of Terrace publishes for another."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from maturity.contracts import ACCOUNT, KEY, platform_contract

from terrace.maturity import ModelContract, PlatformContract, Release
from terrace.maturity.contract import CONTRACT_VERSION, Document

ROOT = Path(__file__).parents[2]
STANDARD_TIER = 4096
"""Bytes of a standard SSM parameter; an advanced one holds twice that."""
SCHEMAS = {"platform-contract": PlatformContract, "model-contract": ModelContract, "release": Release}
SERVING = {"mode": "realtime", "instance_type": "ml.m5.large", "instance_count": 2, "kms_key_arn": KEY}
SERVING |= {"subnet_ids": ("subnet-0123456789abcdef0",) * 3, "security_group_ids": ("sg-0123456789abcdef0",)}


def model_contract() -> ModelContract:
    """The contract of a model with every name as long as settings allow."""
    name = f"{'o' * 16}-{'e' * 12}-{'t' * 16}-1234-{'m' * 32}"
    return ModelContract(
        terrace="10.10.10",
        organisation="o" * 16,
        environment="e" * 12,
        account=ACCOUNT,
        region="ap-southeast-1",
        team="t" * 16,
        model="m" * 32,
        level=4,
        repository_name=name,
        repository_uri=f"{ACCOUNT}.dkr.ecr.ap-southeast-1.amazonaws.com/{name}",
        build_project=f"{name}-images",
        artifact_bucket="b" * 63,
        artifact_prefix=f"models/{'m' * 32}/",
        data_bucket="b" * 63,
        data_prefix=f"{'m' * 32}/",
        models_key_arn=KEY,
        package_group=name[:63],
        endpoint=name[:63],
        image=f"{ACCOUNT}.dkr.ecr.ap-southeast-1.amazonaws.com/{name}@sha256:{'0' * 64}",
        serving=SERVING,
        tags={f"tag-{number}": "v" * 64 for number in range(9)},
        pipeline=name,
        pipeline_arn=f"arn:aws:sagemaker:ap-southeast-1:{ACCOUNT}:pipeline/{name}",
        watched_prefix=f"{'m' * 32}/training/",
        tracking={
            "kind": "server",
            "arn": f"arn:aws:sagemaker:ap-southeast-1:{ACCOUNT}:mlflow-tracking-server/{'o' * 16}-{'e' * 12}-tracking",
            "experiment": "m" * 32,
        },
        job_network={
            "subnet_ids": ("subnet-0123456789abcdef0",) * 3,
            "security_group_ids": ("sg-0123456789abcdef0",),
        },
        data_key_arn=KEY,
        **{f"{role}_role_arn": f"arn:aws:iam::{ACCOUNT}:role/{'r' * 64}" for role in ROLES},
    )


ROLES = ("train", "serve", "deploy", "monitor", "pipeline")


def release(**more: Any) -> Release:
    """The record of a release with more metrics than anyone computes."""
    said: dict[str, Any] = {
        "model": "m" * 32,
        "environment": "e" * 12,
        "model_version": 12345,
        "endpoint": "x" * 63,
        "endpoint_config": "x" * 63,
        "serving": SERVING,
        "image": f"{ACCOUNT}.dkr.ecr.ap-southeast-1.amazonaws.com/{'r' * 80}@sha256:{'0' * 64}",
        "model_data": f"s3://{'b' * 63}/models/{'m' * 32}/{'k' * 64}/model.tar.gz",
        "code": "0" * 64,
        "data": "0" * 64,
        "metrics": {f"metric-{number}": number / 7 for number in range(20)},
        "released_by": f"arn:aws:sts::{ACCOUNT}:assumed-role/{'r' * 64}/{'s' * 64}",
        "released_at": datetime(2026, 11, 21, tzinfo=UTC),
    }
    return Release.model_validate({**said, **more})


@pytest.mark.parametrize("document", [platform_contract(), model_contract(), release()], ids=lambda d: type(d).__name__)
def test_a_document_is_read_as_it_was_written(document: Document) -> None:
    """What is published comes back the same, in camelCase, and fits a standard parameter at its largest."""
    text = document.to_json()
    assert type(document).from_json(text) == document
    assert all("_" not in key for key in json.loads(text))
    assert len(text.encode()) <= STANDARD_TIER


def test_many_teams_fit_the_advanced_tier() -> None:
    """Twenty teams with three instance types each still fit a parameter of the advanced tier."""
    teams = tuple(
        {"name": "t" * 16, "cost_center": "c" * 64, "instance_types": ("ml.m5.xlarge",) * 3} for _ in range(20)
    )
    assert len(platform_contract(teams=teams).to_json()) <= 2 * STANDARD_TIER


def test_a_reader_takes_no_notice_of_what_a_newer_platform_adds() -> None:
    """Within a version, documents change by addition only, and old readers read on."""
    said = json.loads(platform_contract().to_json())
    newer = json.dumps({**said, "trackingServer": "x", "buckets": {**said["buckets"], "features": "x"}})
    assert PlatformContract.from_json(newer) == platform_contract()


def test_a_document_of_a_later_version_is_refused() -> None:
    """A version that this Terrace doesn't know is refused with the one it knows."""
    later = json.dumps({**json.loads(release().to_json()), "version": CONTRACT_VERSION + 1})
    with pytest.raises(ValueError, match="Release of version 2, but this Terrace reads up to 1"):
        Release.from_json(later)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"version": "one"}'])
def test_what_is_no_document_is_refused(text: str) -> None:
    """A parameter that somebody else wrote is refused by the name of what was expected."""
    with pytest.raises(ValueError, match="not a PlatformContract"):
        PlatformContract.from_json(text)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_exported_schema_is_current(name: str) -> None:
    """The JSON Schema that other languages read is that of the model."""
    exported = json.loads((ROOT / "docs" / "reference" / f"{name}.schema.json").read_text())
    assert exported == SCHEMAS[name].model_json_schema(by_alias=True)
