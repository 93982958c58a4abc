"""A batch transform job: the model's own container answers every record of a data set."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.containers import cloudwatch, role_environment
from terrace.sandbox.endpoints.artifact import ModelDataError, place_model
from terrace.sandbox.endpoints.model_server import (
    STARTUP_SECONDS,
    Answer,
    ModelServer,
    NotHealthyError,
    NotServingError,
    TimedOutError,
)
from terrace.sandbox.fetch import fetch
from terrace.sandbox.jobs.contained import ContainerJob
from terrace.sandbox.jobs.home import Home, disk_bytes
from terrace.sandbox.jobs.job import JobFailedError, JobGoneError, Kind, now
from terrace.sandbox.jobs.limits import refuse
from terrace.sandbox.jobs.opt_ml import HOST
from terrace.sandbox.jobs.outputs import Uploader, used
from terrace.sandbox.jobs.records import TYPES, JsonPath, Processing
from terrace.sandbox.jobs.staging import Source, objects

_SECONDS, _RETRIES, _PAYLOAD_MB = 600, 3, 6
"""How long a request may take, how often it is repeated, how large it is: AWS's defaults."""
_TOGETHER_MB = 100
_SHOWN = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
    "ExperimentConfig",
)


class TransformJob(ContainerJob):
    """A batch transform job."""

    kind = Kind("Transform", "transform-job", "transform_jobs", "transform job", "SageMaker Transform Job State Change")
    log_group = "/aws/sagemaker/TransformJobs"

    def __init__(self, home: Home, request: Mapping[str, Any]) -> None:
        super().__init__(home, request)
        model = home.backend()._models.get(request["ModelName"])
        if model is None:
            raise refuse(f'Could not find model "{home.arn("model", str(request["ModelName"]))}".')
        containers = [one for one in (model.primary_container, *(model.containers or ())) if one]
        if len(containers) != 1 or not containers[0].get("Image"):
            raise refuse("The sandbox transforms with models of one container, which names its image.")
        self._definition: dict[str, Any] = copy.deepcopy(dict(containers[0]))
        self._isolated = bool(model.enable_network_isolation)
        self.request["RoleArn"] = model.execution_role_arn
        self._processing = processing(request)
        self._server: ModelServer | None = None

    def kill(self) -> None:
        """End the model's server."""
        if self._server is not None:
            self._server.stop()
        super().kill()

    def work(self) -> str:
        """Start the model's server, and have it answer every object."""
        with self.lock:
            self.started = now()
        folder = self.folder()
        try:
            self._serve(folder)
            self._transform(folder)
        finally:
            if self._server is not None:
                self._server.stop()
            self.home.containers.remove(folder)
        return "Completed"

    def describe(self) -> dict[str, Any]:
        """Return it as DescribeTransformJob does."""
        with self.lock:
            return self.identity() | {name: self.request[name] for name in _SHOWN if self.request.get(name) is not None}

    def _serve(self, folder: Path) -> None:
        image = self.image(str(self._definition["Image"]), folder, None)
        try:
            place_model(self.s3(), self._definition, folder / "opt_ml" / "model")
        except ModelDataError as error:
            raise JobFailedError(f"ClientError: {error.message}") from error
        sink, home = self.sink(), self.home

        def make() -> Any:
            env = {
                "AWS_REGION": home.region,
                "AWS_DEFAULT_REGION": home.region,
                "SAGEMAKER_BATCH": "true",
                "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(self.request.get("MaxPayloadInMB") or _PAYLOAD_MB),
                "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD" if self._processing.single else "MULTI_RECORD",
                "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(self.request.get("MaxConcurrentTransforms") or 1),
                **(self._definition.get("Environment") or {}),
                **(self.request.get("Environment") or {}),
            }
            if not self._isolated:
                role = str(self.request["RoleArn"])
                env = {**role_environment(home.server.url, home.account, role, home.region, "SageMaker"), **env}
            aws = (int(home.server.url.rpartition(":")[2]),)
            command = image.command(["serve"], env, isolated=self._isolated, serves=True, reach=aws, sealed=True)
            return home.containers.make(folder, command, sink)

        with self.lock:
            if self.gone.is_set():
                raise JobGoneError("The sandbox is gone.")
            self._server = ModelServer(make, STARTUP_SECONDS["instance"])
        try:
            self._server.start()
        except NotHealthyError as error:
            if self.gone.is_set():
                raise JobGoneError("The sandbox is gone.") from error
            raise JobFailedError(
                "AlgorithmError: The model's container did not pass the ping health check. See job logs for more "
                f"information. ({error.message}; it printed: {error.hint})"
            ) from error

    def _transform(self, folder: Path) -> None:
        data = self.request["TransformInput"]
        found = data["DataSource"]["S3DataSource"]
        source = Source(str(found["S3Uri"]), found["S3DataType"], str(self.request["RoleArn"]), self.home.region)
        output = self.request["TransformOutput"]
        uploader = Uploader(self.s3(), output.get("KmsKeyId"))
        given, made = folder / "object", folder / "object.out"
        workers = int(self.request.get("MaxConcurrentTransforms") or 1)
        with ThreadPoolExecutor(workers) as pool:
            for bucket, key, place, _ in objects(self.s3(), source):
                if self.stopping.is_set():
                    return
                fetch(self.s3(), bucket, key, given)
                self._answer(pool, workers, given, made, packed=data.get("CompressionType") == "Gzip", key=key)
                if self.stopping.is_set():
                    return
                uploader.file(made, f"{output['S3OutputPath'].rstrip('/')}/{place}.out")
                if used(folder) > disk_bytes(None):
                    raise JobFailedError("ClientError: No space left on device: the model's container filled its disk.")

    def _answer(
        self, pool: ThreadPoolExecutor, workers: int, given: Path, made: Path, *, packed: bool, key: str
    ) -> None:
        """Have the records of one object answered, several requests at once and kept in their order."""
        waiting: list[tuple[list[bytes], Future[bytes]]] = []
        with made.open("wb") as file:

            def write() -> None:
                batch, answer = waiting.pop(0)
                file.write(self._processing.kept(batch, answer.result()))

            try:
                for batch in self._processing.batches(given, packed=packed):
                    if self.stopping.is_set():
                        return
                    if len(waiting) >= workers:
                        write()
                    waiting.append((batch, pool.submit(self._ask, self._processing.sent(batch), key)))
                while waiting:
                    write()
            finally:
                for _, answer in waiting:
                    answer.cancel()

    def _ask(self, body: bytes, key: str) -> bytes:
        client = self.request.get("ModelClientConfig") or {}
        seconds = float(client.get("InvocationsTimeoutInSeconds") or _SECONDS)
        retries = int(client.get("InvocationsMaxRetries", _RETRIES))
        headers = {"Content-Type": self._processing.content_type, "Accept": self._processing.accept}
        headers = {name: value for name, value in headers.items() if value}
        assert self._server is not None  # noqa: S101  (it has been started)
        trouble = ""
        for attempt in range(retries + 1):
            if self.stopping.is_set():
                raise JobGoneError("The job was stopped.")
            try:
                answer = self._server.invoke(body, headers, seconds)
            except (NotServingError, TimedOutError, OSError) as error:
                trouble = error.message if isinstance(error, SandboxError) else str(error)
                self.stopping.wait(min(0.5 * 2**attempt, 5.0))
                continue
            if 200 <= answer.status < 300:
                return answer.body
            trouble = self._bad(answer, key)
            if answer.status < 500 and answer.status != 429:
                raise JobFailedError(f"ClientError: See job logs for more information. ({trouble})")
        raise JobFailedError(f"AlgorithmError: See job logs for more information. ({trouble})")

    def _bad(self, answer: Answer, key: str) -> str:
        """Write to the data log what a model has refused, as AWS does; return it in short."""
        said = f"Bad HTTP status received from algorithm: {answer.status}"
        stream = f"{self.name}/{HOST}-{int(self.created.timestamp())}/data-log"
        body = answer.body[:1000].decode(errors="replace")
        sink = cloudwatch(self.home.account, self.home.region, self.log_group, stream)
        sink([f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {key}: {said}", f"Message: {body}"])
        return f"{said} for {key}"


def check_transform(request: Mapping[str, Any]) -> None:
    """Raise a `Refusal` for a transform job that the sandbox does not run as AWS would."""
    data, output = request["TransformInput"], request["TransformOutput"]
    if data["DataSource"]["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise refuse("The sandbox transforms what an S3Prefix or a ManifestFile names.")
    if (data.get("SplitType") or "None") not in ("None", "Line"):
        raise refuse(f"The sandbox does not split by {data['SplitType']}: use Line or None.")
    if request.get("DataCaptureConfig"):
        raise refuse("The sandbox captures no data of transform jobs (DataCaptureConfig).")
    together = int(request.get("MaxConcurrentTransforms") or 1) * int(request.get("MaxPayloadInMB") or _PAYLOAD_MB)
    if together > _TOGETHER_MB:
        raise refuse(f"MaxConcurrentTransforms * MaxPayloadInMB must not exceed {_TOGETHER_MB} MB.")
    try:
        asked = processing(request)
    except ValueError as error:
        raise refuse(f"Invalid filter: {error}.") from None
    if asked.before.all and asked.after.all and not asked.join:
        return
    for kind in (asked.content_type, asked.accept or asked.content_type):
        if kind.partition(";")[0] not in TYPES:
            raise refuse(f"The sandbox filters and joins records of {', '.join(TYPES)}; {kind or 'none'} is not one.")
    if asked.split != asked.assemble:
        raise refuse("DataProcessing needs the same value for SplitType and AssembleWith.")
    if asked.split == "None" and asked.content_type.startswith("text/csv"):
        raise refuse("DataProcessing of text/csv needs SplitType Line: without it there are no records.")
    if request["TransformOutput"].get("Accept") and output["Accept"] != asked.content_type and asked.join:
        raise refuse("The sandbox joins input and output of the same content type only.")


def processing(request: Mapping[str, Any]) -> Processing:
    """Return how a transform job treats its records.

    Raises:
        ValueError: A filter is not understood.
    """
    data, output, asked = request["TransformInput"], request["TransformOutput"], request.get("DataProcessing") or {}
    return Processing(
        split=data.get("SplitType") or "None",
        single=request.get("BatchStrategy") == "SingleRecord",
        payload=int(request.get("MaxPayloadInMB") or _PAYLOAD_MB) * 2**20,
        content_type=data.get("ContentType") or "",
        accept=output.get("Accept") or "",
        before=JsonPath(asked.get("InputFilter") or "$"),
        after=JsonPath(asked.get("OutputFilter") or "$"),
        join=asked.get("JoinSource") == "Input",
        assemble=output.get("AssembleWith") or "None",
    )
