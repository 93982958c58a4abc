"""Releases: which registered version of a model serves, and the record of it.

A release is made of the same AWS calls at every level: a model and an endpoint configuration for the version, an
update of the endpoint, and a record at `/terrace/<environment>/<model>/release` that later `up`s respect. In mode batch
it is a model, and an update of the pipeline that scores.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from terrace import scoring
from terrace.contracts import need_model, read_release, write_release
from terrace.errors import ProjectError
from terrace.serving import endpoint_config_request, model_request
from terrace.target import Say, Target
from terrace.versions import BROUGHT_FROM, PENDING, metrics

if TYPE_CHECKING:
    from terrace.maturity import ModelContract, Release

BASELINE = 0
"""What a record has in place of a version where the baseline serves."""
_NOT_PASSED = "A version is approved when its evaluation passes the threshold: see `make evaluate` in the project."
ENDPOINT_MINUTES = 30
"""How long an endpoint may take to change before we stop waiting; SageMaker itself gives up after about that."""


def release(target: Target, environment: str, model: str, version: int | None, say: Say) -> Release:
    """Put a registered version of a model in service and record it.

    Args:
        target: Where the model lives.
        environment: Name of the environment.
        model: Name of the model.
        version: Version of the model package; None takes the newest approved one.
        say: Told each step in a sentence.

    Returns:
        The record; the old one when the version already serves with the same settings, which changes nothing.

    Raises:
        ProjectError: The model is not in the environment, has no such approved version or nothing that serves yet, or
            the endpoint refused the version and went on with the one before.
    """
    contract = need_model(target, environment, model)
    package = approved_package(target, contract, version)
    before = read_release(target, environment, model)
    if before and before.model_version == package["ModelPackageVersion"] and _stands(target, contract, before):
        say(f"version {before.model_version} of {model} already serves with these settings")
        return before
    return put(target, contract, package, before, say)


def settle(target: Target, contract: ModelContract, say: Say) -> Release | None:
    """Bring changed serving settings to what serves a released version, by releasing that version again.

    Without a release there is nothing to do: the program itself declares what is served. A model that changes its mode
    keeps its version so.
    """
    record = read_release(target, contract.environment, contract.model)
    if record is None:
        return None
    # After a rollback to the baseline a new image is a new baseline, as it was before the first release.
    old_baseline = record.model_version == BASELINE and contract.image not in (None, record.image)
    if _stands(target, contract, record) and not old_baseline:
        return record
    if record.model_version == BASELINE:
        say(f"serving {contract.model}'s baseline again with its new image or settings")
        return put(target, contract, baseline_package(contract), record, say)
    say(f"serving settings changed: releasing version {record.model_version} of {contract.model} again with them")
    return put(target, contract, approved_package(target, contract, record.model_version), record, say)


def baseline_package(contract: ModelContract) -> Mapping[str, Any]:
    """Return the baseline in the form of a model package: the project's image without model data.

    Raises:
        ProjectError: The model has no image.
    """
    if contract.image is None:
        raise ProjectError(
            f"{contract.model} has no image in {contract.environment} yet.",
            f"Make it with: terrace up {contract.environment} --project PATH",
        )
    return {
        "ModelPackageVersion": BASELINE,
        "InferenceSpecification": {"Containers": [{"Image": contract.image}]},
        "CustomerMetadataProperties": {},
    }


def approved_package(target: Target, contract: ModelContract, version: int | None) -> Mapping[str, Any]:
    """Return the description of an approved version; None takes the newest.

    Raises:
        ProjectError: There is none, or the one that is asked for is not approved.
    """
    sagemaker = target.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=contract.package_group)
    listed = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
    if not listed:
        raise ProjectError(
            f"No version of {contract.model} is registered in {contract.environment}.",
            "Train one and register it: in the model project, `make train evaluate register`.",
        )
    by_version = {summary["ModelPackageVersion"]: summary for summary in listed}
    approved = sorted(number for number, s in by_version.items() if s.get("ModelApprovalStatus") == "Approved")
    if version is None:
        if not approved:
            waiting = [number for number, s in by_version.items() if s.get("ModelApprovalStatus") == PENDING]
            raise ProjectError(
                f"None of the {len(listed)} registered versions of {contract.model} is approved.",
                f"Approve one: {_approve(contract, max(waiting))}" if waiting else _NOT_PASSED,
            )
        version = approved[-1]
    if version not in by_version:
        known = ", ".join(str(number) for number in sorted(by_version))
        raise ProjectError(
            f"{contract.model} has no version {version} in {contract.environment}.", f"There are: {known}."
        )
    if version not in approved:
        status = by_version[version].get("ModelApprovalStatus")
        raise ProjectError(
            f"Version {version} of {contract.model} is {status}, not Approved.",
            f"Approve it: {_approve(contract, version)}"
            if status == PENDING
            else f"Approved are: {', '.join(map(str, approved)) or 'none'}.",
        )
    described: Mapping[str, Any] = sagemaker.describe_model_package(
        ModelPackageName=by_version[version]["ModelPackageArn"]
    )
    return described


def put(
    target: Target,
    contract: ModelContract,
    package: Mapping[str, Any],
    before: Release | None,
    say: Say,
    kind: str = "release",
    reason: str | None = None,
) -> Release:
    """Bring a version to the endpoint, wait until it answers, and record it; in mode batch, to the pipeline.

    Args:
        target: Where the model lives.
        contract: Of the model.
        package: Description of the version.
        before: The record of what serves now, None before the first release.
        say: Told each step in a sentence.
        kind: `release` or `rollback`, as the record says.
        reason: Why, for the record.

    Raises:
        ProjectError: There is nothing that serves yet, or the endpoint refused the version and went on with the one
            before.
    """
    from terrace.maturity import Release

    version = int(package["ModelPackageVersion"])
    model = model_request(contract, package)
    put_on = _score if contract.serving.mode == scoring.MODE else _serve
    where = put_on(target, contract, package, model, say)
    said = package.get("CustomerMetadataProperties", {})
    record = Release(
        model=contract.model,
        environment=contract.environment,
        model_version=version,
        **where,
        serving=contract.serving,
        image=model["PrimaryContainer"]["Image"],
        model_data=model["PrimaryContainer"].get("ModelDataUrl", ""),
        code=said.get("code", ""),
        data=said.get("data", ""),
        metrics=metrics(said),
        released_by=target.client("sts").get_caller_identity()["Arn"],
        released_at=datetime.now(UTC),
        # The baseline has no number; a record that there is none before says the same.
        replaces=(before.model_version or None) if before else None,
        kind=kind,
        reason=reason,
        brought_from=said.get(BROUGHT_FROM),
    )
    write_release(target, record)
    return record


def _serve(
    target: Target, contract: ModelContract, package: Mapping[str, Any], model: Mapping[str, Any], say: Say
) -> dict[str, Any]:
    """Bring a version to the endpoint and wait until it answers; return what the record says of it."""
    sagemaker = target.client("sagemaker")
    current = _endpoint(target, contract)
    config = endpoint_config_request(contract, package, model["ModelName"])
    _create(sagemaker, "model", "ModelName", model)
    _create(sagemaker, "endpoint_config", "EndpointConfigName", config)
    wanted = str(config["EndpointConfigName"])
    if current["EndpointConfigName"] != wanted:
        say(f"updating endpoint {contract.endpoint} to {_named(package)}")
        sagemaker.update_endpoint(EndpointName=contract.endpoint, EndpointConfigName=wanted)
    _wait(target, contract, wanted)
    return {"endpoint": contract.endpoint, "endpoint_config": wanted}


def _score(
    target: Target, contract: ModelContract, package: Mapping[str, Any], model: Mapping[str, Any], say: Say
) -> dict[str, Any]:
    """Bring a version to the pipeline that scores; return what the record says of it."""
    pipeline, name = scoring.need_scoring(contract).pipeline, str(model["ModelName"])
    scoring.need_pipeline(target, contract)
    _create(target.client("sagemaker"), "model", "ModelName", model)
    scoring.hand_over(target, contract, name, model["PrimaryContainer"]["Image"], _named(package), say)
    return {"endpoint": "", "endpoint_config": "", "pipeline": pipeline, "sagemaker_model": name}


def _stands(target: Target, contract: ModelContract, record: Release) -> bool:
    """Tell whether what a record says is in service, with the settings of the contract."""
    if record.serving != contract.serving:
        return False
    return contract.serving.mode != scoring.MODE or scoring.stands(target, contract, record)


def _named(package: Mapping[str, Any]) -> str:
    version = int(package["ModelPackageVersion"])
    return f"version {version}" if version else "the baseline"


def _approve(contract: ModelContract, version: int) -> str:
    return f"terrace approve {contract.model} {contract.environment} --version {version}"


def _endpoint(target: Target, contract: ModelContract) -> Mapping[str, Any]:
    from botocore.exceptions import ClientError

    try:
        found: Mapping[str, Any] = target.client("sagemaker").describe_endpoint(EndpointName=contract.endpoint)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        raise ProjectError(
            f"{contract.model} has no endpoint in {contract.environment} yet.",
            f"Make it with: terrace up {contract.environment} --project PATH",
        ) from error
    return found


def _create(sagemaker: Any, noun: str, key: str, request: Mapping[str, Any]) -> None:
    """Create unless an interrupted release already did: the name holds a hash of what the request says."""
    from botocore.exceptions import ClientError

    try:
        getattr(sagemaker, f"describe_{noun}")(**{key: request[key]})
    except ClientError:
        getattr(sagemaker, f"create_{noun}")(**request)


def _wait(target: Target, contract: ModelContract, wanted: str) -> None:
    deadline = time.monotonic() + ENDPOINT_MINUTES * 60
    pause = 0.1
    while time.monotonic() < deadline:
        found = _endpoint(target, contract)
        if found["EndpointStatus"] not in ("Creating", "Updating", "RollingBack", "SystemUpdating"):
            break
        time.sleep(pause)
        pause = min(pause * 1.5, 10.0)
    if found["EndpointStatus"] == "InService" and found["EndpointConfigName"] == wanted:
        return
    raise ProjectError(
        f"Endpoint {contract.endpoint} did not take {wanted}: it is {found['EndpointStatus']} with "
        f"{found['EndpointConfigName']}. {found.get('FailureReason', '')}".strip(),
        "Nothing was recorded; the version that served before goes on. Mend the model and release again.",
    )
