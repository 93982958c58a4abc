"""Which engine runs a program on which target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terrace import paths
from terrace.engine import Engine
from terrace.errors import EngineError
from terrace.target import Target

ENGINES = ("embedded",)


def open_engine(name: str, target: Target) -> Engine:
    """Return an engine for a target.

    Args:
        name: `embedded`, which runs in this process and needs only Python.
        target: Where resources go.

    Raises:
        EngineError: The engine is not built yet, or cannot work on the target.
    """
    if name not in ENGINES:
        raise EngineError(
            f"The engine {name} is not built yet.", f"Engines that work: {', '.join(ENGINES)}; leave --engine out."
        )
    if target.url is None:
        raise EngineError(
            f"The embedded engine works on the sandbox alone, and account {target.account} is on AWS.",
            "Use Pulumi itself: `pulumi up --stack ENV` in the folder of the program.",
        )
    from terrace.engine.embedded import EmbeddedEngine
    from terrace.sandbox.provider.facade import SandboxProvider

    url = target.url

    def connect(inputs: Mapping[str, Any]) -> SandboxProvider:
        provider = SandboxProvider(url, paths.home())
        provider.configure(inputs)
        return provider

    return EmbeddedEngine(paths.home(), connect, target.incarnation)
