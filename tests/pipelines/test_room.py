"""What becomes of executions when the sandbox is reset, stopped, or asked what it does."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pipeline_case import Caller, name_image, processing, python
from provider_case import REGION, fresh_account

from terrace.sandbox import Sandbox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that no other test uses."""
    made = Sandbox(tmp_path / "home")
    made.start()
    yield made
    made.stop()


def _long(caller: Caller, mark: str) -> str:
    """Start an execution whose job runs for minutes, and wait until it runs."""
    caller.create("p", [processing("Long", python(f"import time; name = '{mark}'; time.sleep(600)"))])
    arn = caller.start("p")
    deadline = time.monotonic() + 30
    while not _running(mark):
        assert time.monotonic() < deadline, caller.reasons(arn)
        time.sleep(0.05)
    return arn


def _running(mark: str) -> bool:
    return any(
        any(mark in word for word in process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    )


def _status(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/_terrace/status") as answer:
        return json.loads(answer.read())["rooms"]["pipelines"]


def test_a_reset_ends_executions_and_forgets_them(box: Sandbox) -> None:
    """Its jobs end, nothing is left of it, and the same pipeline can be made again."""
    url = box.require().url
    name_image(url)
    caller, mark = Caller(url, fresh_account(), REGION), "reset-me"
    arn = _long(caller, mark)
    [told] = _status(url)
    assert (told["execution"], told["status"], told["steps"]) == (arn, "Executing", {"Long": "Executing"})
    box.reset()
    assert _status(url) == []
    assert caller.sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert not _running(mark)
    name_image(url)
    caller.create("p", [processing("Short")])
    assert caller.run("p")[0] == "Succeeded"
    assert len(caller.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == 1


def test_the_end_of_the_sandbox_ends_executions(box: Sandbox) -> None:
    """The server ends in seconds, and no job is left behind."""
    url = box.require().url
    name_image(url)
    caller, mark = Caller(url, fresh_account(), REGION), "stop-me"
    _long(caller, mark)
    began = time.monotonic()
    box.stop()
    assert time.monotonic() - began < 20
    assert not _running(mark)
