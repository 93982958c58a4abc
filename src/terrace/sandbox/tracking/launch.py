"""Runs an MLflow server in one process; a script for the interpreter of MLflow's own environment.

`python launch.py DATABASE ARTIFACTS` listens where SAGEMAKER_BIND_TO_HOST and SAGEMAKER_BIND_TO_PORT say.

`mlflow server` is two processes, of which the first only waits for the second: twice the memory and a second import.
What it tells the second by variables is told here; they are private to the version that the lock pins.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module


def main() -> None:
    """Make or take up the database, and serve until SIGTERM."""
    place, artifacts = sys.argv[1:3]
    # A URI of the file's name alone: no folder has letters that a URI gives a meaning.
    os.chdir(os.path.dirname(place))  # noqa: PTH120
    database = f"sqlite:///{os.path.basename(place)}"  # noqa: PTH119
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": database,
        "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": artifacts,
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    # Deprecations of MLflow's own are nothing that a reader of the server's log can act on.
    warnings.simplefilter("ignore")
    import_module("mlflow.server.handlers").initialize_backend_stores(database, database, artifacts)
    app = import_module("mlflow.server.fastapi_app").app
    import_module("uvicorn").run(
        app,
        host=os.environ.get("SAGEMAKER_BIND_TO_HOST", "127.0.0.1"),
        port=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        log_level="warning",
    )


if __name__ == "__main__":
    main()
