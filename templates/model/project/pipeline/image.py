"""Builds the image of this work tree and prints it: for runs of a branch, which change nothing that is deployed.

Needs Terrace (`infra/requirements.txt`), and a model that `terrace up` has brought to the environment before.
"""

from __future__ import annotations

import sys
from pathlib import Path

from terrace.contracts import need_model
from terrace.images import ensure_image
from terrace.project import open_project
from terrace.source import read_source


def main(environment: str) -> None:
    """Print the image as `repository@sha256:…`, and build it if no build has made it yet."""
    project = open_project(Path(__file__).parents[1], environment)
    target = project.target()
    contract = need_model(target, environment, project.settings.model)
    print(ensure_image(target, contract, read_source(project.root), lambda text: print(text, file=sys.stderr)))


if __name__ == "__main__":
    main(sys.argv[1])
