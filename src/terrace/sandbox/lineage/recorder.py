"""Records by itself what AWS records by itself: of jobs, model packages and endpoints.

Which entities there are is AWS's list, "Amazon SageMaker AI-Created Tracking Entities" in its developer guide. What
they say is read from the resources' own descriptions, as any client gets them.
"""

from __future__ import annotations

import collections
import functools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from terrace.sandbox.bus import Happening
from terrace.sandbox.client import session
from terrace.sandbox.lineage import jobs, models
from terrace.sandbox.lineage.components import component_name, join_trial, tag
from terrace.sandbox.lineage.graph import Graph
from terrace.sandbox.lineage.journal import Journal
from terrace.sandbox.room import Server

EXECUTION_TAG, STEP_TAG = "sagemaker:pipeline-execution-arn", "sagemaker:pipeline-step-name"
"""Tags of what a pipeline made, by which the SageMaker SDK finds the execution of a job."""
_JOBS = {"TrainingJobName": "training", "ProcessingJobName": "processing", "TransformJobName": "transform"}
_UNDER_WAY = ("Pending", "InProgress", "Stopping")
_LOG = logging.getLogger(__name__)
_STEPS = {"trainingJob": "training", "processingJob": "processing", "transformJob": "transform"}


Work = Callable[[Journal], object]
Key = tuple[str, str, str, str]
"""Account, region, kind and name of what is to be recorded."""


class Recorder:
    """Listens to what happens in SageMaker, and records it in a thread of its own: rules don't wait for lineage.

    What changes again before it was recorded is recorded once, as it is then.

    Args:
        server: Where descriptions are asked for.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: dict[Key, Work] = {}
        self._begun: set[Key] = set()
        self._clients: dict[tuple[str, str], Any] = {}
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self.missed: collections.deque[str] = collections.deque(maxlen=20)
        """What could not be recorded, in words; the latest twenty."""

    def hear(self, happening: Happening) -> None:
        """Note what a happening is about. One that lineage knows nothing of is passed over."""
        if happening.source != "aws.sagemaker":
            return
        kind, detail = happening.detail_type.lower(), happening.detail
        place = (happening.account, happening.region)
        if "step status change" in kind:
            self._step(place, detail)
        elif "model package state change" in kind:
            arn = str(detail.get("ModelPackageArn") or detail["ModelPackageName"])
            self._note((*place, "package", arn), lambda journal: models.package(journal, arn))
        elif "endpoint state change" in kind:
            name = str(detail["EndpointName"])
            self._note((*place, "endpoint", name), lambda journal: models.endpoint(journal, name))
        else:
            for key, of in _JOBS.items():
                if key in detail and "tuning" not in kind:
                    self._job(place, of, str(detail[key]), detail.get(key.replace("Name", "Status")))

    def reset(self) -> None:
        """Forget what waits and what was begun."""
        with self._wake:
            self._waiting.clear()
            self._begun.clear()
            self.missed.clear()

    def _job(self, place: tuple[str, str], kind: str, name: str, status: Any) -> None:
        """Note a job when it begins and when it ends; what lies between changes nothing of its lineage."""
        key = (*place, kind, name)
        if status in _UNDER_WAY and key in self._begun:
            return
        self._begun.add(key)
        self._note(key, lambda journal: jobs.record(journal, kind, name))

    def _step(self, place: tuple[str, str], detail: Mapping[str, Any]) -> None:
        """Note which execution made what a step made."""
        execution = str(detail.get("pipelineExecutionArn", ""))
        tags = {EXECUTION_TAG: execution, STEP_TAG: str(detail.get("stepName", ""))}
        for name, made in (detail.get("metadata") or {}).items():
            arn = str(made.get("arn", "")) if isinstance(made, Mapping) else ""
            if name in _STEPS and arn:
                work = functools.partial(_tag_job, _STEPS[name], arn, tags)
            elif name == "registerModel" and arn:
                work = functools.partial(_tag_package, arn, tags)
            else:
                continue
            key = (*place, "step", f"{execution} {arn}")
            if key not in self._begun:
                self._begun.add(key)
                self._note(key, work)

    def _note(self, key: Key, work: Work) -> None:
        with self._wake:
            self._waiting[key] = work
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="lineage", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _write(self) -> None:
        while True:
            with self._wake:
                while not self._waiting:
                    self._wake.wait()
                key = next(iter(self._waiting))
                work = self._waiting.pop(key)
            try:
                work(self._journal(key[0], key[1]))
            except ClientError as error:
                # Described by nobody any more: it was deleted in between, or the sandbox was emptied.
                self.missed.append(f"{key[2]} {key[3]}: {error}")
            except Exception:
                # One mistake must not keep all that follows from being recorded; the server's log shows it.
                _LOG.exception("The lineage of %s %s was not recorded", key[2], key[3])

    def _journal(self, account: str, region: str) -> Journal:
        from moto.sagemaker.models import sagemaker_backends

        if (account, region) not in self._clients:
            self._clients[account, region] = session(self._server.url, account, region).client("sagemaker")
        return Journal(Graph(sagemaker_backends[account][region]), self._clients[account, region])


def _tag_job(kind: str, arn: str, tags: Mapping[str, str], journal: Journal) -> None:
    name, client = arn.rpartition("/")[2], journal.client
    component = journal.graph.backend.trial_components.get(component_name(kind, name))
    component = component or jobs.record(journal, kind, name)
    tag(component, tags)
    held = {one["Key"] for one in client.list_tags(ResourceArn=arn).get("Tags", ())}
    missing = [{"Key": key, "Value": value} for key, value in tags.items() if key not in held]
    if missing:
        client.add_tags(ResourceArn=arn, Tags=missing)
    component.metadata_properties = {"GeneratedBy": tags[EXECUTION_TAG]}
    if component.trial_name is None:
        execution = client.describe_pipeline_execution(PipelineExecutionArn=tags[EXECUTION_TAG])
        join_trial(journal.graph, component, execution.get("PipelineExperimentConfig", {}))


def _tag_package(arn: str, tags: Mapping[str, str], journal: Journal) -> None:
    package = models.package(journal, arn)
    package.tags |= tags
    package.record["MetadataProperties"] = {"GeneratedBy": tags[EXECUTION_TAG]}
    for end in [one.destination for one in journal.graph.associations.values() if one.source == package.arn]:
        group = journal.graph.entities[end]
        # The SDK's ModelPackageGroup.pipeline_execution_arn() reads it there: the latest execution that registered.
        group.record["Properties"] = {**group.record.get("Properties", {}), "PipelineExecutionArn": tags[EXECUTION_TAG]}
        group.touch()
