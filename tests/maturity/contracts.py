"""Contracts as large as they get."""

from __future__ import annotations

from typing import Any

from terrace.maturity import CAPABILITIES, PlatformContract

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:ap-southeast-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"


def platform_contract(**more: Any) -> PlatformContract:
    """The contract of a platform with every name as long as settings allow."""
    prefix = f"{'o' * 16}-{'e' * 12}"
    said: dict[str, Any] = {
        "terrace": "10.10.10",
        "organisation": "o" * 16,
        "environment": "dev",
        "account": ACCOUNT,
        "region": "ap-southeast-1",
        "level": 4,
        "size": "redundant",
        "owner": f"{'m' * 64}@{'a' * 60}.example",
        "cost_center": "c" * 64,
        "data_class": "confidential",
        "protect": True,
        "retention_days": 3653,
        "kms_deletion_days": 30,
        "capabilities": tuple(c.id for c in CAPABILITIES.values() if c.scope == "platform"),
        "buckets": {what: f"{prefix}-{what}-{ACCOUNT}"[:63] for what in ("data", "artifacts", "logs")},
        "keys": {"data": KEY, "models": KEY, "logs": KEY},
        "network": {
            "vpc_id": "vpc-0123456789abcdef0",
            "subnet_ids": ("subnet-0123456789abcdef0",) * 3,
            "security_group_id": "sg-0123456789abcdef0",
        },
        "boundary_arn": f"arn:aws:iam::{ACCOUNT}:policy/{prefix}-boundary",
        "domain_id": "d-" + "x" * 61,
        "image_build_project": f"{prefix}-images",
        "packages": {"source": "codeartifact", "domain": prefix, "repository": f"{prefix}-python"},
        "alarm_topic_arn": f"arn:aws:sns:ap-southeast-1:{ACCOUNT}:{prefix}-alarms",
        "github_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
        "gitlab_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.example.com",
        "gitlab_url": "https://gitlab.example.com",
        "teams": ({"name": "ml"},),
        "tracking": {
            "kind": "mlflow",
            "uri": f"https://{'m' * 60}.example",
            "secret_arn": f"arn:aws:secretsmanager:ap-southeast-1:{ACCOUNT}:secret:{prefix}-tracking-AbCdEf",
        },
        "lineage": {"data_versions": "kept", "artifact_versions_days": 3653},
    }
    return PlatformContract.model_validate({**said, **more})
