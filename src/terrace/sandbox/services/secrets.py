"""Policies of secrets that are on their way out: AWS shows, takes and deletes none; moto did all three."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend

LEAVING = "You can't perform this operation on the secret because it was marked for deletion."
OPERATIONS = ("get_resource_policy", "put_resource_policy", "delete_resource_policy")


def install() -> None:
    """Refuse the operations on such secrets. Once in a process, before the server starts."""
    for name in OPERATIONS:
        setattr(SecretsManagerBackend, name, _refusing(getattr(SecretsManagerBackend, name)))


def _refusing(operation: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(operation)
    def refusing(self: SecretsManagerBackend, secret_id: str, *args: Any, **more: Any) -> Any:
        secret = self.secrets.get(secret_id)
        if secret is not None and secret.is_deleted():
            raise InvalidRequestException(LEAVING)
        return operation(self, secret_id, *args, **more)

    return refusing
