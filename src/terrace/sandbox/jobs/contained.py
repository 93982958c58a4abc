"""What training and processing jobs share: an image, a container, its data and its end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from terrace.sandbox.containers import Command, Container, capabilities, cloudwatch, role_environment
from terrace.sandbox.containers.init import CANNOT_START, NOT_FOUND
from terrace.sandbox.containers.logs import Sink
from terrace.sandbox.images import Image, ImageError
from terrace.sandbox.jobs.home import disk_bytes
from terrace.sandbox.jobs.job import Job, JobFailedError, JobGoneError
from terrace.sandbox.jobs.opt_ml import HOST, ROOT
from terrace.sandbox.jobs.run import Ending, Outcome, supervise

TRAINING_SECONDS = 86_400
"""How long a job may take that does not say."""


class ContainerJob(Job):
    """A job that is one container."""

    log_group = ""
    _folder: Path | None = None

    def kill(self) -> None:
        """End its container and delete what it had."""
        if self._folder is not None:
            self.home.containers.remove(self._folder)

    def folder(self) -> Path:
        """Return a new folder for its container.

        Raises:
            JobGoneError: The sandbox was emptied or ends.
        """
        with self.lock:
            if self.gone.is_set():
                raise JobGoneError("The sandbox is gone.")
            self._folder = self.home.containers.folder()
            return self._folder

    def s3(self) -> Any:
        """Return an S3 client of the job's account."""
        return self.home.clients().client("s3")

    def image(self, uri: str, folder: Path, entrypoint: Sequence[str] | None) -> Image:
        """Return an image with files of its own.

        Raises:
            JobFailedError: There is none such, or it cannot be run here.
        """
        try:
            image = self.home.images.resolve(uri)
        except ImageError as error:
            raise JobFailedError(
                f"ClientError: Failed to pull the image. {error.message} Please ensure that the image exists and that "
                f'the role "{self.request.get("RoleArn")}" has permissions to pull it. ({error.hint})'
            ) from error
        image = image.private(folder / "image")
        return image if entrypoint is None else dataclasses.replace(image, entrypoint=tuple(entrypoint))

    def command(self, image: Image, arguments: Sequence[str], env: dict[str, str], *, isolated: bool) -> Command:
        """Return what its container runs: sealed, and as its role unless it is isolated."""
        home, role = self.home, str(self.request["RoleArn"])
        env = {"AWS_REGION": home.region, "AWS_DEFAULT_REGION": home.region, **env}
        if not isolated:
            env = {**role_environment(home.server.url, home.account, role, home.region, "SageMaker"), **env}
        if not capabilities().namespaces:
            # It has no /opt/ml of its own: what names one is led to its folder.
            here = str(self._folder / "opt_ml") if self._folder else ""
            env = {name: value.replace(ROOT, here) if name.startswith("SM_") else value for name, value in env.items()}
            arguments = [word.replace(ROOT, here) for word in arguments]
            words = tuple(word.replace(ROOT, here) for word in image.entrypoint)
            image = dataclasses.replace(image, entrypoint=words)
        return image.command(arguments, env, isolated=isolated, sealed=True)

    def sink(self) -> Sink:
        """Return what writes to the job's log stream."""
        stream = f"{self.name}/{HOST}-{int(time.time())}"
        return cloudwatch(self.home.account, self.home.region, self.log_group, stream)

    def run(
        self,
        folder: Path,
        command: Command,
        sink: Sink,
        seconds: float,
        volume_gb: int | None,
        look: Callable[[], None],
    ) -> Outcome:
        """Run a container to its end.

        Raises:
            JobFailedError: It filled its volume.
            JobGoneError: The sandbox was emptied or ends.
        """
        container: Container = self.home.containers.make(folder, command, sink)
        outcome = supervise(self, container, seconds, disk_bytes(volume_gb), look)
        if outcome.ending is Ending.FULL:
            raise JobFailedError(
                f"ClientError: Please use a larger volume: the {self.kind.words} used more than its "
                f"{disk_bytes(volume_gb) // 2**20} MB of disk and was ended. No space left on device."
            )
        return outcome

    def look(self) -> None:
        """Do what is done every second while the container runs."""

    def halted(self) -> bool:
        """Tell whether to stop in the middle."""
        return self.stopping.is_set()


def failure(opt_ml: Path, code: int) -> JobFailedError:
    """Return how a job fails whose command did: what it has written to /opt/ml/output/failure, and its exit code.

    Where the command could not even be started, what the container said of it takes the place of the former.
    """
    try:
        with (opt_ml / "output" / "failure").open(errors="replace") as file:
            said = file.read(900).strip()
    except OSError:
        said = ""
    if not said and code in (CANNOT_START, NOT_FOUND):
        said = (opt_ml.parent / "container.log").read_text(errors="replace").strip()[-900:]
    return JobFailedError(f"AlgorithmError: {said}, exit code: {code}")
