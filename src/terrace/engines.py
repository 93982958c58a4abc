"""Which engine runs a program on which target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from terrace import paths
from terrace.engine import Engine, Program, StackResource
from terrace.errors import EngineError
from terrace.target import Target, load_sandbox

if TYPE_CHECKING:
    from terrace.engine.embedded import EmbeddedEngine
    from terrace.engine.pulumi.engine import PulumiEngine

ENGINES = ("embedded", "pulumi")


def choose_engine(name: str | None, target: Target, program: Program) -> str:
    """Return the engine that a stack is run with.

    Args:
        name: What the user asks for; None leaves it to what is there: the engine that has the stack's state, else
            Pulumi where its command line is found, else the embedded one.
        target: Where resources go.
        program: Project and stack.

    Raises:
        EngineError: The engine cannot work on the target, or the other one has the stack's state.
    """
    if target.url is None:
        if name == "embedded":
            raise EngineError(
                f"The embedded engine works on the sandbox alone, and account {target.account} is on AWS.",
                "Leave --engine out: Pulumi's engine is used.",
            )
        return "pulumi"
    owner = _owner(target, program)
    stack = f"{program.project}/{program.stack}"
    if name == "pulumi" and owner == "embedded":
        raise EngineError(
            f"The embedded engine has the state of {stack}.",
            f"Move it to Pulumi, without making anything anew, with: terrace import {program.stack} --from embedded",
        )
    if name == "embedded" and owner == "pulumi":
        raise EngineError(f"Pulumi has the state of {stack}.", "Leave --engine out, or name --engine pulumi.")
    if name or owner:
        return name or owner or ""
    from terrace.engine.pulumi.where import find_cli

    return "pulumi" if find_cli() else "embedded"


def open_engine(name: str, target: Target) -> Engine:
    """Return an engine for a target.

    Args:
        name: `embedded`, which runs in this process and needs only Python, or `pulumi`, which drives Pulumi's own.
        target: Where resources go.

    Raises:
        EngineError: There is no such engine, or it cannot work on the target.
    """
    if name not in ENGINES:
        raise EngineError(f"There is no engine {name!r}.", f"There are: {', '.join(ENGINES)}.")
    if name == "pulumi":
        return open_pulumi(target)
    return open_embedded(target)


def open_embedded(target: Target) -> EmbeddedEngine:
    """Return the embedded engine for a target.

    Raises:
        EngineError: The target is on AWS.
    """
    if target.url is None:
        raise EngineError(f"The embedded engine works on the sandbox alone, and account {target.account} is on AWS.")
    from terrace.engine.embedded import EmbeddedEngine

    return EmbeddedEngine(paths.home(), lambda inputs: _provider(target, inputs), target.incarnation)


def open_pulumi(target: Target) -> PulumiEngine:
    """Return Pulumi's engine for a target: in the sandbox with its provider attached, on AWS with nothing of it."""
    from terrace.engine.pulumi.engine import PulumiEngine

    if target.url is None:
        return PulumiEngine(paths.home(), target.environment())

    def purge(resource: StackResource) -> None:
        inputs = {"region": target.region, "allowedAccountIds": [target.account]}
        _provider(target, inputs).purge(resource.urn, resource.type, resource.id, resource.inputs)

    variables = {**target.environment(), **attachment()}
    return PulumiEngine(paths.home(), variables, target.incarnation, purge)


def attachment() -> dict[str, str]:
    """Return the variables that attach the running sandbox to Pulumi's engine: its provider, and where Pulumi's own
    host for Python is missing, the sandbox's.
    """
    from terrace.engine.pulumi.where import find_host

    port = load_sandbox(paths.home()).post("plugin", {})["port"]
    found = {"PULUMI_DEBUG_PROVIDERS": f"aws:{port},aws-native:{port}"}
    return found if find_host() else {**found, "PULUMI_DEBUG_LANGUAGES": f"python:{port}"}


def _provider(target: Target, inputs: Mapping[str, Any]) -> Any:
    from terrace.sandbox.provider.facade import SandboxProvider

    assert target.url is not None  # noqa: S101  (the callers' condition)
    provider = SandboxProvider(target.url, paths.home())
    provider.configure(inputs)
    return provider


def _owner(target: Target, program: Program) -> str | None:
    """Return which engine has a stack's resources in this life of the sandbox, None if neither has."""
    from terrace.engine.pulumi.where import life_of

    if life_of(paths.home(), program) == target.incarnation:
        return "pulumi"
    folder = paths.home() / "state" / program.project / program.stack
    if folder.is_dir() and any(resource.custom for resource in open_embedded(target).resources(program)):
        return "embedded"
    return None
