"""The story of `terrace demo`: the commands that a person would type, typed in order, on real data.

Each step is a command of Terrace or a verb of the generated project, run as a process of its own. What the story says
at the end is read from their results and from AWS's API.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terrace.errors import TerraceError
from terrace.sandbox.client import MISLEADING

FLIGHT = {
    "year": 2013, "month": 11, "day": 27, "hour": 18, "carrier": "EV", "origin": "EWR", "dest": "ORD", "distance": 719,
    "temp": 57.9, "humid": 93.1, "wind_speed": 20.7, "precip": 0.25, "visib": 3.0, "pressure": 998.1,
}  # fmt: skip
"""The evening before Thanksgiving 2013, in the rain."""

CALLS = 60
"""Predictions over which the latency is measured."""


@dataclass
class Story:
    """What happened, for the summary.

    Attributes:
        home: `TERRACE_HOME` of the story, so that it leaves the user's own sandbox alone.
        show: Prints a line of the story.
    """

    home: Path
    show: Callable[[str], None]
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def platform(self) -> Path:
        """Folder of the platform's program."""
        return self.home / "platform"

    @property
    def project(self) -> Path:
        """Folder of the model project."""
        return self.home / "late-flights"

    def tell(self) -> dict[str, Any]:
        """Tell the story and return its summary.

        Raises:
            TerraceError: A step failed, or something that the story says turned out not to be true.
        """
        began = time.monotonic()
        self._clear()
        self._platform()
        self._baseline()
        self._training()
        self._release()
        self.summary["seconds"] = round(time.monotonic() - began, 1)
        return self.summary

    def _clear(self) -> None:
        """Begin from nothing; the project's environment is kept, because installing it takes longest."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._terrace("sandbox", "stop", quiet=True)
        shutil.rmtree(self.home / "state", ignore_errors=True)
        shutil.rmtree(self.platform, ignore_errors=True)
        kept = self.home / "late-flights.venv"
        if (self.project / ".venv").exists():
            shutil.rmtree(kept, ignore_errors=True)
            (self.project / ".venv").rename(kept)
        shutil.rmtree(self.project, ignore_errors=True)

    def _platform(self) -> None:
        self.show("1. A platform at level 0, in the sandbox on this machine")
        self._terrace("init", str(self.platform), quiet=True)
        first = self._terrace("up", "dev")
        self.show(f"   {first['resources']['created']} resources in {first['seconds']} s")
        self.show("2. One level up: what it would add, then the upgrade")
        self._terrace("levels", "0", "1", quiet=True, shown=True)
        would = self._terrace("preview", "dev", "--level", "1")["resources"]
        self.show(f"   the preview says: {would['created']} to create, {would['updated']} to update, nothing to delete")
        self._set_level(1)
        second = self._terrace("up", "dev")
        self._must(second["resources"]["created"] == would["created"], "the preview told what `up` would create")
        self._must(second["resources"]["deleted"] == 0, "an upgrade deletes nothing")
        again = self._terrace("up", "dev")["resources"]
        changed = sum(again[name] for name in ("created", "updated", "replaced", "deleted"))
        self._must(changed == 0, "a second `up` changes nothing")
        self.summary["platform"] = {
            "level_0": first["resources"]["created"],
            "level_1_adds": second["resources"]["created"],
            "second_up_changes": changed,
            "url": self._status()["url"],
        }

    def _baseline(self) -> None:
        self.show("3. A model repository that fits this platform, and an endpoint before there is a model")
        made = self._terrace("new", str(self.project), "--env", "dev", "--defaults", "-d", "project_name=Late flights")
        kept = self.home / "late-flights.venv"
        if kept.exists():
            kept.rename(self.project / ".venv")
        self._make("setup")
        run = self._terrace("up", "dev", "--project", str(self.project))
        self.show(f"   {run['resources']['created']} resources in {run['seconds']} s; {run['messages'][-1]}")
        self.model = str(made["model"])
        self.baseline = self._predict(FLIGHT)
        self.show(
            f"   the evening before Thanksgiving, in the rain, Newark to Chicago: {self.baseline:.0%} late, says a rule"
        )
        self.summary["project"] = {"files": len(made["files"]), "resources": run["resources"]["created"]}

    def _training(self) -> None:
        self.show("4. Training on the real data: 336,776 flights from New York in 2013")
        self._make("data")
        self.show("   first on January alone:")
        self._python("train", "--months", "1")
        refused = self._python("evaluate", expect=1)
        self._must("refused" in refused.stderr, "a model below the threshold is refused")
        self.show(f"   {refused.stderr.strip().splitlines()[-1]}")
        self.show("   then on January to September:")
        self._make("train")
        self._make("evaluate")
        self.evaluation = json.loads((self.project / "build" / "model" / "evaluation.json").read_text())
        mine, base, metric = self.evaluation["model"], self.evaluation["baseline"], self.evaluation["metric"]
        self._must(not self.evaluation["refused"], "the model passes threshold and baseline")
        bar = self.evaluation["threshold"]
        self.show(f"   {metric} {mine[metric]} beats the threshold {bar} and the baseline {base[metric]}")
        self.show(
            f"   of the tenth it warns of first, {mine['business']:.0%} were late; {base['business']:.0%} by the rule"
        )
        self.summary["metrics"] = {"refused": refused.stderr.strip().splitlines()[-1], **{
            key: self.evaluation[key] for key in ("metric", "threshold", "model", "baseline", "drift")
        }}  # fmt: skip

    def _release(self) -> None:
        self.show("5. Registered, released, and still there after the next `up`")
        self._make("register", "ENV=dev")
        record = self._terrace("release", self.model, "dev")
        after = self._predict(FLIGHT)
        own = self._own_prediction(FLIGHT)
        self._must(abs(after - own) < 1e-4, f"the endpoint answers {after}, the model itself {own}")
        run = self._terrace("up", "dev", "--project", str(self.project))
        changed = sum(run["resources"][name] for name in ("created", "updated", "replaced", "deleted"))
        self._must(self._predict(FLIGHT) == after, "the next `up` leaves the release in service")
        self.show(
            f"   the same flight: {after:.0%} late, says version {record['modelVersion']}; `up` changed {changed}"
        )
        self.show(f"6. {CALLS} predictions over HTTP, through the AWS API")
        took = self._latency()
        self.show(f"   median {took['p50_ms']} ms, 95 in 100 below {took['p95_ms']} ms")
        self.summary["release"] = {
            "version": record["modelVersion"],
            "baseline_said": self.baseline,
            "model_says": after,
            "up_after_release_changes": changed,
            "latency": took,
        }

    def _set_level(self, level: int) -> None:
        """Do what a person does: edit the settings."""
        file = self.platform / "stacks" / "Pulumi.dev.yaml"
        before = file.read_text()
        file.write_text(before.replace("terrace:level: 0", f"terrace:level: {level}", 1))
        self._must(file.read_text() != before, f"{file} sets terrace:level")
        self.show(f"   $ edit stacks/Pulumi.dev.yaml   # terrace:level: {level}")

    def _client(self) -> Any:
        from terrace.platform import open_platform

        return open_platform(self.platform, "dev").target(start=False).client("sagemaker-runtime")

    def _predict(self, flight: Mapping[str, Any]) -> float:
        answer = self._invoke(self._client(), flight)
        return float(answer["predictions"][0])

    def _invoke(self, client: Any, flight: Mapping[str, Any]) -> Any:
        body = json.dumps({"instances": [flight]})
        answer = client.invoke_endpoint(EndpointName=self.endpoint, ContentType="application/json", Body=body)
        return json.loads(answer["Body"].read())

    @property
    def endpoint(self) -> str:
        """Name of the model's endpoint."""
        return str(self._terrace("outputs", "dev", "endpoint", "--project", str(self.project), quiet=True))

    def _own_prediction(self, flight: Mapping[str, Any]) -> float:
        """Ask the model itself, in the project's environment, without any service."""
        program = (
            "import json, sys, pathlib, pandas; from late_flights.model import load;"
            "print(float(load(pathlib.Path('build/model')).predict(pandas.DataFrame([json.loads(sys.argv[1])]))[0]))"
        )
        return float(self._run([str(self._venv), "-c", program, json.dumps(flight)], self.project).stdout)

    def _latency(self) -> dict[str, float]:
        client, name, took = self._client(), self.endpoint, []
        for hour in range(CALLS):
            body = json.dumps({"instances": [{**FLIGHT, "hour": 5 + hour % 19}]})
            began = time.perf_counter()
            client.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=body)["Body"].read()
            took.append((time.perf_counter() - began) * 1000)
        return {"p50_ms": round(statistics.median(took), 1), "p95_ms": round(statistics.quantiles(took, n=20)[-1], 1)}

    def _status(self) -> Any:
        return self._terrace("status", "dev", quiet=True)

    @property
    def _venv(self) -> Path:
        return self.project / ".venv" / "bin" / "python"

    def _terrace(self, *args: str, quiet: bool = False, shown: bool = False) -> Any:
        """Run one of Terrace's commands with `--json` and return its result."""
        if not quiet or shown:
            self.show(f"   $ terrace {' '.join(args)}")
        command = [sys.executable, "-m", "terrace.cli", *args, "--json"]
        done = self._run(command, self.platform if self.platform.exists() else self.home)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def _make(self, *args: str) -> None:
        self.show(f"   $ make {' '.join(args)}")
        self._run(["make", "--no-print-directory", f"PYTHON={sys.executable}", *args], self.project)

    def _python(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        self.show(f"   $ python -m late_flights {' '.join(args)}")
        return self._run([str(self._venv), "-m", "late_flights", *args], self.project, expect)

    def _run(self, command: list[str], folder: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in (*MISLEADING, "MAKEFLAGS")}
        environment |= {"TERRACE_HOME": str(self.home), "PYTHONPATH": "src", **self._aws()}
        # Where Pulumi is logged in to a service, a story must not write its state there.
        environment.setdefault("TERRACE_ENGINE", "embedded")
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != expect:
            tail = "\n".join([*done.stdout.splitlines()[-5:], *done.stderr.splitlines()[-25:]])
            raise TerraceError(f"`{' '.join(command[1:])}` ended with {done.returncode}:\n{tail}")
        return done

    def _aws(self) -> dict[str, str]:
        """Return what `terrace sandbox env dev` exports, once there is a sandbox."""
        if not (self.home / "sandbox.json").exists() or not self.platform.exists():
            return {}
        from terrace.platform import open_platform

        return open_platform(self.platform, "dev").target().environment()

    def _must(self, true: bool, claim: str) -> None:
        if not true:
            raise TerraceError(f"The story would not be true: {claim}.")
