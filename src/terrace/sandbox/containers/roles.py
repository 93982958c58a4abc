"""How a container reaches AWS: as its role, in its account, at the sandbox's address."""

from __future__ import annotations

import re
from typing import Any

from terrace.sandbox.client import environment

_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/.+")


def role_environment(url: str, account: str, role_arn: str, region: str, session: str) -> dict[str, str]:
    """Return the variables that make any AWS client in a container act as a role.

    Args:
        url: Address of the sandbox.
        account: Account that a container without a role acts in.
        role_arn: The role; its account is the one that is acted in. What is no ARN of a role is none.
        region: AWS region.
        session: Name of the session, which `sts get-caller-identity` shows.
    """
    from moto.sts.models import sts_backends

    found = _ROLE.fullmatch(role_arn)
    if found is None:
        return environment(url, account, region)
    account = found[1]
    backend: Any = sts_backends[account]["aws"]
    role = backend.assume_role(region, session[:64], role_arn, "", 3600, "")
    return {
        **environment(url, account, region),
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
    }
