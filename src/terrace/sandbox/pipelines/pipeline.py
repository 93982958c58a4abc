"""Pipelines as AWS keeps them, with a version for each definition they had. They hang on moto's backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from terrace.sandbox.pipelines.definition import Definition
from terrace.sandbox.pipelines.execution import Execution, now
from terrace.sandbox.services.extend import state


@dataclass
class Version:
    """One definition that a pipeline had.

    Attributes:
        number: Counted from 1.
        definition: What runs.
        aliases: Other names of the version; an alias belongs to one version at a time.
        last: ARN of the last execution of it.
    """

    number: int
    definition: Definition
    created: datetime = field(default_factory=now)
    display: str | None = None
    description: str | None = None
    aliases: list[str] = field(default_factory=list)
    last: str | None = None

    def describe(self, arn: str) -> dict[str, Any]:
        """Return it as ListPipelineVersions shows it."""
        said = {
            "PipelineArn": arn,
            "PipelineVersionId": self.number,
            "CreationTime": self.created,
            "PipelineVersionDescription": self.description,
            "PipelineVersionDisplayName": self.display,
            "LastExecutionPipelineExecutionArn": self.last,
            "PipelineVersionAliases": self.aliases or None,
        }
        return {key: value for key, value in said.items() if value is not None}


@dataclass
class Pipeline:
    """A pipeline. `tags` is where moto's operations on tags look for them."""

    name: str
    arn: str
    role: str
    user: Mapping[str, Any]
    display: str
    description: str | None = None
    parallelism: Mapping[str, int] | None = None
    tags: list[dict[str, str]] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    last_run: datetime | None = None

    @property
    def latest(self) -> Version:
        """The version that runs unless another is asked for."""
        return self.versions[-1]

    def version(self, number: int | None, alias: str | None) -> Version | None:
        """Return a version by number or alias, the latest by neither; None if there is none."""
        if number is None and alias is None:
            return self.latest
        return next((one for one in self.versions if one.number == number or alias in one.aliases), None)

    def add(self, definition: Definition, aliases: list[str]) -> Version:
        """Add a version, which takes its aliases from those that had them."""
        made = Version(len(self.versions) + 1, definition)
        self.versions.append(made)
        self.name_version(made, aliases)
        return made

    def name_version(self, version: Version, aliases: list[str]) -> None:
        """Give a version aliases."""
        for one in self.versions:
            one.aliases = [alias for alias in one.aliases if alias not in aliases]
        version.aliases += aliases

    def describe(self, version: Version) -> dict[str, Any]:
        """Return it as DescribePipeline shows it."""
        said = {
            "PipelineArn": self.arn,
            "PipelineName": self.name,
            "PipelineDisplayName": self.display,
            "PipelineDefinition": version.definition.text,
            "PipelineDescription": self.description,
            "RoleArn": self.role,
            "PipelineStatus": "Active",
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "LastRunTime": self.last_run,
            "CreatedBy": self.user,
            "LastModifiedBy": self.user,
            "ParallelismConfiguration": self.parallelism,
            "PipelineVersionDisplayName": version.display,
            "PipelineVersionDescription": version.description,
            "PipelineVersionAliases": version.aliases or None,
        }
        return {key: value for key, value in said.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """Return it as ListPipelines shows it."""
        said = {
            "PipelineArn": self.arn,
            "PipelineName": self.name,
            "PipelineDisplayName": self.display,
            "PipelineDescription": self.description,
            "RoleArn": self.role,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "LastExecutionTime": self.last_run,
        }
        return {key: value for key, value in said.items() if value is not None}


def pipelines(backend: Any) -> dict[str, Pipeline]:
    """Return the pipelines of an account and region, by name; moto's own dictionary of them."""
    held: dict[str, Pipeline] = backend.pipelines
    return held


def executions(backend: Any) -> dict[str, Execution]:
    """Return the executions of an account and region, by ARN."""
    return state(backend, "pipeline executions")


def answered(backend: Any) -> dict[str, Any]:
    """Return what was answered to each client request token."""
    return state(backend, "pipeline request tokens")
