"""Provider instances of a stack: each is one connection, made from the inputs of its provider resource."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from terrace.engine.embedded import urns
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.state import State
from terrace.engine.embedded.values import holds_unknown, plain
from terrace.engine.model import ResourceError
from terrace.errors import EngineError
from terrace.sandbox.provider.base import Props, Provider

PACKAGE = "aws"
Connect = Callable[[Props], Provider]
"""Returns a configured provider for the inputs of a provider resource (`region`, `allowedAccountIds`, …)."""

# What decides where resources are: they cannot follow a provider that moves.
_PLACE = ("region", "allowedAccountIds")


class Providers:
    """Connects provider instances when they are first needed. Safe between threads.

    Args:
        connect: Makes a provider from inputs.
        state: Where provider resources are recorded.
        config: The program's configuration; `aws:region` and `aws:allowedAccountIds` make the default provider.
    """

    def __init__(self, connect: Connect, state: State, config: Mapping[str, str] | None = None) -> None:
        self._connect = connect
        self._state = state
        self._config = config or {}
        self._connected: dict[str, Provider] = {}
        self._lock = threading.Lock()

    def of(self, record: Record) -> Provider:
        """Return the provider that a recorded resource belongs to."""
        with self._lock:
            if record.provider not in self._connected:
                found = self._state.get(record.provider)
                if found is None:
                    raise ResourceError(record.urn, f"{record.type} {record.name!r} has no provider in the state.")
                self._connected[record.provider] = self._make(found.urn, found.inputs)
            return self._connected[record.provider]

    def declare(self, urn: str, type: str, inputs: Mapping[str, Any], old: Record | None, parent: str = "") -> Record:
        """Connect a provider that the program declares, and return its record.

        Raises:
            EngineError: It is not of AWS, is not known yet, or would move resources to another account or region.
        """
        if type != urns.PROVIDER_PREFIX + PACKAGE:
            raise ResourceError(
                urn,
                f"The embedded engine has no provider for {type.removeprefix(urns.PROVIDER_PREFIX)!r}; it is for "
                f"{PACKAGE!r} in the sandbox alone.",
                "Run with Pulumi's engine: --engine pulumi.",
            )
        if holds_unknown(dict(inputs)):
            raise ResourceError(urn, f"The inputs of provider {urns.name_of(urn)!r} must be known before the run.")
        if old is not None:
            self._refuse_move(old, inputs)
        with self._lock:
            self._connected[urn] = self._make(urn, inputs)
        identity = old.id if old is not None else str(uuid.uuid4())
        return Record(urn, type, id=identity, inputs=dict(inputs), outputs=dict(inputs), parent=parent)

    def declare_default(self, stack: str, project: str, type: str, version: str) -> Record:
        """Connect the provider of resources that name none, as Pulumi makes it: from the `aws:` configuration.

        Raises:
            EngineError: The configuration does not say where it would be.
        """
        if type.split(":", 1)[0] != PACKAGE:
            raise EngineError(f"The embedded engine has no provider for {type}; it is for {PACKAGE!r} alone.")
        if f"{PACKAGE}:region" not in self._config:
            raise EngineError(
                f"A resource of type {type} names no provider, and there is no default one.",
                "Pass it `opts=pulumi.ResourceOptions(provider=…)`, or set aws:region and aws:allowedAccountIds.",
            )
        prefix = f"{PACKAGE}:"
        inputs = {key.removeprefix(prefix): value for key, value in self._config.items() if key.startswith(prefix)}
        name = "_".join(["default", *version.split(".")]) if version else "default"
        urn = urns.make(stack, project, "", urns.PROVIDER_PREFIX + PACKAGE, name)
        return self.declare(urn, urns.PROVIDER_PREFIX + PACKAGE, inputs, self._state.get(urn))

    def _make(self, urn: str, inputs: Mapping[str, Any]) -> Provider:
        try:
            return self._connect(settings(inputs))
        except EngineError:
            raise
        except Exception as error:
            raise ResourceError(urn, f"Provider {urns.name_of(urn)!r} cannot be used: {error}", cause=error) from error

    def _refuse_move(self, old: Record, inputs: Mapping[str, Any]) -> None:
        before, after = settings(old.inputs), settings(inputs)
        moved = [name for name in _PLACE if before.get(name) != after.get(name)]
        tenants = sum(1 for record in self._state if record.provider == old.urn and record.made_by_provider)
        if moved and tenants:
            changes = ", ".join(f"{name} from {before.get(name)!r} to {after.get(name)!r}" for name in moved)
            raise ResourceError(
                old.urn,
                f"Provider {old.name!r} would change {changes}, and {tenants} resources cannot move with it.",
                "Put the old value back, or destroy the stack first.",
            )


def settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provider's inputs as plain values: on the wire, all but texts are JSON in a text."""
    found = {}
    for name, value in plain(dict(inputs)).items():
        if name == "version" or name.startswith("__"):
            continue
        is_json = isinstance(value, str) and (value[:1] in ("[", "{") or value in ("true", "false"))
        found[name] = json.loads(value) if is_json else value
    return found
