"""The line of a version: from data over run and code to the endpoint, from its own record and SageMaker's lineage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from terrace.executions import Execution
from terrace.outcomes import starter
from terrace.rollback import served
from terrace.run_data import RunData, split_source
from terrace.scoring import LastRun, last_run
from terrace.target import Target
from terrace.versions import BROUGHT_FROM, Version

if TYPE_CHECKING:
    from terrace.maturity import ModelContract, Release

_DEPTH = 10
_MOST = 60
"""Entities that are described, the nearest first: each is a call."""


@dataclass(frozen=True)
class Line:
    """Where a version is from, and where it went.

    Attributes:
        version: The version.
        data: What it was trained on.
        execution: ARN of the pipeline's run that made it, None where a person trained it.
        started_by: What started that run, empty where it is not known any more.
        served: When it was released or rolled back to, by whom, and what it replaced; the oldest first.
        serves: Whether it serves now.
        endpoint: Name of the endpoint; in mode batch, of the pipeline that scores.
        entities: What SageMaker's lineage has of it: kind, type, and what it stands for. None where it does not answer.
    """

    version: Version
    data: RunData
    execution: str | None
    started_by: str
    served: tuple[Release, ...]
    serves: bool
    endpoint: str
    entities: tuple[dict[str, str], ...] | None = field(default=None)
    scored: LastRun | None = field(default=None)
    """The latest run that scored with it, in mode batch."""

    @property
    def digest(self) -> str:
        """Digest of the image, empty where the image is named by a tag."""
        return self.version.image.partition("@")[2]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "data": self.data.to_json(),
            "code": self.version.metadata.get("code"),
            "image": self.version.image,
            "image_digest": self.digest or None,
            "execution": self.execution,
            "started_by": self.started_by or None,
            "version": self.version.number,
            "package": self.version.arn,
            "brought_from": self.version.metadata.get(BROUGHT_FROM),
            "endpoint": self.endpoint,
            "serves": self.serves,
            "served": [
                {
                    "kind": one.kind,
                    "at": one.released_at.isoformat(),
                    "by": one.released_by,
                    "replaces": one.replaces,
                    "reason": one.reason,
                    "endpoint_config": one.endpoint_config or None,
                    "pipeline": one.pipeline,
                }
                for one in self.served
            ],
            "scored": self.scored.to_json() if self.scored else None,
            "sagemaker_lineage": None if self.entities is None else list(self.entities),
        }

    def lines(self) -> list[str]:
        """Return it for people: each thing that led to the next."""
        told = self.version.metadata
        lines = [f"data      {self.data}", f"code      {told.get('code', 'unknown')}"]
        lines += [f"image     {self.digest or self.version.image}"]
        if self.execution:
            by = f", started by {self.started_by}" if self.started_by else ""
            lines.append(f"run       {self.execution}{by}")
        lines.append(f"version   {self.version.arn}")
        if told.get(BROUGHT_FROM):
            lines.append(f"          brought from {told[BROUGHT_FROM]}")
        for one in self.served:
            where = f"scoring   {one.pipeline}" if one.pipeline else f"endpoint  {one.endpoint}"
            lines.append(f"{where}: {one.kind} at {one.released_at:%Y-%m-%d %H:%M:%S} by {one.released_by}")
        if self.scored:
            lines.append(f"          scored by {self.endpoint}, last run {self.scored.text()}")
        if not self.served:
            lines.append("endpoint  never served")
        if self.entities is not None:
            lines += [
                "SageMaker's lineage:",
                *(f"  {one['kind']} {one['type']}: {one['name']}" for one in self.entities),
            ]
        else:
            lines.append("SageMaker's lineage has nothing of it")
        return lines


def line(contract: ModelContract, version: Version, history: Sequence[Release], run: Execution | None) -> Line:
    """Return the line of a version without what only SageMaker's lineage knows. Pure.

    Args:
        contract: Of the model.
        version: The version.
        history: Records of releases, the oldest first.
        run: The pipeline's run that made it, None if there was none or it is gone.
    """
    told = version.metadata
    uri, found = split_source(told["source"]) if told.get("source") else (None, None)
    # A value of the registry takes no question mark, so the object's version has a key of its own.
    object_version = told.get("version") or found
    stack = served(history)
    by = starter(run, contract.watched_prefix) if run else None
    return Line(
        version=version,
        data=RunData(uri, object_version, told.get("data")),
        execution=told.get("execution"),
        started_by=f"{by.kind}: {by.text}" if by else "",
        served=tuple(one for one in history if one.model_version == version.number),
        serves=bool(stack) and stack[-1] == version.number,
        endpoint=contract.batch.pipeline if contract.batch else contract.endpoint,
    )


def read_run(target: Target, version: Version) -> Execution | None:
    """Return the run that made a version; None if a person did, it ran elsewhere, or its pipeline is gone."""
    from botocore.exceptions import ClientError

    from terrace.executions import read

    arn = version.metadata.get("execution")
    if not arn or version.metadata.get(BROUGHT_FROM):
        return None
    try:
        return read(target, arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFound", "ValidationException"):
            return None
        raise


def read_scored(target: Target, contract: ModelContract, found: Line) -> LastRun | None:
    """Return the latest run that scored with a version, None where none did or the model is not in mode batch."""
    models = {one.sagemaker_model for one in found.served if one.sagemaker_model}
    return last_run(target, contract, models) if contract.batch and models else None


def read_entities(target: Target, version: Version) -> tuple[dict[str, str], ...] | None:
    """Return what SageMaker's lineage has up and down the line of a version, the nearest first; None if nothing."""
    from botocore.exceptions import ClientError

    sagemaker = target.client("sagemaker")
    try:
        known = sagemaker.list_artifacts(SourceUri=version.arn)["ArtifactSummaries"]
        if not known:
            return None
        start = [known[0]["ArtifactArn"]]
        found: list[Any] = []
        for direction in ("Ascendants", "Descendants"):
            answer = sagemaker.query_lineage(StartArns=start, Direction=direction, IncludeEdges=False, MaxDepth=_DEPTH)
            found += answer["Vertices"]
        return tuple(_entity(sagemaker, one) for one in found[:_MOST])
    except ClientError as error:
        # Whoever may see versions need not be allowed to see lineage, and not every region has it.
        if error.response["Error"]["Code"] in (
            "AccessDeniedException",
            "UnknownOperationException",
            "ResourceNotFound",
        ):
            return None
        raise


def _entity(sagemaker: Any, vertex: Any) -> dict[str, str]:
    kind, arn = vertex["LineageType"], vertex["Arn"]
    said: Any = {}
    if kind == "Artifact":
        said = sagemaker.describe_artifact(ArtifactArn=arn)
    elif kind in ("Context", "Action"):
        key = f"{kind}Name"
        said = getattr(sagemaker, f"describe_{kind.lower()}")(**{key: arn.rpartition("/")[2]})
    name = (said.get("Source") or {}).get("SourceUri") or arn.rpartition("/")[2]
    return {"kind": kind, "type": str(vertex.get("Type", "")), "name": str(name), "arn": arn}
