"""Finds the handler of a type and the function of an invoke, importing only the service that is asked for.

The token `aws:s3/bucket:Bucket` belongs to the module `s3` of this package. A service module (or package) has
`HANDLERS`, a tuple of handler classes, and may have `INVOKES`, functions by token.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from terrace.sandbox.provider.base import Handler, Invoke

_TOKEN = re.compile(r"aws:([a-z0-9]+)/[A-Za-z0-9]+:[A-Za-z0-9]+")
SERVICES = (
    "budgets",
    "cloudwatch",
    "codeartifact",
    "codebuild",
    "costexplorer",
    "ec2",
    "ecr",
    "iam",
    "index",
    "kms",
    "s3",
    "sagemaker",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "vpc",
)


def handler(type: str) -> Handler | None:
    """Return the handler of a resource type, None when the sandbox does not have it."""
    service = _service(type)
    return _handlers(service).get(type) if service else None


def invoke(token: str) -> Invoke | None:
    """Return the function of a data source, None when the sandbox does not have it."""
    service = _service(token)
    module = _module(service) if service else None
    invokes: Mapping[str, Invoke] = getattr(module, "INVOKES", {})
    return invokes.get(token)


def handlers() -> dict[str, Handler]:
    """Return every handler by type, for tests and the reference. Imports all services."""
    return {type: found for service in SERVICES for type, found in _handlers(service).items()}


def _service(token: str) -> str | None:
    match = _TOKEN.fullmatch(token)
    return match.group(1) if match and match.group(1) in SERVICES else None


@cache
def _handlers(service: str) -> dict[str, Handler]:
    module = _module(service)
    classes: tuple[type[Handler], ...] = getattr(module, "HANDLERS", ())
    return {cls.type: cls() for cls in classes}


def _module(service: str) -> ModuleType | None:
    name = f"{__package__}.{service}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None
