"""What the programs of a build know of the sandbox: where it is, as whom the build runs, what it has made so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from terrace.sandbox.client import session


@dataclass(frozen=True)
class Context:
    """A build, as its `docker` and `aws` see it.

    Attributes:
        home: `TERRACE_HOME`.
        url: Address of the sandbox.
        account: Account of the build.
        region: Region of the build.
        folder: Folder for what the build's docker keeps between calls.
        pip: The variables that tell pip, on this machine, where packages come from.
    """

    home: str
    url: str
    account: str
    region: str
    folder: str
    pip: Mapping[str, str]

    def write(self, path: Path) -> None:
        """Write the context for the programs of the build."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: str) -> Context:
        """Read what `write` wrote."""
        return cls(**json.loads(Path(path).read_text()))

    def client(self, service: str) -> Any:
        """Return a boto3 client for the account of the build."""
        return session(self.url, self.account, self.region).client(service)

    @property
    def registry(self) -> str:
        """Host of the account's own image registry."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"
