"""Physical names and tags. One function knows what each service allows, so that no component has to.

A name is made of labels in a fixed order (organisation, environment, team, model, purpose), joined by hyphens. What is
too long is cut and given a hash of the whole, so that two names which agree in their first fifty characters stay apart.
An environment or a team with a hyphen of its own is followed by a short hash: without it, model `b-c` of team `a` and
model `c` of team `a-b` would have one name. The same labels become tags. Limits are those of AWS's own API models.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from terrace import __version__

HASH_LENGTH = 8
MARK_LENGTH = 4
"""Hex digits after a label that has a hyphen of its own; enough to tell two ways of splitting one name apart."""

LONGEST_END = 20
"""Characters of a last label that a name is sure to end with: the longest organisation and environment fit before."""

RESERVED_PREFIXES = ("amzn-s3-demo-", "sg-", "sthree-", "xn-")
"""What no organisation may begin with: S3 and EC2 reserve names that do."""


@dataclass(frozen=True)
class Limit:
    """What a service allows for the name of one kind of resource.

    Attributes:
        longest: Most characters of a name, its prefix included.
        pattern: What the whole name must match.
        prefix: What every name of this kind begins with.
        separator: What stands between the labels.
        global_: The name is shared by all accounts, so the account id is part of it.
        ends: The name ends with its last label even where it is cut: policies name roles by both ends.
    """

    longest: int
    pattern: str
    prefix: str = ""
    separator: str = "-"
    global_: bool = False
    ends: bool = False


_HYPHENATED = r"[a-zA-Z0-9](-*[a-zA-Z0-9])*"
_LOWER = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"

LIMITS: dict[str, Limit] = {
    "alarm": Limit(255, r"[^:]+"),
    "alias": Limit(256, r"alias/[a-zA-Z0-9/_-]+", prefix="alias/"),
    "anomaly": Limit(1024, r"[^\s]+"),
    "budget": Limit(100, r"[^:\\/]+"),
    "bucket": Limit(63, rf"(?!xn--|sthree-|amzn-s3-demo-){_LOWER}", global_=True),
    "codeartifact-domain": Limit(50, r"[a-z][a-z0-9-]{0,48}[a-z0-9]"),
    "codeartifact-repository": Limit(100, r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}"),
    "codebuild": Limit(150, r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}"),
    "dashboard": Limit(255, r"[A-Za-z0-9_-]+"),
    "domain": Limit(63, _HYPHENATED),
    "endpoint": Limit(63, _HYPHENATED),
    "endpoint-config": Limit(63, _HYPHENATED),
    "log-group": Limit(512, r"[.\-_/#A-Za-z0-9]+", prefix="/terrace/", separator="/"),
    "log-policy": Limit(255, r"[^:*]+"),
    "mlflow-app": Limit(256, _HYPHENATED),
    "mlflow-server": Limit(256, _HYPHENATED),
    "model": Limit(63, _HYPHENATED),
    "package-group": Limit(63, _HYPHENATED),
    "pipeline": Limit(256, _HYPHENATED),
    "policy": Limit(128, r"[\w+=,.@-]+"),
    "queue": Limit(80, r"[A-Za-z0-9_-]+"),
    "repository": Limit(256, r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*"),
    "role": Limit(64, r"[\w+=,.@-]+", ends=True),
    "rule": Limit(64, r"[.\-_A-Za-z0-9]+"),
    "schedule": Limit(64, r"[.\-_A-Za-z0-9]+"),
    "schedule-group": Limit(64, r"[.\-_A-Za-z0-9]+"),
    "secret": Limit(505, r"[A-Za-z0-9/_+=.@-]+"),
    "security-group": Limit(255, r"(?!sg-)[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+"),
    "tag": Limit(255, r".+"),
    "topic": Limit(256, r"[A-Za-z0-9_-]+"),
    "user-profile": Limit(63, _HYPHENATED),
}
"""Kind → what its service allows."""


def physical(kind: str, organisation: str, environment: str, *labels: str, account: str | None = None) -> str:
    """Return the name of a resource in AWS: legal for its service, the same at every run.

    Args:
        kind: What is named, a key of `LIMITS`.
        organisation: Short name of the organisation.
        environment: Name of the environment.
        *labels: Team and model, where the resource is a model's, and the purpose.
        account: AWS account id; part of names that all accounts share.

    Raises:
        ValueError: The kind is unknown, an account id is missing, or a label holds what no name may.
    """
    if kind not in LIMITS:
        raise ValueError(f"no name limit is known for {kind!r}; there are: {', '.join(sorted(LIMITS))}")
    limit = LIMITS[kind]
    parts = [organisation, environment, *labels]
    if limit.separator == "-":
        parts = _told_apart(parts)
    if limit.global_:
        if account is None:
            raise ValueError(f"the name of a {kind} needs the account id: all accounts share it")
        parts.append(account)
    name = limit.prefix + limit.separator.join(parts)
    if len(name) > limit.longest:
        name = _cut(name, limit, parts[-1])
    if not re.fullmatch(limit.pattern, name):
        raise ValueError(f"{name!r} is no legal name of a {kind}: it must match {limit.pattern}")
    return name


def _told_apart(labels: list[str]) -> list[str]:
    """Return the labels, those marked whose own hyphens could be read as the border to the next.

    That are environment and team. The model, which is the fourth, and a purpose right after the environment keep
    their hyphens: what stands before them tells where they begin.
    """
    marked = {1, 2} if len(labels) > 3 else {1}
    return [
        f"{label}-{short_hash(label)[:MARK_LENGTH]}" if index in marked and "-" in label else label
        for index, label in enumerate(labels)
    ]


def _cut(name: str, limit: Limit, last: str) -> str:
    """Return a name cut to its limit: as much of its beginning as fits, a hash of the whole, and its end if needed."""
    tail = f"{short_hash(name)}-{last}" if limit.ends and len(last) <= LONGEST_END else short_hash(name)
    return f"{name[: limit.longest - len(tail) - 1].rstrip('-./_')}-{tail}"


def short_hash(*defining: object) -> str:
    """Return eight hex digits of what defines a resource that is replaced rather than updated."""
    return hashlib.sha256("\0".join(map(str, defining)).encode()).hexdigest()[:HASH_LENGTH]


def platform_parameter(environment: str) -> str:
    """Return the name of the SSM parameter that holds an environment's platform contract."""
    return f"/terrace/{environment}/platform"


def model_parameter(environment: str, model: str, what: str = "contract") -> str:
    """Return the name of one of a model's SSM parameters: `contract` or `release`."""
    return f"/terrace/{environment}/{model}/{what}"


def made_up_account(environment: str) -> str:
    """Return the account id, 12 digits that begin with 9, under which an environment lives in the sandbox."""
    digest = int.from_bytes(hashlib.sha256(f"terrace:{environment}".encode()).digest()[:8], "big")
    return f"9{digest % 10**11:011d}"


def tags(
    *,
    owner: str,
    environment: str,
    cost_center: str,
    data_class: str,
    capability: str,
    level: int,
    team: str | None = None,
    model: str | None = None,
) -> dict[str, str]:
    """Return the cost-allocation tags of everything that belongs to a capability."""
    found = {
        "owner": owner,
        "environment": environment,
        "cost-center": cost_center,
        "data-class": data_class,
        "capability": capability,
        "level": str(level),
        "terrace": __version__,
    }
    if team is not None:
        found["team"] = team
    if model is not None:
        found["model"] = model
    return found


COST_TAGS = ("owner", "environment", "cost-center", "capability", "team", "model")
"""Tags that are switched on for cost allocation."""
