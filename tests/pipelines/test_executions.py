"""Executions as a boto3 client sees them that knows nothing of Terrace: real jobs, logs, versions, stop and retry."""

from __future__ import annotations

import itertools
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from pipeline_case import (
    Caller,
    document,
    fail,
    get,
    join,
    processing,
    processing_input,
    python,
)

from terrace.sandbox import Running


def test_a_client_sees_an_execution_go_on(caller: Caller) -> None:
    """Polled, it executes, and its steps one after the other, before it succeeds."""
    slow = python("import time; time.sleep(0.4)")
    caller.create("p", [processing("A", slow), processing("B", slow, DependsOn=["A"])])
    arn, seen = caller.start("p"), []
    while True:
        status = caller.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        now = (status, {name: step["StepStatus"] for name, step in caller.steps(arn).items()})
        seen += [now] if now not in seen else []
        if status != "Executing":
            break
        time.sleep(0.02)
    assert ("Executing", {"A": "Executing"}) in seen
    assert ("Executing", {"A": "Succeeded", "B": "Executing"}) in seen
    assert seen[-1] == ("Succeeded", {"A": "Succeeded", "B": "Succeeded"})


def test_a_crash_fails_the_step_with_its_reason_and_retry_resumes(caller: Caller, bucket: str) -> None:
    """What succeeded before is not run again; what failed is, under a new name."""
    read = "import pathlib, sys; sys.exit(0 if pathlib.Path('/opt/ml/processing/input/{}').exists() else 'no flag')"
    inputs = {"ProcessingInputs": [processing_input(f"s3://{bucket}/data", "/opt/ml/processing/input")]}
    steps = [
        processing("Before"),
        processing("Crash", {**python(read.format("flag")), **inputs}, DependsOn=["Before"]),
        processing("After", DependsOn=["Crash"]),
    ]
    caller.create("p", steps)
    arn = caller.start("p")
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Failed"
    first = caller.steps(arn)
    assert {name: step["StepStatus"] for name, step in first.items()} == {"Before": "Succeeded", "Crash": "Failed"}
    assert "AlgorithmError" in first["Crash"]["FailureReason"]

    caller.client("s3").put_object(Bucket=bucket, Key="data/flag", Body=b"x")
    assert caller.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionArn"] == arn
    ended = caller.ended(arn)
    assert ended["PipelineExecutionStatus"] == "Succeeded", caller.reasons(arn)
    assert "FailureReason" not in ended
    second = caller.steps(arn)
    assert list(second) == ["Before", "Crash", "After"]
    assert second["Before"] == first["Before"]
    assert second["Crash"]["Metadata"] != first["Crash"]["Metadata"]
    with pytest.raises(ClientError, match="is Succeeded: only one that is Failed or Stopped can be retried"):
        caller.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)


def test_a_killed_job_fails_the_execution_and_retry_resumes(caller: Caller, sandbox: Running) -> None:
    """A job whose process is killed in the middle is a failed step with a reason, and the rest can still be had."""
    mark = f"mark-{caller.account}"
    code = f"import time; name = '{mark}'; time.sleep(3)"
    caller.create("p", [processing("Before"), processing("Long", python(code), DependsOn=["Before"])])
    arn = caller.start("p")
    killed = _kill(sandbox.pid, mark)
    assert killed
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Failed"
    first = caller.steps(arn)
    assert first["Before"]["StepStatus"] == "Succeeded"
    assert re.match(r"ClientError: \w+Error: .", first["Long"]["FailureReason"]), first["Long"]
    caller.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Succeeded", caller.reasons(arn)
    assert caller.steps(arn)["Before"] == first["Before"]


def _kill(server: int, mark: str, seconds: float = 20.0) -> bool:
    """Kill the process below the server that runs Python with this mark; tell whether there was one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for process in psutil.Process(server).children(recursive=True):
            try:
                words = process.cmdline()
                if any(mark in word for word in words) and words[0].endswith("python") and words[1:2] == ["-c"]:
                    process.kill()
                    return True
            except psutil.Error:
                continue
        time.sleep(0.02)
    return False


def test_a_call_that_is_refused_fails_the_step_with_its_reason(caller: Caller) -> None:
    """What the service says of the call is the reason, with the operation's name."""
    declared = [{"Name": "Role", "Type": "String", "DefaultValue": "nobody"}]
    caller.create("p", [processing("A", {"RoleArn": get("Parameters.Role")})], declared)
    status, steps = caller.run("p")
    assert status == "Failed"
    assert steps["A"]["Metadata"] == {}
    assert "Failed to invoke sagemaker:CreateProcessingJob. Error Details: " in steps["A"]["FailureReason"]
    assert "No retry policy configured for the exception type" in steps["A"]["FailureReason"]


