"""What an environment has, read from where it is: contracts, records and what serves, not from any engine's state."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from terrace import scoring
from terrace.contracts import models, need_model, read_platform, read_release
from terrace.errors import SandboxError
from terrace.maturity import ModelContract
from terrace.platform import Platform
from terrace.target import Target


def read_status(platform: Platform) -> dict[str, Any]:
    """Return what an environment has, as plain data. A sandbox that does not run is not started; it has nothing."""
    settings = platform.settings
    said: dict[str, Any] = {
        "environment": platform.environment,
        "target": settings.target,
        "account": settings.account_id,
        "region": settings.region,
        "url": None,
        "level": None,
        "capabilities": [],
        "models": [],
    }
    try:
        target = platform.target(start=False)
    except SandboxError:
        return {**said, "url": "not running"}
    contract = read_platform(target, platform.environment)
    if contract is None:
        return {**said, "url": target.url}
    return {
        **said,
        "url": target.url,
        "level": contract.level,
        "capabilities": list(contract.capabilities),
        "models": [_model(target, platform.environment, name) for name in models(target, platform.environment)],
    }


def _model(target: Target, environment: str, name: str) -> dict[str, Any]:
    contract = need_model(target, environment, name)
    record = read_release(target, environment, name)
    batch = _scoring(target, contract) if contract.serving.mode == scoring.MODE else None
    endpoint = None if batch else _endpoint_status(target, contract.endpoint)
    pages = target.client("sagemaker").get_paginator("list_model_packages")
    found = pages.paginate(ModelPackageGroupName=contract.package_group)
    versions = sum(len(page["ModelPackageSummaryList"]) for page in found)
    empty = batch["schedule_state"] is None if batch else endpoint == "missing"
    baseline = "nothing yet: it has no image" if empty else "the baseline"
    return {
        "name": name,
        "team": contract.team,
        "level": contract.level,
        "mode": contract.serving.mode,
        "endpoint": None if batch else contract.endpoint,
        "endpoint_status": endpoint,
        "batch": batch,
        "serves": f"version {record.model_version}" if record and record.model_version else baseline,
        "version": (record.model_version or None) if record else None,
        "versions": f"{versions} version{'' if versions == 1 else 's'}",
        "released_by": record.released_by if record else None,
        "released_at": record.released_at.isoformat() if record else None,
        "metrics": record.metrics if record else {},
    }


def _scoring(target: Target, contract: ModelContract) -> dict[str, Any]:
    """Return what scores a model in mode batch, when, and where: a schedule without a state is not there yet."""
    batch, last = scoring.need_scoring(contract), scoring.last_run(target, contract)
    arrives, predictions = scoring.uris(contract)
    return {
        "pipeline": batch.pipeline,
        "schedule": batch.schedule,
        "timezone": batch.timezone,
        "schedule_state": scoring.schedule_state(target, contract),
        "input": arrives,
        "output": predictions,
        "last_run": last.to_json() if last else None,
        "last_run_text": last.text() if last else "has not run yet",
    }


def _endpoint_status(target: Target, name: str) -> str:
    try:
        return str(target.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"])
    except ClientError as error:
        if "Could not find" in str(error):
            return "missing"
        raise
