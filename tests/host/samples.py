"""Inputs for every component, by the names of the schema: what is required, and all that there is."""

from __future__ import annotations

import json
from typing import Any

from components.programs import IMAGE
from components.recorder import ACCOUNT
from host.serving import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "components" / "schema.json").read_text())
COMPONENTS: dict[str, dict[str, Any]] = {token.split(":")[-1]: item for token, item in SCHEMA["resources"].items()}
WHOLE_STACKS = ("Platform", "ModelStack")
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
PLACEMENT = {
    "organisation": "acme",
    "environment": "dev",
    "account": ACCOUNT,
    "region": "eu-central-1",
    "level": 1,
    "owner": "owner@example.com",
    "costCenter": "mlops",
    "dataClass": "internal",
    "size": "small",
    "protect": False,
    "retentionDays": 30,
    "kmsDeletionDays": 7,
    "boundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/acme-dev-boundary",
    "team": "ml",
    "model": "flights",
}
GITHUB = {"owner": "acme", "ownerId": "1", "repository": "flights", "repositoryId": "2"}
VALUES: dict[str, Any] = {
    "placement": PLACEMENT,
    "accessLogs": True,
    "activateTags": ["environment"],
    "alarmTopicArn": f"arn:aws:sns:eu-central-1:{ACCOUNT}:alarms",
    "artifactBucket": "acme-dev-artifacts",
    "auth": "IAM",
    "availability": 99.5,
    "boundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/brought",
    "branch": "main",
    "buckets": ["acme-dev-data"],
    "buildProject": "acme-dev-images",
    "capabilities": ["storage", "registry"],
    "capability": "images",
    "cidr": "10.0.0.0/16",
    "dataBucket": "acme-dev-data",
    "deployRoleArn": f"arn:aws:iam::{ACCOUNT}:role/deploy",
    "deployerRoleArns": [f"arn:aws:iam::{ACCOUNT}:role/acme-dev-operator"],
    "emails": ["owner@example.com"],
    "endpoint": "acme-dev-ml-flights",
    "githubProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
    "gitlabProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com",
    "gitlabUrl": "https://gitlab.com",
    "idleMinutes": 120,
    "image": IMAGE,
    "index": "https://packages.example.com/simple",
    "instanceCount": 2,
    "instanceType": "ml.m5.large",
    "keepsDataVersions": True,
    "keepsVersions": True,
    "kind": "server",
    "lateAfterHours": 36,
    "latencyMs": 500,
    "logBucket": "acme-dev-logs",
    "maxConcurrency": 5,
    "memoryMb": 2048,
    "mode": "realtime",
    "model": "acme-dev-ml-flights-0",
    "monthly": 500,
    "nat": "single",
    "network": True,
    "onNewData": True,
    "onCall": "oncall@example.com",
    "pipelineArn": f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:pipeline/acme-dev-ml-flights",
    "prefix": "batch/",
    "profiles": ["ada"],
    "purpose": "data",
    "readerAccounts": ["210987654321"],
    "receivesLogs": True,
    "releasedConfig": "acme-dev-ml-flights-1",
    "releasedImage": IMAGE,
    "releasedModel": "acme-dev-ml-flights-v1",
    "repositories": ["acme-dev-*"],
    "runbook": "https://wiki.example.com/flights",
    "schedule": "rate(1 day)",
    "scoringPipeline": "acme-dev-ml-flights--batch",
    "scoringQueue": "acme-dev-ml-flights--batch-undelivered",
    "secretArn": f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:tracking-AbCdEf",
    "securityGroupId": "sg-0123456789abcdef0",
    "securityGroupIds": ["sg-0123456789abcdef0"],
    "serveRoleArn": f"arn:aws:iam::{ACCOUNT}:role/serve",
    "serving": True,
    "size": "medium",
    "source": "codeartifact",
    "sourcePrefix": "sources/images",
    "storesOnly": False,
    "subnetIds": ["subnet-0a", "subnet-0b"],
    "teams": [{"team": "ml", "monthly": 100}],
    "timezone": "Europe/Berlin",
    "trackingArn": f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:mlflow-app/app-ABCDEFGHIJKL",
    "trackingKind": "app",
    "trainRoleArn": f"arn:aws:iam::{ACCOUNT}:role/train",
    "training": True,
    "uri": "https://mlflow.example.com",
    "vpcId": "vpc-0123456789abcdef0",
    "workloadSecurityGroupId": "sg-0123456789abcdef1",
    "zones": 2,
}
"""Input → a value that every component takes which has such an input, but for those below."""
OF_ONE: dict[tuple[str, str], Any] = {
    ("Ci", "github"): True,
    ("Ci", "gitlab"): True,
    ("ReleaseCi", "batch"): True,
    ("ReleaseCi", "github"): GITHUB,
    ("ReleaseCi", "gitlab"): {"project": "acme/flights"},
    ("Serving", "batch"): {
        "dataBucket": "acme-dev-data",
        "dataKeyArn": KEY,
        "deployRoleArn": f"arn:aws:iam::{ACCOUNT}:role/deploy",
        "schedule": "rate(1 day)",
    },
}
PLATFORM: dict[str, Any] = {
    "organisation": "acme",
    "environment": "dev",
    "level": 0,
    "region": "eu-central-1",
    "owner": "owner@example.com",
    "budget": {"monthly": 500},
}
MODEL: dict[str, Any] = {
    "model": "flights",
    "environment": "dev",
    "region": "eu-central-1",
    "team": "ml",
    "owner": "owner@example.com",
}


UNLESS = {"TrainingPipeline": ["trackingKind"]}
"""Inputs that the schema cannot call required, because another one, such as `storesOnly`, makes them needless."""


def required(kind: str) -> dict[str, Any]:
    """Return the inputs that a component cannot do without."""
    return _inputs(kind, [*COMPONENTS[kind].get("requiredInputs", []), *UNLESS.get(kind, [])])


def everything(kind: str) -> dict[str, Any]:
    """Return every input of a component."""
    return _inputs(kind, COMPONENTS[kind]["inputProperties"])


def _inputs(kind: str, names: Any) -> dict[str, Any]:
    if kind in WHOLE_STACKS:
        return dict({"Platform": PLATFORM, "ModelStack": MODEL}[kind])
    found = {name: OF_ONE.get((kind, name), VALUES.get(name)) for name in names}
    for key in ("dataKeyArn", "modelsKeyArn", "logsKeyArn", "keyArn"):
        if key in found:
            found[key] = KEY
    lacking = [name for name, value in found.items() if value is None]
    assert not lacking, f"no sample for {lacking} of {kind}"
    return found
