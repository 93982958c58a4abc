"""The sandbox provider that both engines drive: settings of the provider, handlers by type, journal of creations."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from terrace import paths
from terrace.errors import SandboxError
from terrace.sandbox.provider import registry
from terrace.sandbox.provider.base import Clients, Diff, Failure, Handler, InvokeError, Props, State
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.provider.errors import already_there, told
from terrace.sandbox.provider.journal import Entry, Journal

# What the SDK sends by itself: settings that mean nothing here, and the values that it gives them.
_DEFAULTS = {"skipCredentialsValidation": False, "skipRegionValidation": True}
_SILENT = {"version", "__internal", "pluginDownloadURL"}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]|\[\"([^\"]+)\"\]")


class SandboxProvider:
    """Drives handlers against the sandbox at `url`; see the protocol `base.Provider` for the calls.

    One instance stands for one provider resource: configure it once, then use it from any number of threads.

    Args:
        url: Address of the sandbox, `http://127.0.0.1:PORT`.
        home: Folder that holds the journal; Terrace's own without it.
    """

    def __init__(self, url: str, home: Path | None = None) -> None:
        self._url = url
        self._home = home or paths.home()
        self._clients: Clients | None = None
        self._journal: Journal | None = None
        self._resuming = threading.Lock()

    def configure(self, inputs: Props) -> None:
        """Take `region` and `allowedAccountIds` with its one account; any other setting is refused by name.

        Raises:
            SandboxError: a setting is missing, malformed or not one that the sandbox has.
        """
        given = {k: _parsed(v) for k, v in inputs.items() if v is not None and k not in _SILENT}
        region, accounts = given.pop("region", None), given.pop("allowedAccountIds", None)
        for name, value in given.items():
            if name not in _DEFAULTS or value != _DEFAULTS[name]:
                raise SandboxError(
                    f"The provider's setting {name!r} means nothing in the sandbox.",
                    "Set region and allowedAccountIds alone.",
                )
        if not isinstance(region, str) or not _REGION.fullmatch(region):
            raise SandboxError(f"The provider's region is {region!r}; it must be one like 'eu-central-1'.")
        if not isinstance(accounts, list) or len(accounts) != 1 or not re.fullmatch(r"\d{12}", str(accounts[0])):
            raise SandboxError(
                f"The provider's allowedAccountIds is {accounts!r}; it must hold one account's 12 digits."
            )
        account = str(accounts[0])
        self._clients = SandboxClients(self._url, account, region)
        self._journal = Journal(self._home / "journal" / f"{account}-{region}")

    def knows(self, type: str) -> bool:
        """Tell whether the sandbox has a resource type."""
        return registry.handler(type) is not None

    def is_store(self, type: str) -> bool:
        """Tell whether a type holds data or history, which an `up` never deletes."""
        return _handler(type).store

    def inputs_of(self, type: str) -> frozenset[str]:
        """Return the names of a type's inputs."""
        return frozenset(_handler(type).inputs)

    def check(self, urn: str, type: str, inputs: Props) -> list[Failure]:
        """Return what is wrong with the inputs, before anything is made."""
        return _handler(type).check(_plain(inputs))

    def diff(
        self, urn: str, type: str, old: Props, new: Props, ignore: Iterable[str] = (), *, id: str | None = None
    ) -> Diff:
        """Compare inputs of the last run with those of this one; a change at an ignored path is none."""
        before, after = _plain(old), _plain(new)
        for path in ignore:
            after = _reset(before, after, path)
        _, journal = self._ready()
        journal.know(urn, type, id=id, inputs=_written(_handler(type), before))
        return _handler(type).diff(before, after)

    def create(self, urn: str, type: str, inputs: Props, *, preview: bool = False) -> State:
        """Make a resource, or take up the one that an interrupted call for the same resource left."""
        given = _plain(inputs)
        if preview:
            return State("", given)
        handler = _handler(type)
        with told(_cannot("created", urn, type)):
            return self._resume(handler, urn, given) or self._make(handler, urn, given)

    def read(self, urn: str, type: str, id: str, inputs: Props) -> State | None:
        """Return the resource as AWS has it now, None when it is gone."""
        aws, journal = self._ready()
        given = _plain(inputs)
        journal.know(urn, type, id=id, inputs=_written(_handler(type), given))
        with told(_cannot("read", urn, type)):
            state = _handler(type).read(aws, id, given)
        if state is None:
            journal.deleted(urn, type, id)
        return state

    def update(self, urn: str, type: str, id: str, old: Props, new: Props, *, preview: bool = False) -> State:
        """Bring a resource from the old inputs to the new ones. A preview returns what is known of the result."""
        aws, _ = self._ready()
        handler, before, after = _handler(type), _plain(old), _plain(new)
        with told(_cannot("updated", urn, type)):
            if not preview:
                return handler.update(aws, id, before, after)
            now = handler.read(aws, id, before)
            return State(id, {**(now.outputs if now else {}), **after})

    def delete(self, urn: str, type: str, id: str, inputs: Props) -> None:
        """Remove a resource; already gone is no error."""
        aws, journal = self._ready()
        with told(_cannot("deleted", urn, type)):
            _handler(type).delete(aws, id, _plain(inputs))
        journal.deleted(urn, type, id)

    def purge(self, urn: str, type: str, id: str, inputs: Props) -> None:
        """Empty what a store holds, so that it can be deleted: a person asked to delete data."""
        aws, _ = self._ready()
        handler, given = _handler(type), _plain(inputs)
        with told(_cannot("emptied", urn, type)):
            if handler.read(aws, id, given) is not None:
                handler.purge(aws, id, given)

    def invoke(self, token: str, args: Props) -> Props:
        """Call a data source.

        Raises:
            InvokeError: the data source is not one that the sandbox has, or AWS refused.
        """
        function = registry.invoke(token)
        if function is None:
            raise InvokeError(f"the sandbox has no data source {token}")
        aws, _ = self._ready()
        try:
            with told("it is refused"):
                return function(aws, _plain(args))
        except SandboxError as error:
            raise InvokeError(str(error)) from error

    def _make(self, handler: Handler, urn: str, inputs: dict[str, Any]) -> State:
        aws, journal = self._ready()
        written = _written(handler, inputs)
        journal.intend(urn, handler.type, written)
        try:
            state = handler.create(aws, inputs)
        except ClientError as error:
            if already_there(error):
                journal.forget(urn, handler.type, Entry(written))  # what is there is somebody else's
            raise
        journal.made(urn, handler.type, written, state.id)
        return state

    def _resume(self, handler: Handler, urn: str, inputs: dict[str, Any]) -> State | None:
        """Take up what an earlier, interrupted creation of this resource left, None when it left nothing usable."""
        aws, journal = self._ready()
        for entry in journal.entries(urn, handler.type):
            if entry.known:
                continue
            id, state = self._left(handler, urn, entry)
            if id is None or state is None:
                journal.forget(urn, handler.type, entry)
            elif handler.diff(entry.inputs, inputs).replace:
                # Nobody knows it and it cannot become what is wanted now. A store is left in place all the same.
                if not handler.store:
                    handler.delete(aws, id, entry.inputs)
                journal.deleted(urn, handler.type, id)
            else:
                if entry.id is None:
                    state = handler.update(aws, id, {}, entry.inputs)  # ends the creation that was cut short
                if handler.diff(entry.inputs, inputs):
                    state = handler.update(aws, id, entry.inputs, inputs)
                journal.made(urn, handler.type, _written(handler, inputs), id)
                return state
        return None

    def _left(self, handler: Handler, urn: str, entry: Entry) -> tuple[str | None, State | None]:
        aws, journal = self._ready()
        id = entry.id
        if id is None:
            # Two resources with equal inputs may look for theirs at once: the first to claim one has it.
            with self._resuming:
                taken = journal.claimed(handler.type)
                id = next((c for c in handler.candidates(aws, entry.inputs) if c not in taken), None)
                if id is not None:
                    journal.made(urn, handler.type, entry.inputs, id)
        return id, handler.read(aws, id, entry.inputs) if id else None

    def _ready(self) -> tuple[Clients, Journal]:
        if self._clients is None or self._journal is None:
            raise SandboxError("The provider is used before it is configured.")
        return self._clients, self._journal


