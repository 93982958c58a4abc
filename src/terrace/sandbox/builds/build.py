"""A build: its source fetched, its commands run in a container, its end told."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrace.sandbox.builds import phases
from terrace.sandbox.builds.buildspec import Buildspec, BuildspecError
from terrace.sandbox.builds.context import Context
from terrace.sandbox.builds.record import Record
from terrace.sandbox.builds.source import SourceError, fetch
from terrace.sandbox.client import session
from terrace.sandbox.containers import SYSTEM_PATH, Command, Container, Containers, cloudwatch, role_environment
from terrace.sandbox.room import Server

_PROGRAMS = ("aws", "docker")
_PIP = re.compile(r"PIP_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(HTTP|HTTPS|NO)_PROXY|HOME", re.IGNORECASE)
"""Variables that tell pip, on this machine, where packages come from."""


@dataclass(frozen=True)
class Where:
    """What every build of the server needs."""

    server: Server
    containers: Containers
    slots: threading.Semaphore
    """As many builds run at once as it lets through; the others are queued."""


class Build:
    """One build, run by a thread of its own.

    Args:
        where: The server's.
        record: What is told of it.
    """

    def __init__(self, where: Where, record: Record) -> None:
        self.record = record
        self._where = where
        self._settings = record.settings
        self._stopped = threading.Event()
        self._container: Container | None = None
        self._thread = threading.Thread(target=self._run, name=f"build {record.id}", daemon=True)
        record.enter("SUBMITTED")

    def start(self) -> None:
        """Start it."""
        self.record.enter("QUEUED")
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End it as STOPPED and wait until it has ended; one that has ended stays as it is."""
        if self.record.ended is None:
            self._stopped.set()
            if self._container is not None:
                self._container.stop(0)
            self._thread.join(seconds)

    def _run(self) -> None:
        record = self.record
        folder: Path | None = None
        try:
            while not self._where.slots.acquire(timeout=0.1):
                if self._stopped.is_set():
                    record.fail("STOPPED", "", "Build was stopped")
                    return
            try:
                folder = self._where.containers.folder()
                self._work(folder)
            finally:
                self._where.slots.release()
        except (SourceError, BuildspecError) as error:
            code = "YAML_FILE_ERROR" if isinstance(error, BuildspecError) else "CLIENT_ERROR"
            self._say(f"Phase context status code: {code} Message: {error}")
            record.fail("FAILED", code, str(error))
        except Exception as error:
            # Whatever went wrong in the sandbox itself must end the build, or its starter waits for ever.
            self._say(f"The sandbox failed: {error!r}")
            record.fail("FAULT", "INTERNAL_ERROR", str(error) or repr(error))
            raise
        finally:
            record.finish("FAILED")
            record.events = None
            if folder is not None:
                self._where.containers.remove(folder)

    def _work(self, folder: Path) -> None:
        record, settings = self.record, self._settings
        record.enter("PROVISIONING")
        client = session(self._where.server.url, record.account, record.region).client
        source = folder / "src"
        source.mkdir()
        self._programs(folder)
        record.enter("DOWNLOAD_SOURCE")
        fetch(client("s3"), settings["source"]["type"], settings["source"].get("location", ""), source)
        spec = Buildspec.find(settings["source"].get("buildspec"), source)
        for key in spec.left_out:
            self._say(f"The sandbox does not act on {key} of the buildspec")
        env = self._environment(folder, source, spec, client)
        code = self._phases(folder, source, spec, env)
        if self._stopped.is_set():
            record.fail("STOPPED", "", "Build was stopped")
        elif code is None:
            record.fail("TIMED_OUT", "BUILD_TIMED_OUT", f"Build has timed out after {self._minutes} minutes.")
        else:
            self._upload(spec)
            record.enter("FINALIZING")
            record.exported = _exported(folder / "state" / "variables", spec.exported)
            record.finish("SUCCEEDED" if code == 0 else "FAILED")

    def _phases(self, folder: Path, source: Path, spec: Buildspec, env: Mapping[str, str]) -> int | None:
        record = self.record
        record.events = folder / "events.jsonl"
        script = folder / "phases.json"
        plan = [
            {"name": one.name, "commands": one.commands, "finally": one.final, "on_failure": one.on_failure}
            for one in spec.phases
        ]
        paths = {"folder": str(source), "state": str(folder / "state"), "events": str(record.events)}
        script.write_text(json.dumps({"shell": spec.shell, "phases": plan, **paths}))
        command = Command([sys.executable, "-SE", str(Path(phases.__file__)), str(script)], env, source)
        sink = (
            cloudwatch(record.account, record.region, record.log_group, record.log_stream) if record.log_group else None
        )
        self._container = self._where.containers.make(folder, command, sink)
        if self._stopped.is_set():
            return None
        self._container.start()
        code = self._container.wait(self._minutes * 60)
        self._container.stop(0)
        return code

    @property
    def _minutes(self) -> int:
        return int(self._settings.get("timeoutInMinutes") or 60)

    def _upload(self, spec: Buildspec) -> None:
        self.record.enter("UPLOAD_ARTIFACTS")
        if self._settings["artifacts"]["type"] != "NO_ARTIFACTS" and "artifacts" in spec.left_out:
            raise SourceError("A build in the sandbox uploads no artifacts: push an image, or copy to S3 in a command.")

    def _environment(self, folder: Path, source: Path, spec: Buildspec, client: Any) -> dict[str, str]:
        record, settings = self.record, self._settings
        plain = {**spec.variables}
        parameters, secrets = {**spec.parameters}, {**spec.secrets}
        for variable in settings["environment"]["environmentVariables"]:
            kinds = {"PARAMETER_STORE": parameters, "SECRETS_MANAGER": secrets}
            kinds.get(variable["type"], plain)[variable["name"]] = variable["value"]
        url = self._where.server.url
        role = role_environment(url, record.account, settings["serviceRole"], record.region, "AWSCodeBuild")
        return {
            **plain,
            **{name: _parameter(client("ssm"), place) for name, place in parameters.items()},
            **{name: _secret(client("secretsmanager"), place) for name, place in secrets.items()},
            **role,
            "AWS_ACCOUNT_ID": record.account,
            "CI": "true",
            "CODEBUILD_BUILD_ARN": record.arn,
            "CODEBUILD_BUILD_ID": record.id,
            "CODEBUILD_BUILD_IMAGE": settings["environment"]["image"],
            "CODEBUILD_BUILD_NUMBER": str(record.number),
            "CODEBUILD_BUILD_SUCCEEDING": "1",
            "CODEBUILD_CI": "true",
            "CODEBUILD_INITIATOR": record.initiator,
            "CODEBUILD_KMS_KEY_ID": settings.get("encryptionKey", ""),
            "CODEBUILD_LOG_PATH": record.log_stream,
            "CODEBUILD_RESOLVED_SOURCE_VERSION": settings.get("sourceVersion") or "",
            "CODEBUILD_SOURCE_REPO_URL": settings["source"].get("location", ""),
            "CODEBUILD_SOURCE_VERSION": settings.get("sourceVersion") or "",
            "CODEBUILD_SRC_DIR": str(source),
            "CODEBUILD_START_TIME": str(int(record.started.timestamp() * 1000)),
            "PATH": f"{folder / 'bin'}:{SYSTEM_PATH}",
        }

    def _programs(self, folder: Path) -> None:
        """Write the build's own `docker` and `aws`, which come first on its PATH."""
        server, record = self._where.server, self.record
        docker = folder / "docker"
        docker.mkdir()
        pip = {name: value for name, value in os.environ.items() if _PIP.fullmatch(name)}
        context = Context(str(server.home), server.url, record.account, record.region, str(docker), pip)
        context.write(folder / "context.json")
        (folder / "bin").mkdir()
        for name in _PROGRAMS:
            # -P: the source's own modules must not come in the way of ours.
            words = [sys.executable, "-EP", "-m", f"terrace.sandbox.builds.{name}", str(folder / "context.json")]
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            program.chmod(0o755)

    def _say(self, text: str) -> None:
        if self.record.log_group:
            record = self.record
            cloudwatch(record.account, record.region, str(record.log_group), record.log_stream)([f"[Container] {text}"])


def _parameter(ssm: Any, name: str) -> str:
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as error:
        raise SourceError(f"Parameter does not exist: {name}") from error


def _secret(secrets: Any, place: str) -> str:
    """Return a secret, given as `id:key:stage:version`; an id may be an ARN, which has colons itself."""
    words = place.split(":")
    id, rest = (":".join(words[:7]), words[7:]) if words[0] == "arn" else (words[0], words[1:])
    try:
        text = str(secrets.get_secret_value(SecretId=id)["SecretString"])
    except secrets.exceptions.ResourceNotFoundException as error:
        raise SourceError(f"Secret does not exist: {id}") from error
    if not rest or not rest[0]:
        return text
    said = json.loads(text)
    if rest[0] not in said:
        raise SourceError(f"The secret {id} has no key {rest[0]}.")
    return str(said[rest[0]])


def _exported(state: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return the variables that the last command left, of those that the buildspec exports."""
    if not names or not state.exists():
        return {}
    words = [line.partition("=") for line in state.read_text().splitlines()]
    values = {name.split()[-1]: " ".join(shlex.split(value)) for name, _, value in words if name.split() and value}
    return {name: values[name] for name in names if name in values}
