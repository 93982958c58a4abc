"""The story of `terrace demo`: the commands that a person would type, typed in order, on real data.

Each step is a command of Terrace or a verb of the generated project, run as a process of its own. What the story says
at the end is read from their results and from AWS's API.
"""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from terrace.demo.stage import Stage
from terrace.demo.training import Training

FLIGHT = {
    "year": 2013, "month": 11, "day": 27, "hour": 18, "carrier": "EV", "origin": "EWR", "dest": "ORD", "distance": 719,
    "temp": 57.9, "humid": 93.1, "wind_speed": 20.7, "precip": 0.25, "visib": 3.0, "pressure": 998.1,
}  # fmt: skip
"""The evening before Thanksgiving 2013, in the rain."""

CALLS = 60
"""Predictions over which the latency is measured."""


class Story:
    """What happened, for the summary.

    Args:
        home: `TERRACE_HOME` of the story, so that it leaves the user's own sandbox alone.
        show: Prints a line of the story.
    """

    def __init__(self, home: Path, show: Callable[[str], None]) -> None:
        self.stage = Stage(home, show)
        self.summary: dict[str, Any] = {}

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
        self.summary["training"] = Training(self.stage, self.model).tell()
        self.summary["seconds"] = round(time.monotonic() - began, 1)
        return self.summary

    def _clear(self) -> None:
        """Begin from nothing; the project's environment is kept, because installing it takes longest."""
        self.stage.home.mkdir(parents=True, exist_ok=True)
        self.stage.terrace("sandbox", "stop", quiet=True)
        shutil.rmtree(self.stage.home / "state", ignore_errors=True)
        shutil.rmtree(self.stage.platform, ignore_errors=True)
        kept = self.stage.home / "late-flights.venv"
        if (self.stage.project / ".venv").exists():
            shutil.rmtree(kept, ignore_errors=True)
            (self.stage.project / ".venv").rename(kept)
        shutil.rmtree(self.stage.project, ignore_errors=True)

    def _platform(self) -> None:
        self.stage.show("1. A platform at level 0, in the sandbox on this machine")
        self.stage.terrace("init", str(self.stage.platform), quiet=True)
        first = self.stage.terrace("up", "dev")
        self.stage.show(f"   {first['resources']['created']} resources in {first['seconds']} s")
        self.stage.show("2. One level up: what it would add, then the upgrade")
        self.stage.terrace("levels", "0", "1", quiet=True, shown=True)
        would = self.stage.terrace("preview", "dev", "--level", "1")["resources"]
        self.stage.show(
            f"   the preview says: {would['created']} to create, {would['updated']} to update, nothing to delete"
        )
        self._set_level(1)
        second = self.stage.terrace("up", "dev")
        self.stage.must(second["resources"]["created"] == would["created"], "the preview told what `up` would create")
        self.stage.must(second["resources"]["deleted"] == 0, "an upgrade deletes nothing")
        again = self.stage.terrace("up", "dev")["resources"]
        changed = sum(again[name] for name in ("created", "updated", "replaced", "deleted"))
        self.stage.must(changed == 0, "a second `up` changes nothing")
        self.summary["platform"] = {
            "level_0": first["resources"]["created"],
            "level_1_adds": second["resources"]["created"],
            "second_up_changes": changed,
            "url": self._status()["url"],
        }

    def _baseline(self) -> None:
        self.stage.show("3. A model repository that fits this platform, and an endpoint before there is a model")
        made = self.stage.terrace(
            "new", str(self.stage.project), "--env", "dev", "--defaults", "-d", "project_name=Late flights"
        )
        kept = self.stage.home / "late-flights.venv"
        if kept.exists():
            kept.rename(self.stage.project / ".venv")
        self.stage.make("setup")
        run = self.stage.terrace("up", "dev", "--project", str(self.stage.project))
        self.stage.show(f"   {run['resources']['created']} resources in {run['seconds']} s; {run['messages'][-1]}")
        self.model = str(made["model"])
        self.baseline = self._predict(FLIGHT)
        self.stage.show(
            f"   the evening before Thanksgiving, in the rain, Newark to Chicago: {self.baseline:.0%} late, says a rule"
        )
        self.summary["project"] = {"files": len(made["files"]), "resources": run["resources"]["created"]}

    def _training(self) -> None:
        self.stage.show("4. Training on the real data: 336,776 flights from New York in 2013")
        self.stage.make("data")
        self.stage.show("   first on January alone:")
        self.stage.python("train", "--months", "1")
        refused = self.stage.python("evaluate", expect=1)
        self.stage.must("refused" in refused.stderr, "a model below the threshold is refused")
        self.stage.show(f"   {refused.stderr.strip().splitlines()[-1]}")
        self.stage.show("   then on January to September:")
        self.stage.make("train")
        self.stage.make("evaluate")
        self.evaluation = json.loads((self.stage.project / "build" / "model" / "evaluation.json").read_text())
        mine, base, metric = self.evaluation["model"], self.evaluation["baseline"], self.evaluation["metric"]
        self.stage.must(not self.evaluation["refused"], "the model passes threshold and baseline")
        bar = self.evaluation["threshold"]
        self.stage.show(f"   {metric} {mine[metric]} beats the threshold {bar} and the baseline {base[metric]}")
        self.stage.show(
            f"   of the tenth it warns of first, {mine['business']:.0%} were late; {base['business']:.0%} by the rule"
        )
        self.summary["metrics"] = {"refused": refused.stderr.strip().splitlines()[-1], **{
            key: self.evaluation[key] for key in ("metric", "threshold", "model", "baseline", "drift")
        }}  # fmt: skip

    def _release(self) -> None:
        self.stage.show("5. Registered, released, and still there after the next `up`")
        self.stage.make("register", "ENV=dev")
        record = self.stage.terrace("release", self.model, "dev")
        after = self._predict(FLIGHT)
        own = self._own_prediction(FLIGHT)
        self.stage.must(abs(after - own) < 1e-4, f"the endpoint answers {after}, the model itself {own}")
        run = self.stage.terrace("up", "dev", "--project", str(self.stage.project))
        changed = sum(run["resources"][name] for name in ("created", "updated", "replaced", "deleted"))
        self.stage.must(self._predict(FLIGHT) == after, "the next `up` leaves the release in service")
        self.stage.show(
            f"   the same flight: {after:.0%} late, says version {record['modelVersion']}; `up` changed {changed}"
        )
        self.stage.show(f"6. {CALLS} predictions over HTTP, through the AWS API")
        took = self._latency()
        self.stage.show(f"   median {took['p50_ms']} ms, 95 in 100 below {took['p95_ms']} ms")
        self.summary["release"] = {
            "version": record["modelVersion"],
            "baseline_said": self.baseline,
            "model_says": after,
            "up_after_release_changes": changed,
            "latency": took,
        }

    def _set_level(self, level: int) -> None:
        """Do what a person does: edit the settings."""
        file = self.stage.platform / "stacks" / "Pulumi.dev.yaml"
        before = file.read_text()
        file.write_text(before.replace("terrace:level: 0", f"terrace:level: {level}", 1))
        self.stage.must(file.read_text() != before, f"{file} sets terrace:level")
        self.stage.show(f"   $ edit stacks/Pulumi.dev.yaml   # terrace:level: {level}")

    def _predict(self, flight: Mapping[str, Any]) -> float:
        answer = self._invoke(self.stage.client("sagemaker-runtime"), flight)
        return float(answer["predictions"][0])

    def _invoke(self, client: Any, flight: Mapping[str, Any]) -> Any:
        body = json.dumps({"instances": [flight]})
        answer = client.invoke_endpoint(EndpointName=self.endpoint, ContentType="application/json", Body=body)
        return json.loads(answer["Body"].read())

    @property
    def endpoint(self) -> str:
        """Name of the model's endpoint."""
        return str(self.stage.terrace("outputs", "dev", "endpoint", "--project", str(self.stage.project), quiet=True))

    def _own_prediction(self, flight: Mapping[str, Any]) -> float:
        """Ask the model itself, in the project's environment, without any service."""
        program = (
            "import json, sys, pathlib, pandas; from late_flights.model import load;"
            "print(float(load(pathlib.Path('build/model')).predict(pandas.DataFrame([json.loads(sys.argv[1])]))[0]))"
        )
        return float(
            self.stage.run([str(self.stage.venv), "-c", program, json.dumps(flight)], self.stage.project).stdout
        )

    def _latency(self) -> dict[str, float]:
        client, name, took = self.stage.client("sagemaker-runtime"), self.endpoint, []
        for hour in range(CALLS):
            body = json.dumps({"instances": [{**FLIGHT, "hour": 5 + hour % 19}]})
            began = time.perf_counter()
            client.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=body)["Body"].read()
            took.append((time.perf_counter() - began) * 1000)
        return {"p50_ms": round(statistics.median(took), 1), "p95_ms": round(statistics.quantiles(took, n=20)[-1], 1)}

    def _status(self) -> Any:
        return self.stage.terrace("status", "dev", quiet=True)
