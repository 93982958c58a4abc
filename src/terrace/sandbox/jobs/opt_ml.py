"""What a container finds under /opt/ml and in its variables, by AWS's description of it.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = "/opt/ml"
HOST = "algo-1"
_PARTS = ("input/config", "input/data", "model", "output/data", "code")


def inside(path: str) -> bool:
    """Tell whether a path of the container lies below /opt/ml."""
    return posixpath.normpath(path).startswith(f"{ROOT}/")


def here(opt_ml: Path, path: str) -> Path:
    """Return where a path of the container below /opt/ml is on this machine."""
    return opt_ml / posixpath.relpath(posixpath.normpath(path), ROOT)


def resource_config(instance: str) -> dict[str, Any]:
    """Return what a container is told of the instances: there is one."""
    return {
        "current_host": HOST,
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "hosts": [HOST],
        "instance_groups": [
            {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [HOST]},
        ],
        "network_interface_name": "lo",
    }


def lay_out_training(opt_ml: Path, request: Mapping[str, Any], channels: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the folders and files of a training job, but for its data."""
    for part in _PARTS:
        (opt_ml / part).mkdir(parents=True, exist_ok=True)
    instance = str(request["ResourceConfig"].get("InstanceType", ""))
    config = {
        "hyperparameters": dict(request.get("HyperParameters") or {}),
        "resourceconfig": resource_config(instance),
        "inputdataconfig": {name: _channel(one) for name, one in channels.items()},
        "metric-definition-regex": (request["AlgorithmSpecification"].get("MetricDefinitions") or []),
    }
    if request.get("CheckpointConfig"):
        config["checkpointconfig"] = dict(request["CheckpointConfig"])
    for name, said in config.items():
        (opt_ml / "input" / "config" / f"{name}.json").write_text(json.dumps(said))


def lay_out_processing(opt_ml: Path, request: Mapping[str, Any], name: str, arn: str) -> None:
    """Make the folders and files of a processing job, but for its data."""
    for part in ("config", "processing", "output"):
        (opt_ml / part).mkdir(parents=True, exist_ok=True)
    told = {"ProcessingJobArn": arn, "ProcessingJobName": name}
    told |= {key: value for key, value in request.items() if value and key != "ProcessingJobName"}
    (opt_ml / "config" / "processingjobconfig.json").write_text(json.dumps(told))
    instance = str(request["ProcessingResources"]["ClusterConfig"].get("InstanceType", ""))
    (opt_ml / "config" / "resourceconfig.json").write_text(json.dumps(resource_config(instance)))


def training_variables(request: Mapping[str, Any], channels: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the SM_ variables of a training job, as the training toolkit of AWS's images sets them."""
    hyper = {name: _decoded(value) for name, value in (request.get("HyperParameters") or {}).items()}
    own = {name: value for name, value in hyper.items() if not name.startswith(("sagemaker_", "_tuning_"))}
    resources = resource_config(str(request["ResourceConfig"].get("InstanceType", "")))
    program = str(hyper.get("sagemaker_program", ""))
    said: dict[str, Any] = {
        "SM_MODEL_DIR": f"{ROOT}/model",
        "SM_INPUT_DIR": f"{ROOT}/input",
        "SM_INPUT_CONFIG_DIR": f"{ROOT}/input/config",
        "SM_INPUT_DATA_CONFIG": {name: _channel(one) for name, one in channels.items()},
        "SM_OUTPUT_DIR": f"{ROOT}/output",
        "SM_OUTPUT_DATA_DIR": f"{ROOT}/output/data",
        "SM_OUTPUT_INTERMEDIATE_DIR": f"{ROOT}/output/intermediate",
        "SM_MODULE_DIR": str(hyper.get("sagemaker_submit_directory", f"{ROOT}/code")),
        "SM_MODULE_NAME": program.removesuffix(".py"),
        "SM_USER_ENTRY_POINT": program,
        "SM_CHANNELS": sorted(channels),
        "SM_HPS": own,
        "SM_HOSTS": [HOST],
        "SM_CURRENT_HOST": HOST,
        "SM_CURRENT_INSTANCE_TYPE": resources["current_instance_type"],
        "SM_CURRENT_INSTANCE_GROUP": resources["current_group_name"],
        "SM_RESOURCE_CONFIG": resources,
        "SM_NETWORK_INTERFACE_NAME": resources["network_interface_name"],
        "SM_NUM_CPUS": os.cpu_count() or 1,
        "SM_NUM_GPUS": 0,
        "SM_NUM_NEURONS": 0,
        "SM_LOG_LEVEL": 20,
        "SM_USER_ARGS": user_arguments(own),
    }
    said |= {f"SM_CHANNEL_{_word(name)}": f"{ROOT}/input/data/{name}" for name in channels}
    said |= {f"SM_HP_{_word(name)}": value for name, value in own.items()}
    said["SM_TRAINING_ENV"] = {name.removeprefix("SM_").lower(): value for name, value in said.items()}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}


def user_arguments(hyper: Mapping[str, Any]) -> list[str]:
    """Return hyperparameters as arguments of a script."""
    words: list[str] = []
    for name, value in sorted(hyper.items()):
        words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return words


def _channel(channel: Mapping[str, Any]) -> dict[str, str]:
    source = (channel.get("DataSource") or {}).get("S3DataSource") or {}
    said = {
        "TrainingInputMode": "File",
        "S3DistributionType": source.get("S3DataDistributionType") or "FullyReplicated",
        "RecordWrapperType": channel.get("RecordWrapperType") or "None",
    }
    if channel.get("ContentType"):
        said["ContentType"] = channel["ContentType"]
    return said


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _word(name: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())
