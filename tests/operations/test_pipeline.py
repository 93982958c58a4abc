"""`terrace pipeline`, as a person and a script type it, on pipelines that run for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from operations.conftest import Place
from pipeline_case import IMAGE, compare, condition, fail, get, join, processing, python, training
from terrace_components.training_pipeline import unpublished

EVALUATION = {"data": "ab" * 32, "source": "s3://data/flights.csv?versionId=v7", "passed": 1}
WRITE = f"""
import json, pathlib
print("evaluating")
pathlib.Path("/opt/ml/processing/evaluation/evaluation.json").write_text({json.dumps(json.dumps(EVALUATION))})
"""
PARAMETERS = [
    {"Name": "DataUri", "Type": "String", "DefaultValue": "s3://data/training"},
    {"Name": "DataKey", "Type": "String", "DefaultValue": ""},
    {"Name": "DataVersion", "Type": "String", "DefaultValue": ""},
    {"Name": "Score", "Type": "Float", "DefaultValue": 0.75},
]


def steps(place: Place) -> list[Any]:
    """Return a pipeline that evaluates, and registers a version or refuses it."""
    output = {
        "OutputName": "evaluation",
        "S3Output": {
            "S3Uri": join("/", f"s3://{place.bucket}/runs", get("Execution.PipelineExecutionId")),
            "LocalPath": "/opt/ml/processing/evaluation",
            "S3UploadMode": "EndOfJob",
        },
    }
    evaluate = processing(
        "Evaluate",
        {**python(WRITE), "ProcessingOutputConfig": {"Outputs": [output]}},
        PropertyFiles=[{"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}],
    )
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": place.group,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{place.bucket}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "CustomerMetadataProperties": {
                "execution": get("Execution.PipelineExecutionArn"),
                "code": "abc",
                "data": "ab" * 32,
                "metric:roc_auc": "0.75",
            },
        },
    }
    enough = compare("GreaterThanOrEqualTo", get("Parameters.Score"), 0.7)
    reason = join(" ", "a score of", get("Parameters.Score"), "is below 0.7")
    gate = condition("Gate", enough, [register], [fail("Refused", reason)], DependsOn=["Evaluate"])
    return [evaluate, gate]


def test_a_pipeline_that_never_ran_says_how_to_run_it(dev: Place) -> None:
    """Before the first run there is nothing to show, and the sentence says what to type."""
    dev.pipeline(steps(dev), PARAMETERS)
    for command in ("status", "logs", "stop", "retry"):
        dev.refused("terrace pipeline run tiny dev", "pipeline", command, "tiny", "dev")
    assert "has not run" in dev.terrace("pipeline", "bill", "tiny", "dev").stdout


def test_a_run_ends_with_the_version_that_it_registered(dev: Place) -> None:
    """Steps are told on standard error as they change; the result has the version, its metrics and what comes next."""
    done = dev.terrace("pipeline", "run", "tiny", "dev")
    assert "Evaluate  Succeeded" in done.stderr
    assert "registered version 1" in done.stdout
    assert "roc_auc 0.75" in done.stdout
    assert "terrace approve tiny dev --version 1" in done.stderr


def test_a_run_is_one_object_for_a_script(dev: Place) -> None:
    """With --json the execution, its steps, the outcome and the version are one object."""
    said = dev.json("pipeline", "run", "tiny", "dev", "--parameter", "Score=0.8")
    assert (said["status"], said["outcome"]["kind"]) == ("Succeeded", "registered")
    assert [step["name"] for step in said["steps"]] == ["Evaluate", "Gate", "Register"]
    assert said["version"]["metrics"] == {"roc_auc": 0.75}
    assert said["parameters"] == {"Score": "0.8"}


def test_a_gate_that_refuses_ends_the_command_with_its_reason(dev: Place) -> None:
    """The message of the Fail step is the sentence, and the exit status is 1."""
    said = dev.refused("a score of 0.5 is below 0.7", "pipeline", "run", "tiny", "dev", "-p", "Score=0.5")
    assert (said["outcome"]["kind"], said["outcome"]["step"]) == ("refused", "Refused")
    assert len(dev.sagemaker.list_model_packages(ModelPackageGroupName=dev.group)["ModelPackageSummaryList"]) == 2


def test_a_status_tells_steps_and_who_started_it(dev: Place) -> None:
    """The latest is shown by default; an earlier one by the beginning of its id."""
    latest = dev.json("pipeline", "status", "tiny", "dev")
    assert latest["outcome"]["kind"] == "refused"
    assert latest["started_by"]["kind"] == "person"
    arns = dev.sagemaker.list_pipeline_executions(PipelineName=str(dev.contract.pipeline))["PipelineExecutionSummaries"]
    first = arns[-1]["PipelineExecutionArn"].rpartition("/")[2]
    shown = dev.terrace("pipeline", "status", "tiny", "dev", "--execution", first[:8]).stdout
    assert "Register" in shown
    assert "registered version 1" in shown
    dev.refused("is no execution of tiny in dev", "pipeline", "status", "tiny", "dev", "--execution", "nothing")


def test_logs_are_those_of_the_step(dev: Place) -> None:
    """What a job printed is read from CloudWatch Logs, by step; a step that there is not is refused."""
    assert "evaluating" in dev.terrace("pipeline", "logs", "tiny", "dev", "--step", "Evaluate", "--follow").stdout
    lines = dev.json("pipeline", "logs", "tiny", "dev")["lines"]
    assert [line["text"] for line in lines if line["step"] == "Evaluate"].count("evaluating") == 1
    dev.refused("has no step Nothing", "pipeline", "logs", "tiny", "dev", "--step", "Nothing")


def test_new_data_is_told_from_a_person(dev: Place) -> None:
    """A run that an event started is billed to the object that the event named, with its version."""
    dev.caller.ended(
        dev.caller.start(str(dev.contract.pipeline), DataKey="data/tiny/training/new.csv", DataVersion="v9")
    )
    row = dev.json("pipeline", "bill", "tiny", "dev")["runs"][0]
    assert row["started_by"] == {"kind": "new data", "who": "data/tiny/training/new.csv"}


def test_a_bill_has_every_run_with_its_data_and_costs_nothing_here(dev: Place) -> None:
    """Which data, in which version, with which hash; seconds; and a price that is not in the table is unknown."""
    said = dev.json("pipeline", "bill", "tiny", "dev")
    assert len(said["runs"]) == 5
    assert said["runs"][0]["data"] == {"uri": "s3://data/flights.csv", "version": "v7", "sha256": "ab" * 32}
    assert all(row["seconds_billed"] > 0 for row in said["runs"])
    assert (said["sandbox"], said["usd_charged"], said["seconds_billed"] > 4) == (True, 0.0, True)
    shown = dev.terrace("pipeline", "bill", "tiny", "dev").stdout
    assert "in the sandbox cost nothing; AWS would have billed" in shown
    later = dev.terrace("pipeline", "bill", "tiny", "dev", "--since", "2099-01-01").stdout
    assert "has not run since 2099-01-01" in later
    since = dev.json("pipeline", "bill", "tiny", "dev", "--since", said["runs"][1]["started"])
    assert [row["execution"] for row in since["runs"]] == [row["execution"] for row in said["runs"][:2]]


def test_a_step_that_crashes_ends_the_command_with_its_last_lines(dev: Place) -> None:
    """The reason and what the job printed last are shown, and the retry is named."""
    dev.pipeline([processing("Crash", python('print("on the edge")\nraise SystemExit("there is no model")'))])
    said = dev.refused("Crash failed", "pipeline", "run", "tiny", "dev")
    assert said["outcome"]["kind"] == "failed"
    assert "on the edge" in said["log"]
    assert "terrace pipeline retry tiny dev" in said["error"]["hint"]
    dev.refused("Crash failed", "pipeline", "retry", "tiny", "dev")


def test_an_interrupt_leaves_the_run_going_and_says_how_to_stop_it(dev: Place) -> None:
    """Ctrl-C ends the watching alone; stop and retry do what the sentence said."""
    dev.pipeline([processing("Sleep", python("import time\ntime.sleep(60)"))])
    watching = subprocess.Popen(
        [sys.executable, "-m", "terrace.cli", "pipeline", "run", "tiny", "dev"],
        cwd=dev.root, env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watching.stderr is not None
    told = ""
    while "Sleep  Executing" not in told:
        told += watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    _, rest = watching.communicate(timeout=30)
    assert watching.returncode == 1
    assert "goes on" in rest
    assert "terrace pipeline stop tiny dev --execution" in rest
    assert dev.json("pipeline", "status", "tiny", "dev")["status"] == "Executing"
    dev.refused("only one that Failed or was Stopped can be retried", "pipeline", "retry", "tiny", "dev")
    assert dev.json("pipeline", "stop", "tiny", "dev")["status"] == "Stopped"
    dev.refused("has ended: it is Stopped", "pipeline", "stop", "tiny", "dev")


def test_a_run_can_be_left_at_once(dev: Place) -> None:
    """With --no-wait the id is the result, and the command ends while the run goes on."""
    dev.pipeline([processing("Sleep", python("import time\ntime.sleep(60)"))])
    id = dev.terrace("pipeline", "run", "tiny", "dev", "--no-wait").stdout.strip()
    said = dev.json("pipeline", "status", "tiny", "dev", "--execution", id)
    assert (said["status"], said["execution"].rpartition("/")[2]) == ("Executing", id)
    dev.terrace("pipeline", "stop", "tiny", "dev")


@pytest.mark.parametrize("given", ["Score", "=1"])
def test_a_parameter_without_a_value_is_a_usage_error(dev: Place, given: str) -> None:
    """Usage errors end with 2."""
    assert "NAME=VALUE" in dev.terrace("pipeline", "run", "tiny", "dev", "-p", given, expect=2).stderr


def test_what_sagemaker_refuses_at_the_start_is_a_sentence(dev: Place) -> None:
    """An unknown parameter starts nothing and says where parameters are from."""
    dev.refused("was not started", "pipeline", "run", "tiny", "dev", "-p", "Colour=red")


def test_a_model_without_a_pipeline_is_refused(dev: Place) -> None:
    """Below level 2 the sentence says how to get there."""
    dev.publish(pipeline=None, level=1)
    dev.refused("terrace upgrade dev --to 2", "pipeline", "run", "tiny", "dev")
    dev.publish()


def test_a_pipeline_that_nobody_published_says_so(dev: Place) -> None:
    """The run that did nothing succeeded in SageMaker's words, but not in ours: there is something to do first."""
    first: Any = unpublished()
    dev.pipeline(first["Steps"], first["Parameters"])
    dev.refused("not published in dev yet", "pipeline", "run", "tiny", "dev")
    assert "no pipeline is published yet" in dev.terrace("pipeline", "bill", "tiny", "dev").stdout


