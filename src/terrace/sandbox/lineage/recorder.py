"""Records by itself what AWS records by itself: of jobs, model packages and endpoints.

Which entities there are is AWS's list, "Amazon SageMaker AI-Created Tracking Entities" in its developer guide. What
they say is read from the resources' own descriptions, as any client gets them.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from terrace.sandbox.bus import Happening
from terrace.sandbox.client import session
from terrace.sandbox.lineage import jobs, models
from terrace.sandbox.lineage.components import tag
from terrace.sandbox.lineage.graph import Graph
from terrace.sandbox.lineage.journal import Journal
from terrace.sandbox.room import Server

EXECUTION_TAG, STEP_TAG = "sagemaker:pipeline-execution-arn", "sagemaker:pipeline-step-name"
"""Tags of what a pipeline made, by which the SageMaker SDK finds the execution of a job."""
_JOBS = {"TrainingJobName": "training", "ProcessingJobName": "processing", "TransformJobName": "transform"}
_STEPS = {"trainingJob": "training", "processingJob": "processing", "transformJob": "transform"}


class Recorder:
    """Listens to what happens in SageMaker.

    Args:
        server: Where descriptions are asked for.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.missed: collections.deque[str] = collections.deque(maxlen=20)
        """What could not be recorded, in words; the latest twenty."""

    def hear(self, happening: Happening) -> None:
        """Record what a happening is about. One that lineage knows nothing of is passed over."""
        if happening.source != "aws.sagemaker":
            return
        try:
            self._record(happening)
        except ClientError as error:
            # Described by nobody any more: it was deleted in between, or the sandbox was emptied.
            self.missed.append(f"{happening.detail_type}: {error}")

    def _record(self, happening: Happening) -> None:
        kind, detail = happening.detail_type.lower(), happening.detail
        journal = self._journal(happening)
        if "step status change" in kind:
            self._step(journal, detail)
        elif "model package state change" in kind:
            models.package(journal, str(detail.get("ModelPackageArn") or detail["ModelPackageName"]))
        elif "endpoint state change" in kind:
            models.endpoint(journal, detail["EndpointName"])
        else:
            for key, of in _JOBS.items():
                if key in detail and "tuning" not in kind:
                    jobs.record(journal, of, detail[key])

    def _step(self, journal: Journal, detail: Mapping[str, Any]) -> None:
        """Record what a pipeline's step made, and which execution made it."""
        execution = detail.get("pipelineExecutionArn", "")
        tags = {EXECUTION_TAG: execution, STEP_TAG: detail.get("stepName", "")}
        for name, made in (detail.get("metadata") or {}).items():
            arn = str(made.get("arn", "")) if isinstance(made, Mapping) else ""
            if name in _STEPS and arn:
                component = jobs.record(journal, _STEPS[name], arn.rpartition("/")[2])
                tag(component, tags)
                component.metadata_properties = {"GeneratedBy": execution}
            elif name == "registerModel" and arn:
                package = models.package(journal, arn)
                package.tags |= tags
                package.record["MetadataProperties"] = {"GeneratedBy": execution}

    def _journal(self, happening: Happening) -> Journal:
        from moto.sagemaker.models import sagemaker_backends

        graph = Graph(sagemaker_backends[happening.account][happening.region])
        client = session(self._server.url, happening.account, happening.region).client("sagemaker")
        return Journal(graph, client)
