"""The entrypoint of images that stand for AWS's prebuilt ones: runs a script by the contract of its training toolkit.

It is run as a script by the environment's own interpreter, which need not have Terrace: standard library only.

The script is the hyperparameter `sagemaker_program`, in `sagemaker_submit_directory` (unpacked to /opt/ml/code); other
hyperparameters become its arguments. What ends it goes to /opt/ml/output/failure in the toolkit's words.
https://github.com/aws/sagemaker-training-toolkit
"""

# pathlib is not needed for a handful of fixed places.
# ruff: noqa: PTH103, PTH112, PTH113, PTH123
from __future__ import annotations

import collections
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from typing import Any

ROOT = os.environ.get("SM_INPUT_DIR", "/opt/ml/input").removesuffix("/input")
CODE = f"{ROOT}/code"
_TAIL_LINES = 40


def main() -> int:
    """Run the script; return its exit code."""
    if sys.argv[1:2] == ["serve"]:
        return fail("The sandbox does not serve with AWS's prebuilt images: bring an image that answers /ping.")
    if sys.argv[1:2] != ["train"]:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  (a container's other command, as with docker)
    with open(f"{ROOT}/input/config/hyperparameters.json") as file:
        hyper = {name: decoded(value) for name, value in json.load(file).items()}
    program = str(hyper.get("sagemaker_program", ""))
    if not program:
        return fail("No script was named: the hyperparameter sagemaker_program is missing.")
    trouble = unpack(str(hyper.get("sagemaker_submit_directory", CODE)))
    if trouble:
        return fail(trouble)
    if not os.path.isfile(f"{CODE}/{program}"):
        return fail(f"The script {program} is not in the submitted directory.")
    trouble = install(f"{CODE}/requirements.txt")
    if trouble:
        return fail(trouble)
    return run(program, arguments(hyper))


def decoded(value: str) -> Any:
    """Return a hyperparameter as the SDK has encoded it: JSON, or a plain word."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def arguments(hyper: dict[str, Any]) -> list[str]:
    """Return hyperparameters as the script's arguments, by name."""
    words: list[str] = []
    for name in sorted(hyper):
        if not name.startswith(("sagemaker_", "_tuning_")):
            value = hyper[name]
            option = f"-{name}" if len(name) == 1 else f"--{name}"
            words += [option, value if isinstance(value, str) else json.dumps(value)]
    return words


def unpack(source: str) -> str:
    """Put the submitted directory into /opt/ml/code; return what is wrong, empty if nothing is."""
    if source.startswith("s3://"):  # the sandbox has fetched it before, where there is a network
        source = f"{CODE}/sourcedir.tar.gz"
    if os.path.isdir(source):
        if os.path.realpath(source) != os.path.realpath(CODE):
            shutil.copytree(source, CODE, dirs_exist_ok=True)
        return ""
    try:
        with tarfile.open(source) as archive:
            archive.extractall(CODE, filter="data")
    except (OSError, tarfile.TarError) as error:
        return f"The submitted directory {source} cannot be unpacked: {error}"
    return ""


def install(requirements: str) -> str:
    """Install what the script's requirements.txt asks for; return what is wrong, empty if nothing is.

    The environment belongs to the machine and is not written to: what it lacks is said.
    """
    if not os.path.isfile(requirements):
        return ""
    missing = []
    with open(requirements) as file:
        for line in file:
            name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
            if name is None:
                continue
            try:
                importlib.metadata.version(name[1])
            except importlib.metadata.PackageNotFoundError:
                missing.append(name[1])
    if missing:
        return (
            f"requirements.txt asks for {', '.join(missing)}, which the environment of this image does not have and a "
            "job cannot install: add them to it, or name another: `terrace sandbox image URI --python PATH`."
        )
    sys.stdout.write("requirements.txt: the environment has all it names (versions are not compared)\n")
    return ""


def run(program: str, words: list[str]) -> int:
    """Run the script in /opt/ml/code, passing on signals and what it prints; return its exit code."""
    command = (
        [sys.executable, "-u", program, *words] if program.endswith(".py") else ["/bin/sh", f"./{program}", *words]
    )
    paths = [CODE, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "SM_MODULE_DIR": CODE, "PYTHONPATH": ":".join(paths)}
    sys.stdout.write(f"Invoking script with the following command: {' '.join(command)}\n")
    sys.stdout.flush()
    process = subprocess.Popen(command, cwd=CODE, env=env, stderr=subprocess.PIPE)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    last: collections.deque[bytes] = collections.deque(maxlen=_TAIL_LINES)

    def follow() -> None:
        assert process.stderr is not None  # noqa: S101  (it is a pipe)
        for line in process.stderr:
            last.append(line)
            sys.stderr.buffer.write(line)
            sys.stderr.flush()

    reader = threading.Thread(target=follow)
    reader.start()
    code = process.wait()
    reader.join(5)
    if code == 0:
        return 0
    code = 128 - code if code < 0 else code
    said = b"".join(last).decode(errors="replace").strip()
    return fail(
        f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{said[-700:]}"\nCommand "{" ".join(command)}"', code
    )


def fail(reason: str, code: int = 1) -> int:
    """Leave the reason where SageMaker reads it; return the exit code."""
    os.makedirs(f"{ROOT}/output", exist_ok=True)
    with open(f"{ROOT}/output/failure", "w") as file:
        file.write(reason)
    sys.stderr.write(reason + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