def test_a_refusal_without_a_gate_blames_none(dev: Place) -> None:
    """Where a step that fails is all there is, the pipeline refused."""
    dev.pipeline([fail("No", "not on Sundays")])
    dev.refused("The pipeline refused to run: not on Sundays", "pipeline", "run", "tiny", "dev")


def test_a_training_that_ran_too_long_is_not_said_to_be_stopped_by_somebody(dev: Place) -> None:
    """SageMaker stops such a job and so the execution; the job alone knows why."""
    limit = {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    hangs = training("Train", "import time; time.sleep(60)", f"s3://{dev.bucket}/out", arguments=limit)
    dev.pipeline([hangs])
    dev.refused("Train was stopped: it ran longer than its limit of 1 s", "pipeline", "run", "tiny", "dev")


def test_the_run_that_data_started_is_followed(dev: Place) -> None:
    """What the rule starts is found by the object's key; a key that is none, or started nothing, says what to do."""
    dev.pipeline([processing("Work", python("print('worked')"))], PARAMETERS)
    key = "data/tiny/training/today.csv"
    dev.refused("There is no object", "pipeline", "follow", "tiny", "dev", "--data", key)
    dev.target.client("s3").put_object(Bucket=dev.contract.data_bucket, Key=key, Body=b"1")
    refused = "No run was started by data/tiny/training/today.csv within 0 s"
    dev.refused(refused, "pipeline", "follow", "tiny", "dev", "--data", key, "--patience", "0")
    for given in (key, "data/tiny/training/other.csv"):
        dev.sagemaker.start_pipeline_execution(
            PipelineName=dev.contract.pipeline, PipelineParameters=[{"Name": "DataKey", "Value": given}]
        )
    said = dev.json("pipeline", "follow", "tiny", "dev", "--data", key)
    assert (said["status"], said["parameters"]["DataKey"]) == ("Succeeded", key)
    assert said["started_by"] == {"kind": "new data", "who": key}
    both = dev.terrace("pipeline", "follow", "tiny", "dev", "--data", key, "--execution", "abc", expect=2)
    assert "give one of them" in both.stderr
