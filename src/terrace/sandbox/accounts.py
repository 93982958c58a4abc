"""Environments are accounts, and the access key tells which.

moto looks an access key up among the users it knows and takes unknown ones for its default account. Here a key carries
its account, so that any client works with it and a reset forgets nothing.
"""

from __future__ import annotations

import re

_KEY = re.compile(r"AKIA(\d{12})[A-Z0-9]{4}")


def access_key(account: str) -> str:
    """Return the access key of an account, 20 characters as AWS's are."""
    return f"AKIA{account}AAAA"


def install() -> None:
    """Make moto read the account from the key. Once in a process, before the server starts."""
    from moto.iam import models

    original = models.get_account_id_from

    def get_account_id_from(access_key: str) -> str:
        found = _KEY.fullmatch(access_key or "")
        return found.group(1) if found else original(access_key)

    models.get_account_id_from = get_account_id_from
