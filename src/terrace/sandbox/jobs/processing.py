"""A processing job."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from terrace.sandbox.jobs.contained import TRAINING_SECONDS, ContainerJob, failure
from terrace.sandbox.jobs.job import JobFailedError, Kind, now
from terrace.sandbox.jobs.opt_ml import here, lay_out_processing
from terrace.sandbox.jobs.outputs import Mirror, Uploader
from terrace.sandbox.jobs.run import Ending
from terrace.sandbox.jobs.staging import Source, download

_SHOWN = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)


class ProcessingJob(ContainerJob):
    """A processing job."""

    kind = Kind(
        "Processing", "processing-job", "processing_jobs", "processing job", "SageMaker Processing Job State Change"
    )
    log_group = "/aws/sagemaker/ProcessingJobs"

    def __init__(self, home: Any, request: Any) -> None:
        super().__init__(home, request)
        self._message: str | None = None
        self._mirrors: list[Mirror] = []

    def work(self) -> str:
        """Take it from its inputs to its outputs."""
        folder = self.folder()
        try:
            return self._process(folder)
        finally:
            self.home.containers.remove(folder)

    def _process(self, folder: Path) -> str:
        request, opt_ml = self.request, folder / "opt_ml"
        application = request["AppSpecification"]
        image = self.image(str(application["ImageUri"]), folder, application.get("ContainerEntrypoint"))
        lay_out_processing(opt_ml, request, self.name, self.arn)
        role = str(request["RoleArn"])
        for one in request.get("ProcessingInputs") or ():
            found = one.get("S3Input")
            if found and not one.get("AppManaged"):
                source = Source(str(found["S3Uri"]), found["S3DataType"], role, self.home.region)
                download(self.s3(), source, here(opt_ml, found["LocalPath"]), self.halted)
        uploader = Uploader(self.s3(), (request.get("ProcessingOutputConfig") or {}).get("KmsKeyId"))
        for output in self._outputs():
            place = here(opt_ml, output["LocalPath"])
            place.mkdir(parents=True, exist_ok=True)
            if output.get("S3UploadMode") == "Continuous":
                self._mirrors.append(Mirror(uploader, place, output["S3Uri"]))
        if self.stopping.is_set():
            return "Stopped"
        with self.lock:
            self.started = self.modified = now()
        isolated = bool((request.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))
        env = {
            "PROCESSING_JOB_NAME": self.name,
            "PROCESSING_JOB_ARN": self.arn,
            **(request.get("Environment") or {}),
        }
        command = self.command(image, application.get("ContainerArguments") or [], env, isolated=isolated)
        seconds = int((request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or TRAINING_SECONDS)
        volume = request["ProcessingResources"]["ClusterConfig"].get("VolumeSizeInGB")
        outcome = self.run(folder, command, self.sink(), seconds, volume, self.look)
        self._read_message(opt_ml)
        self.look()
        if outcome.ending is Ending.OVERTIME:
            raise JobFailedError(
                f"ClientError: The processing job exceeded its MaxRuntimeInSeconds of {seconds} and was ended."
            )
        if outcome.ending is Ending.STOPPED:
            return "Stopped"
        if outcome.code != 0:
            raise failure(opt_ml, outcome.code)
        for output in self._outputs():
            if output.get("S3UploadMode") != "Continuous":
                uploader.folder(here(opt_ml, output["LocalPath"]), output["S3Uri"])
        return "Completed"

    def look(self) -> None:
        """Put what is new in continuous outputs into S3."""
        for mirror in self._mirrors:
            mirror.sync()

    def describe(self) -> dict[str, Any]:
        """Return it as DescribeProcessingJob does."""
        with self.lock:
            said = self.identity() | {name: self.request[name] for name in _SHOWN if self.request.get(name) is not None}
            said.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": TRAINING_SECONDS})
            if self._message:
                said["ExitMessage"] = self._message
        return said

    def _outputs(self) -> Iterable[dict[str, Any]]:
        outputs = (self.request.get("ProcessingOutputConfig") or {}).get("Outputs") or ()
        return [one["S3Output"] for one in outputs if one.get("S3Output") and not one.get("AppManaged")]

    def _read_message(self, opt_ml: Path) -> None:
        """Keep what the job has left in /opt/ml/output/message; AWS shows the first kilobyte."""
        try:
            with (opt_ml / "output" / "message").open(errors="replace") as file:
                self._message = file.read(1024)
        except OSError:
            self._message = None
