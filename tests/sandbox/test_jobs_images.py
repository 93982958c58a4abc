"""AWS's prebuilt images: an environment with their library, and the contract of their training toolkit."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from job_case import JobCase

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ELSEWHERE = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SCRIPT = """
import json, os, sys
import sklearn
print(json.dumps([sklearn.__version__, sys.argv[1:], os.getcwd(), os.environ["SM_MODEL_DIR"]]))
import helper
open(os.environ["SM_MODEL_DIR"] + "/model", "w").write(helper.WORD)
"""


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a library that calls itself scikit-learn's."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "sklearn").mkdir()
    (packages / "sklearn" / "__init__.py").write_text("__version__ = '1.4.2'\n")
    return folder / "bin" / "python"


def _source(jobs: JobCase, files: Mapping[str, str]) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return jobs.put("source/sourcedir.tar.gz", packed.getvalue())


def _train(jobs: JobCase, image: str, files: Mapping[str, str], **hyper: str) -> str:
    # The SDK encodes every hyperparameter as JSON.
    said = {"sagemaker_program": "train.py", "sagemaker_submit_directory": _source(jobs, files), **hyper}
    encoded = {name: json.dumps(value) for name, value in said.items()}
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    return jobs.training(AlgorithmSpecification=algorithm, HyperParameters=encoded)


def test_a_script_runs_as_in_the_prebuilt_image(jobs: JobCase, python: Path) -> None:
    """Its hyperparameters are its arguments, it runs beside its own modules; any region's image of any version will."""
    jobs.post("images", {"uri": SKLEARN, "python": str(python)})
    for image in (SKLEARN, ELSEWHERE):
        name = _train(jobs, image, {"train.py": SCRIPT, "helper.py": "WORD = 'learned'"}, depth="3", kind="tree")
        seen = jobs.trained(name)
        assert seen["TrainingJobStatus"] == "Completed", seen.get("FailureReason")
        assert jobs.unpacked(seen["ModelArtifacts"]["S3ModelArtifacts"]) == {"model": b"learned"}
        said = json.loads(jobs.logs("TrainingJobs", name)[-1])
        assert said == ["1.4.2", ["--depth", "3", "--kind", "tree"], "/opt/ml/code", "/opt/ml/model"]


def test_a_script_that_fails_is_told_as_the_toolkit_tells_it(jobs: JobCase, python: Path) -> None:
    """Error, exit code and what was printed last."""
    jobs.post("images", {"uri": SKLEARN, "python": str(python)})
    name = _train(jobs, SKLEARN, {"train.py": "raise ValueError('no rows')"}, depth="3")
    reason = jobs.trained(name)["FailureReason"]
    assert reason.startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage")
    assert "ValueError: no rows" in reason
    assert reason.endswith('-u train.py --depth 3", exit code: 1')


def test_what_the_environment_lacks_is_said(jobs: JobCase, python: Path) -> None:
    """A job installs nothing: its environment is not its own."""
    jobs.post("images", {"uri": SKLEARN, "python": str(python)})
    files = {"train.py": "print(1)", "requirements.txt": "no-such-package>=1\n"}
    reason = jobs.trained(_train(jobs, SKLEARN, files))["FailureReason"]
    assert "no-such-package" in reason


def test_an_image_without_an_environment_is_refused(jobs: JobCase) -> None:
    """Where nothing has the library, the job says which, and how to name an environment."""
    reason = jobs.trained(_train(jobs, XGBOOST, {"train.py": "pass"}))["FailureReason"]
    assert reason.startswith("ClientError: Failed to pull the image.")
    assert "has xgboost" in reason
    assert "terrace sandbox image" in reason


def test_processing_runs_in_the_same_environment(jobs: JobCase, python: Path) -> None:
    """`python3` of a processing job is the environment's."""
    jobs.post("images", {"uri": SKLEARN, "python": str(python)})
    application = {"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", "/opt/ml/processing/job/job.py"]}
    name = jobs.processing("import sklearn; print(sklearn.__version__)", AppSpecification=application)
    assert jobs.processed(name)["ProcessingJobStatus"] == "Completed"
    assert jobs.logs("ProcessingJobs", name) == ["1.4.2"]
