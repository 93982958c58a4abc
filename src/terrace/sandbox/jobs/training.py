"""A training job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from terrace.sandbox.containers.logs import Sink
from terrace.sandbox.jobs.contained import TRAINING_SECONDS, ContainerJob, failure
from terrace.sandbox.jobs.job import ENDED, JobFailedError, JobGoneError, Kind, now
from terrace.sandbox.jobs.metrics import Metrics
from terrace.sandbox.jobs.opt_ml import here, lay_out_training, training_variables
from terrace.sandbox.jobs.outputs import Mirror, Uploader
from terrace.sandbox.jobs.run import Ending
from terrace.sandbox.jobs.staging import Source, download

CHECKPOINTS, TENSORBOARD = "/opt/ml/checkpoints", "/opt/ml/output/tensorboard"
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}
_SHOWN = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "DebugHookConfig",
    "ExperimentConfig",
    "TensorBoardOutputConfig",
    "ProfilerConfig",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
    "MlflowConfig",
)


class TrainingJob(ContainerJob):
    """A training job; its thread takes it through its secondary statuses."""

    kind = Kind("Training", "training-job", "training_jobs", "training job", "SageMaker Training Job State Change")
    log_group = "/aws/sagemaker/TrainingJobs"

    def __init__(self, home: Any, request: Any, tuning_arn: str | None = None) -> None:
        super().__init__(home, request)
        self.tuning_arn = tuning_arn
        self.metrics = Metrics(
            (home.account, home.region),
            self.name,
            self.request["AlgorithmSpecification"].get("MetricDefinitions") or (),
        )
        self.secondary = "Starting"
        self.transitions: list[dict[str, Any]] = []
        self._note("Starting")
        self._mirrors: list[Mirror] = []
        self._artifact: str | None = None
        self._overtime = False

    def work(self) -> str:
        """Take it from its data to its model."""
        with self.lock:
            self.started = now()
            self.enter("Downloading")
        folder = self.folder()
        try:
            return self._train(folder)
        finally:
            self.home.containers.remove(folder)

    def _train(self, folder: Path) -> str:
        request, opt_ml = self.request, folder / "opt_ml"
        algorithm = request["AlgorithmSpecification"]
        image = self.image(str(algorithm["TrainingImage"]), folder, algorithm.get("ContainerEntrypoint"))
        channels = {str(one["ChannelName"]): one for one in request.get("InputDataConfig") or ()}
        lay_out_training(opt_ml, request, channels)
        for name, channel in channels.items():
            found = channel["DataSource"]["S3DataSource"]
            download(self.s3(), self._source(found), opt_ml / "input" / "data" / name, self.halted)
        uploader = Uploader(self.s3(), request["OutputDataConfig"].get("KmsKeyId"))
        self._watch(uploader, opt_ml)
        if self.stopping.is_set():
            return "Stopped"
        self.enter("Training")
        isolated = bool(request.get("EnableNetworkIsolation"))
        env = {
            **training_variables(request, channels),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
            **(request.get("Environment") or {}),
        }
        if image.toolkit and not isolated:
            self._fetch_code(opt_ml)
        arguments = algorithm.get("ContainerArguments")
        if arguments is None:
            arguments = [] if algorithm.get("ContainerEntrypoint") else ["train"]
        command = self.command(image, arguments, env, isolated=isolated)
        seconds = int((request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or TRAINING_SECONDS)
        volume = request["ResourceConfig"].get("VolumeSizeInGB")
        outcome = self.run(folder, command, self._sink(), seconds, volume, self.look)
        if outcome.ending is Ending.EXIT and outcome.code != 0:
            self.look()
            self._upload_rest(uploader, folder)
            raise failure(opt_ml, outcome.code)
        self._overtime = outcome.ending is Ending.OVERTIME
        self.enter("Uploading")
        self.look()
        self._upload(uploader, folder)
        return "Completed" if outcome.ending is Ending.EXIT else "Stopped"

    def look(self) -> None:
        """Put new checkpoints into S3."""
        for mirror in self._mirrors:
            mirror.sync()

    def enter(self, secondary: str) -> None:
        """Go on to a secondary status."""
        with self.lock:
            if self.gone.is_set():
                raise JobGoneError("The sandbox is gone.")
            self.modified = now()
            self._note(secondary)
            self.publish()

    def change(self, status: str, reason: str | None = None) -> None:
        """Note that its status has changed, and its secondary status with it."""
        with self.lock:
            if not self.gone.is_set():
                self._note("MaxRuntimeExceeded" if status == "Stopped" and self._overtime else status, reason)
            super().change(status, reason)

    def describe(self) -> dict[str, Any]:
        """Return it as DescribeTrainingJob does."""
        with self.lock:
            said = self.identity() | {name: self.request[name] for name in _SHOWN if self.request.get(name) is not None}
            said["SecondaryStatus"] = self.secondary
            said["SecondaryStatusTransitions"] = [dict(one) for one in self.transitions]
            # AWS has an empty description until there is one, and names the place when the job has ended.
            said["ModelArtifacts"] = {"S3ModelArtifacts": self._artifact or ""}
            said.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": TRAINING_SECONDS})
            said["FinalMetricDataList"] = self.metrics.final()
            said["TuningJobArn"] = self.tuning_arn
            said["TrainingTimeInSeconds"] = said["BillableTimeInSeconds"] = self.seconds()
            said["ProfilingStatus"] = "Disabled"
            for switch in ("NetworkIsolation", "InterContainerTrafficEncryption", "ManagedSpotTraining"):
                said.setdefault(f"Enable{switch}", False)
        return {name: value for name, value in said.items() if value not in (None, [])}

    def _note(self, secondary: str, reason: str | None = None) -> None:
        when = now()
        if self.transitions:
            self.transitions[-1]["EndTime"] = when
        self.secondary = secondary
        message = reason if secondary == "Failed" and reason else _MESSAGES[secondary]
        entry = {"Status": secondary, "StartTime": when, "StatusMessage": message}
        if secondary in (*ENDED, "MaxRuntimeExceeded"):
            entry["EndTime"] = when
        self.transitions.append(entry)

    def _sink(self) -> Sink:
        write = self.sink()

        def both(lines: Any) -> None:
            write(lines)
            self.metrics.read(lines)

        return both

    def _source(self, found: Any) -> Source:
        return Source(str(found["S3Uri"]), found["S3DataType"], str(self.request["RoleArn"]), self.home.region)

    def _watch(self, uploader: Uploader, opt_ml: Path) -> None:
        """Bring earlier checkpoints, and keep what goes to S3 while the job runs."""
        checkpoints = self.request.get("CheckpointConfig")
        if checkpoints:
            folder = here(opt_ml, checkpoints.get("LocalPath") or CHECKPOINTS)
            try:
                download(self.s3(), self._source({**checkpoints, "S3DataType": "S3Prefix"}), folder, self.halted)
            except JobFailedError as none:
                if "No S3 objects found" not in none.message:
                    raise
            self._mirrors.append(Mirror(uploader, folder, checkpoints["S3Uri"]))
        board = self.request.get("TensorBoardOutputConfig")
        if board:
            folder = here(opt_ml, board.get("LocalPath") or TENSORBOARD)
            folder.mkdir(parents=True, exist_ok=True)
            place = f"{board['S3OutputPath'].rstrip('/')}/{self.name}/tensorboard-output"
            self._mirrors.append(Mirror(uploader, folder, place))

    def _fetch_code(self, opt_ml: Path) -> None:
        """Fetch the script's archive, as the toolkit does from inside; its environment here need not have boto3."""
        said = (self.request.get("HyperParameters") or {}).get("sagemaker_submit_directory", "").strip('"')
        if said.startswith("s3://"):
            source = Source(said, "S3Prefix", str(self.request["RoleArn"]), self.home.region)
            download(self.s3(), source, opt_ml / "code" / "fetched", self.halted)
            for one in sorted((opt_ml / "code" / "fetched").rglob("*.tar.gz"))[:1]:
                one.rename(opt_ml / "code" / "sourcedir.tar.gz")

    @property
    def _output(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def _upload(self, uploader: Uploader, folder: Path) -> None:
        model, draft = folder / "opt_ml" / "model", folder / "model.tar.gz"
        if self.request["OutputDataConfig"].get("CompressionType") == "NONE":
            uploader.folder(model, f"{self._output}/model")
            place = f"{self._output}/model/"
        else:
            place = f"{self._output}/model.tar.gz"
            uploader.archive(model, place, draft)
        self._upload_rest(uploader, folder)
        with self.lock:
            self._artifact = place

    def _upload_rest(self, uploader: Uploader, folder: Path) -> None:
        data = folder / "opt_ml" / "output" / "data"
        if not data.is_dir() or not any(data.iterdir()):
            return
        if self.request["OutputDataConfig"].get("CompressionType") == "NONE":
            uploader.folder(data, f"{self._output}/data")
        else:
            uploader.archive(data, f"{self._output}/output.tar.gz", folder / "output.tar.gz")
