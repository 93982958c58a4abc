"""The chapter of level 2: training is a pipeline, and a threshold decides instead of a person."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from terrace.demo.stage import Stage

GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@acme.example")
WORSE = {'"max_iter": 120': '"max_iter": 40'}
"""Passes the threshold, and is worse than what serves."""
BETTER = {'"max_iter": 40': '"max_iter": 60'}
"""Half the rounds of what serves, and better than it."""
ELEVEN_MONTHS = (
    "import pandas, sys; year = pandas.read_csv(sys.argv[1], keep_default_na=False, na_values=['']);"
    "year[year['month'] < 12].to_csv(sys.argv[2], index=False, compression={'method': 'gzip', 'mtime': 0})"
)


class Training:
    """What a data scientist does at level 2.

    Args:
        stage: Where the story is told.
        model: The model's name.
    """

    def __init__(self, stage: Stage, model: str) -> None:
        self._stage = stage
        self._model = model
        self._year = stage.project / "data" / "year.csv.gz"

    def tell(self) -> dict[str, Any]:
        """Tell the chapter and return what it adds to the summary."""
        upgrade = self._upgrade()
        first = self._first_run()
        refused = self._worse()
        better = self._better()
        arrived = self._new_data()
        bill = self._bill()
        return {
            "level_2_adds": upgrade,
            "first_version": first,
            "refused": refused,
            "better": better,
            "new_data": arrived,
            "bill": bill,
        }

    def _upgrade(self) -> int:
        stage = self._stage
        stage.show("7. Level 2: training becomes a pipeline, and the repository grows with it")
        made = stage.terrace("upgrade", "dev", "--to", "2")["resources"]
        stage.must(made["deleted"] == made["replaced"] == 0, "an upgrade deletes and replaces nothing")
        stage.show(f"   {made['created']} resources more: tracking, lineage, and roles for what trains")
        self._commit("Work of level 1")
        self._grow()
        self._commit("Bring the parts of level 2")
        return int(made["created"])

    def _first_run(self) -> dict[str, Any]:
        stage = self._stage
        stage.show("8. The end of November: eleven months of flights, and the pipeline's first run")
        full = stage.project / "data" / "full.csv.gz"
        full.rename(self._year)
        stage.run([str(stage.venv), "-c", ELEVEN_MONTHS, str(self._year), str(full)], stage.project)
        stage.make("pipeline", "ENV=dev")
        run = self._status()
        stage.must(run["status"] == "Succeeded", "the pipeline's first run succeeds")
        stage.must(run["started_by"]["kind"] == "new data", "the upload itself started it")
        for step in run["steps"]:
            stage.show(f"   {step['name']:<17} {step['status']} in {step['seconds'] or 0:.1f} s")
        version = self._decide(run["outcome"]["version"], "as good as what serves, from the pipeline")
        return {"version": version["version"], "metrics": version["metrics"], "seconds": run["seconds"]}

    def _worse(self) -> str:
        stage = self._stage
        stage.show("9. A branch that trains in a third of the time")
        stage.run([*GIT, "checkout", "--quiet", "-b", "train-faster"], stage.project)
        self._edit(WORSE, "Train with a third of the rounds")
        before = len(self._versions())
        stage.make("pipeline", "ENV=dev", expect=2)
        run = self._status()
        stage.must(run["outcome"]["kind"] == "refused", "the gate refuses a model that is worse")
        stage.must(len(self._versions()) == before, "nothing is registered of a model that was refused")
        reason = str(run["outcome"]["text"])
        stage.show(f"   {reason}")
        return reason

    def _better(self) -> dict[str, Any]:
        stage = self._stage
        stage.show("10. The next commit: half the rounds")
        self._edit(BETTER, "Train with half the rounds")
        stage.make("pipeline", "ENV=dev")
        run = self._status()
        stage.must(run["outcome"]["kind"] == "registered", "a model that passes is registered")
        version = self._decide(run["outcome"]["version"], "half the rounds, and no worse")
        told = stage.terrace("models", self._model, "dev", "--version", str(version["version"]))
        commit = stage.run([*GIT, "rev-parse", "HEAD"], stage.project).stdout.strip()
        stage.must(told["code"] == commit, "the version names the commit that it was trained from")
        stage.must(told["serves"], "the version that was released serves")
        stage.show(f"   from data {told['data'][:12]} and commit {commit[:12]} to the endpoint, in one line of descent")
        return {"version": version["version"], "metrics": version["metrics"]}

    def _new_data(self) -> dict[str, Any]:
        stage = self._stage
        stage.show("11. December arrives in the bucket, and nobody types anything")
        contract = self._contract()
        key = f"{contract['watchedPrefix']}flights-until-december.csv.gz"
        stage.show(f"   $ aws s3 cp data/year.csv.gz s3://{contract['dataBucket']}/{key}")
        stage.client("s3").upload_file(str(self._year), contract["dataBucket"], key)
        run = stage.terrace("pipeline", "follow", self._model, "dev", "--data", key)
        stage.must(run["parameters"].get("DataKey") == key, "the deployed rule gave the run its object")
        stage.must(run["outcome"]["kind"] == "registered", "the run that new data started registered a version")
        version = run["version"]
        stage.show(f"   version {version['version']}, by itself: {self._metrics(version)}; it waits for a person")
        return {"version": version["version"], "metrics": version["metrics"], "seconds": run["seconds"]}

    def _bill(self) -> dict[str, Any]:
        stage = self._stage
        stage.show("12. What ran, when, on which data")
        bill: dict[str, Any] = stage.terrace("pipeline", "bill", self._model, "dev")
        for run in reversed(bill["runs"]):
            data = run["data"]["sha256"] or "unknown"
            stage.show(
                f"   {run['started'][11:19]}  {run['started_by']['kind']:<9} data {data[:12]}  "
                f"{run['seconds_billed']:>4} s  {run['outcome']['kind']}"
            )
        stage.show(
            f"   {bill['seconds_billed']} s of instances, for nothing here; prices of AWS unknown are said to be"
        )
        return {"runs": len(bill["runs"]), "seconds_billed": bill["seconds_billed"]}

    def _decide(self, version: int, reason: str) -> dict[str, Any]:
        """Approve a version and release it, as a person does."""
        stage, number = self._stage, str(version)
        stage.terrace("approve", self._model, "dev", "--version", number, "--reason", f"'{reason}'")
        stage.terrace("release", self._model, "dev", "--version", number)
        found = next(one for one in self._versions() if one["version"] == version)
        stage.must(found["serves"] and found["status"] == "Approved", "the approved version serves")
        stage.show(f"   version {number} serves: {self._metrics(found)}")
        return dict(found)

    def _metrics(self, version: dict[str, Any]) -> str:
        return ", ".join(f"{name} {value}" for name, value in version["metrics"].items())

    def _versions(self) -> list[dict[str, Any]]:
        return list(self._stage.terrace("models", self._model, "dev", quiet=True)["versions"])

    def _status(self) -> Any:
        return self._stage.terrace("pipeline", "status", self._model, "dev", quiet=True)

    def _contract(self) -> dict[str, Any]:
        name = f"/terrace/dev/{self._model}/contract"
        said = self._stage.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        return dict(json.loads(said))

    def _edit(self, changes: dict[str, str], message: str) -> None:
        """Do what a person does: edit the configuration, and commit."""
        file = self._stage.project / "src" / "late_flights" / "config.py"
        text = file.read_text()
        for before, after in changes.items():
            self._stage.must(before in text, f"{file} has {before}")
            text = text.replace(before, after)
        file.write_text(text)
        self._stage.show(f"   $ edit src/late_flights/config.py   # {', '.join(changes.values())}")
        self._commit(message)

    def _commit(self, message: str) -> None:
        project = self._stage.project
        self._stage.run([*GIT, "add", "--all"], project)
        if self._stage.run(["git", "status", "--porcelain"], project).stdout:
            self._stage.run([*GIT, "commit", "--quiet", "--no-verify", "--message", message], project)

    def _grow(self) -> None:
        """Bring the project the parts of level 2, with copier where it can update from where the template is."""
        stage = self._stage
        if _has_commit(stage.project / ".copier-answers.yml"):
            stage.show("   $ copier update --data level=2 --data tracking=mlflow")
            answers = ["--data", "level=2", "--data", "tracking=mlflow"]
            command = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", "--vcs-ref", "HEAD", *answers]
            stage.run(command, stage.project)
            return
        stage.show("   (this copy of the template has no history to update from: its files are laid over the project)")
        made = stage.home / "late-flights.grown"
        shutil.rmtree(made, ignore_errors=True)
        stage.terrace("new", str(made), "--env", "dev", "--defaults", "-d", "project_name=Late flights")
        shutil.rmtree(made / ".git")
        shutil.copytree(made, stage.project, dirs_exist_ok=True)
        shutil.rmtree(made)


def _has_commit(file: Path) -> bool:
    """Tell whether the commit that a project was made from is in its template's repository."""
    said = yaml.safe_load(file.read_text())
    command = ["git", "-C", str(said.get("_src_path")), "cat-file", "-e", f"{said.get('_commit')}^{{commit}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
