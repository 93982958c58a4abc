"""The room of the server in which CodeBuild builds."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult

from terrace.sandbox.builds.build import Build, Where
from terrace.sandbox.builds.record import Record
from terrace.sandbox.builds.settings import names, overridden
from terrace.sandbox.containers import Containers
from terrace.sandbox.room import Server
from terrace.sandbox.services.extend import add, state

AT_ONCE = 2
"""Builds that run at the same time; the others are queued."""


class Builds:
    """Puts builds that run in the place of moto's, which only say that they did.

    Args:
        containers: The room that the builds' containers live in.
    """

    name = "builds"

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._where: Where | None = None
        self._lock = threading.Lock()
        self._builds: dict[str, Build] = {}

    def install(self, server: Server) -> None:
        """Put the operations in moto's place."""
        self._where = Where(server, self._containers, threading.Semaphore(AT_ONCE))

        def start_build(response: Any) -> ActionResult:
            return self._start(response)

        def batch_get_builds(response: Any) -> ActionResult:
            ids = response._get_param("ids") or []
            for id in ids:
                _check_id(id)
            held = _held(response)
            return ActionResult(
                {
                    "builds": [held[id].describe() for id in ids if id in held],
                    "buildsNotFound": [id for id in ids if id not in held],
                }
            )

        def stop_build(response: Any) -> ActionResult:
            id = response._get_param("id")
            _check_id(id)
            if id not in _held(response):
                raise ResourceNotFoundException(f"Build {id} does not exist")
            self._builds[id].stop()
            return ActionResult({"build": _held(response)[id].describe()})

        def list_builds(response: Any) -> ActionResult:
            return ActionResult({"ids": _sorted(response, list(_held(response)))})

        def list_builds_for_project(response: Any) -> ActionResult:
            name = response._get_param("projectName")
            _project(response, name)
            return ActionResult({"ids": _sorted(response, [id for id in _held(response) if id.split(":")[0] == name])})

        add(CodeBuildResponse, (start_build, batch_get_builds, stop_build, list_builds, list_builds_for_project))

    def status(self) -> Any:
        """Return the builds that go on, and how many have ended."""
        with self._lock:
            records = [build.record for build in self._builds.values()]
        return {
            "running": [record.id for record in records if record.ended is None],
            "ended": sum(record.ended is not None for record in records),
        }

    def reset(self) -> None:
        """Stop all builds and forget them."""
        with self._lock:
            builds, self._builds = list(self._builds.values()), {}
        for build in builds:
            build.stop()

    def stop(self) -> None:
        """Stop all builds, because the server ends."""
        self.reset()

    def _start(self, response: Any) -> ActionResult:
        assert self._where is not None  # noqa: S101  (install comes first)
        project = _project(response, response._get_param("projectName"))
        settings = overridden(project, {name: response._get_param(name) for name in names()})
        if settings["source"]["type"] != "NO_SOURCE" and not settings["source"].get("location"):
            raise InvalidInputException("Project source location is required")
        held = _held(response)
        with self._lock:
            number = 1 + max(
                (one.number for one in held.values() if one.id.startswith(f"{project['name']}:")), default=0
            )
            record = Record(
                id=f"{project['name']}:{uuid.uuid4()}",
                settings=settings,
                account=response.current_account,
                region=response.region,
                number=number,
                initiator="sandbox",
            )
            build = self._builds[record.id] = Build(self._where, record)
            held[record.id] = record
        build.start()
        return ActionResult({"build": record.describe()})


def _held(response: Any) -> dict[str, Record]:
    return state(response.codebuild_backend, "builds")


def _project(response: Any, name: str) -> dict[str, Any]:
    projects = response.codebuild_backend.codebuild_projects
    name = name.rpartition("/")[2]
    if name not in projects:
        arn = f"arn:aws:codebuild:{response.region}:{response.current_account}:project/{name}"
        raise ResourceNotFoundException(f"Project cannot be found: {arn}")
    found: dict[str, Any] = projects[name].project_metadata
    return found


def _check_id(id: str) -> None:
    if ":" not in id:
        raise InvalidInputException("Invalid build ID provided")


def _sorted(response: Any, ids: list[str]) -> list[str]:
    """Return ids as they were started, the newest first unless asked otherwise."""
    return ids if response._get_param("sortOrder") == "ASCENDING" else ids[::-1]
