"""What is told of a build: its phases with their times, its status, its logs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from terrace.sandbox.builds.settings import shown


@dataclass
class Record:
    """A build as CodeBuild describes it. Safe to use from several threads.

    Attributes:
        id: Project and build, joined by a colon.
        settings: Of the build, as `overridden` gives them.
        account: Account of the project.
        region: Region of the project.
        number: Which build of the project this is, from 1.
        initiator: Who started it.
        status: `IN_PROGRESS` until the end.
        exported: Variables that the build shows when it has ended.
    """

    id: str
    settings: Mapping[str, Any]
    account: str
    region: str
    number: int
    initiator: str
    status: str = "IN_PROGRESS"
    exported: dict[str, str] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    events: Path | None = None
    _phases: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def arn(self) -> str:
        """ARN of the build."""
        return f"arn:aws:codebuild:{self.region}:{self.account}:build/{self.id}"

    @property
    def log_group(self) -> str | None:
        """Log group of the build, None when its logs are off."""
        logs = (self.settings.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        if logs.get("status") == "DISABLED":
            return None
        return str(logs.get("groupName") or f"/aws/codebuild/{self.id.partition(':')[0]}")

    @property
    def log_stream(self) -> str:
        """Log stream of the build."""
        logs = (self.settings.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        unique = self.id.rpartition(":")[2]
        return f"{logs['streamName']}/{unique}" if logs.get("streamName") else unique

    def enter(self, phase: str) -> None:
        """Note that a phase begins, and that the one before it has succeeded if it has no status yet."""
        with self._lock:
            # Nobody may have asked since the phase before it failed.
            self._take_events()
            now = datetime.now(UTC)
            if self._phases and "endTime" not in self._phases[-1]:
                self._end(self._phases[-1], now, "SUCCEEDED", None)
            self._phases.append({"phaseType": phase, "startTime": now})

    def fail(self, status: str, code: str, message: str) -> None:
        """Note that the phase that goes on has ended badly, and the build with it."""
        with self._lock:
            self._take_events()
            if self._phases and "endTime" not in self._phases[-1]:
                self._end(self._phases[-1], datetime.now(UTC), status, (code, message))
            self.status = status

    def finish(self, status: str) -> None:
        """Note the end of the build, once. A status that was set before stays."""
        with self._lock:
            if self.ended is not None:
                return
            self._take_events()
            self.enter("COMPLETED")
            self.status = status if self.status == "IN_PROGRESS" else self.status
            self.ended = self._phases[-1]["startTime"]

    def describe(self) -> dict[str, Any]:
        """Return the build as BatchGetBuilds shows it."""
        with self._lock:
            self._take_events()
            phases = [dict(phase) for phase in self._phases]
        said: dict[str, Any] = {
            **shown(self.settings),
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "startTime": self.started,
            "currentPhase": phases[-1]["phaseType"] if phases else "SUBMITTED",
            "buildStatus": self.status,
            "buildComplete": self.ended is not None,
            "projectName": self.id.partition(":")[0],
            "phases": phases,
            "logs": self._logs(),
            "initiator": self.initiator,
            "exportedEnvironmentVariables": [
                {"name": name, "value": value} for name, value in sorted(self.exported.items())
            ],
        }
        if self.ended is not None:
            said["endTime"] = self.ended
        return said

    def _take_events(self) -> None:
        """Put in what the build's container has written of its phases."""
        if self.events is None or not self.events.exists():
            return
        known = {phase["phaseType"]: phase for phase in self._phases}
        for line in self.events.read_text().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # the last line is being written
            phase = known.get(event["phase"])
            if phase is None:
                phase = known[event["phase"]] = {"phaseType": event["phase"]}
                self._end_open(event["start"])
                self._phases.append(phase)
            phase["startTime"] = datetime.fromtimestamp(event["start"], UTC)
            if "end" in event and "endTime" not in phase:
                context = ("COMMAND_EXECUTION_ERROR", event["context"]) if event["context"] else None
                self._end(phase, datetime.fromtimestamp(event["end"], UTC), event["status"], context)

    def _end_open(self, when: float) -> None:
        if self._phases and "endTime" not in self._phases[-1]:
            self._end(self._phases[-1], datetime.fromtimestamp(when, UTC), "SUCCEEDED", None)

    def _end(self, phase: dict[str, Any], when: datetime, status: str, context: tuple[str, str] | None) -> None:
        code, message = context or ("", "")
        phase["endTime"] = when
        phase["phaseStatus"] = status
        phase["durationInSeconds"] = max(0, round((when - phase["startTime"]).total_seconds()))
        phase["contexts"] = [{"statusCode": code, "message": message}]

    def _logs(self) -> dict[str, Any]:
        logs = dict((self.settings.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"})
        said: dict[str, Any] = {
            "cloudWatchLogs": logs,
            "s3Logs": (self.settings.get("logsConfig") or {}).get("s3Logs") or {"status": "DISABLED"},
        }
        if self.log_group:
            said["groupName"], said["streamName"] = self.log_group, self.log_stream
            said["cloudWatchLogsArn"] = (
                f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.log_group}:log-stream:{self.log_stream}"
            )
            said["deepLink"] = (
                f"https://console.aws.amazon.com/cloudwatch/home?region={self.region}#logEvent:"
                f"group={self.log_group};stream={self.log_stream}"
            )
        return said