def _handler(type: str) -> Handler:
    found = registry.handler(type)
    if found is None:
        raise SandboxError(f"The sandbox has no resource type {type}.")
    return found


def _written(handler: Handler, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return inputs as the journal has them; without its secrets, a creation cut short is ended by an update."""
    secret = handler.secrets(inputs)
    return {name: value for name, value in inputs.items() if name not in secret}


def _cannot(verb: str, urn: str, type: str) -> str:
    return f"{type.rpartition(':')[2]} {urn.split('::', 3)[-1]!r} cannot be {verb}"


def _parsed(value: Any) -> Any:
    """Return a provider's setting, which arrives as JSON text unless it is a string."""
    if isinstance(value, str) and (value[:1] in ("[", "{") or value in ("true", "false")):
        return json.loads(value)
    return value


def _plain(inputs: Props) -> dict[str, Any]:
    """Return inputs without nulls, with whole numbers as `int`: neither is a difference on the wire."""
    result: dict[str, Any] = _normal(inputs)
    return result


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _normal(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_normal(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _reset(old: dict[str, Any], new: dict[str, Any], path: str) -> dict[str, Any]:
    """Return new inputs with the old value at a path like `tags.owner`, `rules[0].id` or `tags["a.b"]`."""
    steps = [int(index) if index else name or quoted for name, index, quoted in _STEP.findall(path)]
    result: dict[str, Any] = _with(old, new, steps)
    return result


def _with(old: Any, new: Any, steps: list[str | int]) -> Any:
    if not steps:
        return old
    step, rest = steps[0], steps[1:]
    if isinstance(new, MutableMapping) and isinstance(old, Mapping):
        if step in old:
            return {**new, step: _with(old[step], new.get(step), rest)}
        return new if rest else {k: v for k, v in new.items() if k != step}
    if isinstance(new, list) and isinstance(old, list) and isinstance(step, int) and step < min(len(old), len(new)):
        return [_with(old[i], v, rest) if i == step else v for i, v in enumerate(new)]
    return new
