"""Keeps what moto accepts and forgets of keys: how often they rotate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.kms.responses import KmsResponse

from terrace.sandbox.services.kept import wrap

_DAYS = 365  # between rotations, unless said otherwise


def install() -> None:
    """Put the operations of this module in the place of moto's. Once in a process, before the server starts."""
    wrap(KmsResponse, "enable_key_rotation", _enable_key_rotation)
    wrap(KmsResponse, "get_key_rotation_status", _get_key_rotation_status)


def _enable_key_rotation(original: Callable[[], Any], self: Any) -> Any:
    result = original()
    _key(self).rotation_days = self._get_param("RotationPeriodInDays") or _DAYS
    return result


def _get_key_rotation_status(original: Callable[[], Any], self: Any) -> Any:
    status = json.loads(original())
    if status["KeyRotationEnabled"]:
        status["RotationPeriodInDays"] = getattr(_key(self), "rotation_days", _DAYS)
    return json.dumps({**status, "KeyId": _key(self).id})


def _key(response: Any) -> Any:
    backend = response.kms_backend
    return backend.keys[backend.get_key_id(response._get_param("KeyId"))]