def test_a_stop_ends_what_runs(caller: Caller) -> None:
    """The running job is stopped, the execution is Stopping and then Stopped, and can be retried."""
    caller.create(
        "p", [processing("Long", python("import time; time.sleep(600)")), processing("B", DependsOn=["Long"])]
    )
    arn = caller.start("p")
    while caller.steps(arn).get("Long", {}).get("StepStatus") != "Executing":
        time.sleep(0.02)
    assert caller.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionArn"] == arn
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Stopped"
    [step] = caller.steps(arn).values()
    assert step["StepStatus"] == "Stopped"
    job = step["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
    assert caller.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="cannot be stopped") as refused:
        caller.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    caller.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    while caller.steps(arn).get("Long", {}).get("StepStatus") != "Executing":
        time.sleep(0.02)
    assert job not in caller.steps(arn)["Long"]["Metadata"]["ProcessingJob"]["Arn"]
    caller.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Stopped"


def test_a_cache_saves_a_job(caller: Caller) -> None:
    """The second execution has the first one's result, and says so; another argument runs again."""
    step = processing(
        "A",
        {"Environment": {"X": get("Parameters.X")}},
        CacheConfig={"Enabled": True, "ExpireAfter": "P1D"},
    )
    caller.create("p", [step], [{"Name": "X", "Type": "String", "DefaultValue": "x"}])
    first = caller.start("p")
    caller.ended(first)
    for _ in range(2):
        _, steps = caller.run("p")
        assert steps["A"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
        assert steps["A"]["Metadata"] == caller.steps(first)["A"]["Metadata"]
    _, steps = caller.run("p", X="y")
    assert "CacheHitResult" not in steps["A"]
    assert len(caller.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == 2


def test_only_some_steps_run_on_what_an_earlier_execution_made(caller: Caller) -> None:
    """A selective execution takes what it needs from its source, and says so."""
    steps = [
        processing("A"),
        fail("F", join(" ", "made by", get("Steps.A.ProcessingJobName"))),
        processing("B"),
    ]
    caller.create("p", steps)
    source = caller.start("p")
    caller.ended(source)
    chosen: dict[str, Any] = {"SelectedSteps": [{"StepName": "F"}]}
    with pytest.raises(ClientError, match="Step 'A' is needed by selected steps"):
        caller.sagemaker.start_pipeline_execution(PipelineName="p", SelectiveExecutionConfig=chosen)
    with pytest.raises(ClientError, match=r"not in the pipeline: \['Z'\]"):
        caller.sagemaker.start_pipeline_execution(
            PipelineName="p", SelectiveExecutionConfig={"SelectedSteps": [{"StepName": "Z"}]}
        )
    chosen["SourcePipelineExecutionArn"] = source
    arn = caller.sagemaker.start_pipeline_execution(PipelineName="p", SelectiveExecutionConfig=chosen)[
        "PipelineExecutionArn"
    ]
    assert caller.ended(arn)["SelectiveExecutionConfig"] == chosen
    found = caller.steps(arn)
    assert set(found) == {"A", "F"}
    assert found["A"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
    assert found["F"]["FailureReason"] == caller.steps(source)["F"]["FailureReason"]


def test_a_request_sent_twice_starts_once(caller: Caller) -> None:
    """The same token is the same execution, and another one is another."""
    caller.create("p", [processing("A")])
    token = "t" * 32
    arns = {
        caller.sagemaker.start_pipeline_execution(PipelineName="p", ClientRequestToken=token)["PipelineExecutionArn"]
        for _ in range(3)
    }
    assert len(arns) == 1
    other = caller.start("p")
    assert other not in arns
    listed = caller.sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]
    assert [one["PipelineExecutionArn"] for one in listed] == [other, *arns]
    for arn in (other, *arns):
        caller.ended(arn)


def test_a_token_of_another_request_is_refused(caller: Caller) -> None:
    """Nothing is called done that was not: neither a start of another pipeline, nor a deletion, nor a creation."""
    for name in ("p", "q"):
        caller.create(name, [processing("A")])
    token, sagemaker = "t" * 32, caller.sagemaker
    arn = sagemaker.start_pipeline_execution(PipelineName="p", ClientRequestToken=token)["PipelineExecutionArn"]
    caller.ended(arn)
    sagemaker.delete_pipeline(PipelineName="p", ClientRequestToken=token)
    for call in (sagemaker.start_pipeline_execution, sagemaker.delete_pipeline):
        with pytest.raises(ClientError, match="came with another request") as refused:
            call(PipelineName="q", ClientRequestToken=token)
        assert refused.value.response["Error"]["Code"] == "ConflictException"
    assert sagemaker.list_pipeline_executions(PipelineName="q")["PipelineExecutionSummaries"] == []


def test_no_more_steps_run_at_once_than_may(caller: Caller) -> None:
    """Six steps of which one may run take each other's turn."""
    caller.create("p", [processing(f"S{number}", python("import time; time.sleep(0.05)")) for number in range(6)])
    arn = caller.sagemaker.start_pipeline_execution(
        PipelineName="p", ParallelismConfiguration={"MaxParallelExecutionSteps": 1}
    )["PipelineExecutionArn"]
    assert caller.ended(arn)["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 1}
    steps = sorted(caller.steps(arn).values(), key=lambda step: step["StartTime"])
    assert len(steps) == 6
    assert all(before["EndTime"] <= after["StartTime"] for before, after in itertools.pairwise(steps))


def test_an_execution_is_described_by_all_that_it_was_told(caller: Caller) -> None:
    """Parameters, definition, display name and description, and their change."""
    caller.create("p", [fail("A")], [{"Name": name, "Type": "String", "DefaultValue": "d"} for name in "XY"])
    arn = caller.sagemaker.start_pipeline_execution(
        PipelineName="p",
        PipelineExecutionDisplayName="mine",
        PipelineExecutionDescription="why",
        PipelineParameters=[{"Name": "Y", "Value": "2"}],
    )["PipelineExecutionArn"]
    caller.ended(arn)
    caller.sagemaker.update_pipeline_execution(PipelineExecutionArn=arn, PipelineExecutionDescription="because")
    found = caller.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert (found["PipelineExecutionDisplayName"], found["PipelineExecutionDescription"]) == ("mine", "because")
    given = caller.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert given["PipelineParameters"] == [{"Name": "Y", "Value": "2"}]
    caller.sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=json.dumps(document([fail("B")])))
    text = caller.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
    assert json.loads(text)["Steps"] == [fail("A")]


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("describe_pipeline_execution", {}),
        ("list_pipeline_execution_steps", {}),
        ("stop_pipeline_execution", {}),
        ("retry_pipeline_execution", {}),
        ("update_pipeline_execution", {"PipelineExecutionDescription": "x"}),
        ("list_pipeline_parameters_for_execution", {}),
        ("describe_pipeline_definition_for_execution", {}),
    ],
)
def test_an_execution_that_is_not_there_is_told(operation: str, more: dict[str, Any], caller: Caller) -> None:
    """With the code that the API's model has for it."""
    arn = f"arn:aws:sagemaker:{caller.region}:{caller.account}:pipeline/p/execution/nothing00000"
    with pytest.raises(ClientError, match="does not exist") as refused:
        getattr(caller.sagemaker, operation)(PipelineExecutionArn=arn, **more)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"


def test_no_step_waits_for_a_callback(caller: Caller) -> None:
    """The answer to a callback finds nobody who waits for it."""
    with pytest.raises(ClientError, match="No step waits for callback token") as refused:
        caller.sagemaker.send_pipeline_execution_step_success(CallbackToken="a" * 10)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"


def test_fifty_executions_at_once(caller: Caller) -> None:
    """Fifty executions of two steps each, started by many clients at once, all end well."""
    caller.create("p", [processing("A"), processing("B", DependsOn=["A"])])
    with ThreadPoolExecutor(10) as pool:
        arns = list(pool.map(lambda _: caller.start("p"), range(50)))
    assert len(set(arns)) == 50
    assert {caller.ended(arn, 240)["PipelineExecutionStatus"] for arn in arns} == {"Succeeded"}
