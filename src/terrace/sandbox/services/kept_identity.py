"""Adds to moto's IAM what identity providers lack: their audiences change."""

from __future__ import annotations

from typing import Any

from moto.core.responses import EmptyResult
from moto.iam.responses import IamResponse

from terrace.sandbox.services.extend import add


def install() -> None:
    """Put the operations of this module on moto's IAM. Once in a process, before the server starts."""
    add(IamResponse, [add_client_id_to_open_id_connect_provider, remove_client_id_from_open_id_connect_provider])


def add_client_id_to_open_id_connect_provider(self: Any) -> EmptyResult:
    """Add an audience; one that is there already is no error."""
    provider, audience = _provider(self), self._get_param("ClientID")
    if audience not in provider.client_id_list:
        provider.client_id_list = [*provider.client_id_list, audience]
    return EmptyResult()


def remove_client_id_from_open_id_connect_provider(self: Any) -> EmptyResult:
    """Remove an audience; one that is not there is no error."""
    provider, audience = _provider(self), self._get_param("ClientID")
    provider.client_id_list = [known for known in provider.client_id_list if known != audience]
    return EmptyResult()


def _provider(response: Any) -> Any:
    return response.backend.get_open_id_connect_provider(response._get_param("OpenIDConnectProviderArn"))
