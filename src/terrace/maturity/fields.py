"""Kinds of values that settings are made of, each refused with what is allowed."""

from __future__ import annotations

import difflib
import ipaddress
import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from terrace.maturity.names import RESERVED_PREFIXES
from terrace.maturity.regions import REGIONS
from terrace.maturity.schedules import known_timezone, problem

# fmt: off
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on
"""What CloudWatch Logs takes as retention, in days."""


class Settings(BaseModel):
    """Base of all settings: frozen, camelCase in files, and nothing that is not known."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
        validate_default=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, value: Any) -> Any:
        """Take a key without a value as absent."""
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def _matches(pattern: str, says: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(says)
        return value

    return AfterValidator(check)


def _text(value: Any) -> Any:
    """Refuse a number where digits are meant as text: YAML reads an unquoted account id as one and drops its zeros."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("must be text; put the digits in quotes, because YAML reads them as a number")
    return value


def _whole(value: Any) -> Any:
    """Take whole numbers only. Other languages send `1.0` for 1, and `pulumi config set` writes `"1"`."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int):
        return value
    raise ValueError("must be a whole number")


def _slug(longest: int) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value) or len(value) > longest:
            raise ValueError(
                f"must begin with a lower-case letter, hold lower-case letters, digits and single hyphens, "
                f"not end with a hyphen, and have at most {longest} characters"
            )
        return value

    return AfterValidator(check)


def _region(value: str) -> str:
    if value not in REGIONS:
        near = difflib.get_close_matches(value.lower(), REGIONS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"must be one of the AWS regions {', '.join(REGIONS)}{hint}")
    return value


def _unreserved(value: str) -> str:
    """Refuse what AWS reserves as the beginning of a name: every physical name begins with the organisation."""
    for reserved in RESERVED_PREFIXES:
        if f"{value}-".startswith(reserved):
            raise ValueError(f"must not begin with {reserved.rstrip('-')}-, which AWS reserves; for example my-{value}")
    return value


def _retention(value: int) -> int:
    if value not in RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, RETENTION_DAYS))} days: CloudWatch Logs takes no other")
    return value


def _schedule(value: str) -> str:
    if found := problem(value):
        raise ValueError(found)
    return value


def _timezone(value: str) -> str:
    if not known_timezone(value):
        raise ValueError("must be the name of a time zone such as Europe/Berlin or UTC")
    return value


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of US dollars a month")
    if not math.isfinite(value) or not 0 < value <= 10_000_000:
        raise ValueError("must be above 0 and at most 10000000 US dollars a month")
    return value


def _network(value: str) -> str:
    try:
        found = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f"must be an IPv4 range such as 10.0.0.0/16 ({error})") from error
    if found.version != 4 or not found.is_private or not 16 <= found.prefixlen <= 20:
        raise ValueError("must be a private IPv4 range from /16 to /20, such as 10.0.0.0/16")
    return value


def _flag(value: Any) -> Any:
    """Take true and false; `pulumi config set` writes them as text."""
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Whole = Annotated[int, BeforeValidator(_whole)]
Organisation = Annotated[Text, _slug(16), AfterValidator(_unreserved)]
Environment = Annotated[Text, _slug(12)]
TeamName = Annotated[Text, _slug(16)]
ModelName = Annotated[Text, _slug(32)]
ProfileName = Annotated[Text, _slug(32)]
Region = Annotated[Text, AfterValidator(_region)]
Account = Annotated[Text, _matches(r"[0-9]{12}", "must be an AWS account id: 12 digits in quotes")]
Digits = Annotated[Text, _matches(r"[0-9]{1,20}", "must be a numeric id: digits in quotes")]
Email = Annotated[
    Text,
    _matches(
        r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "must be an e-mail address such as mlops@acme.example"
    ),
]
CostCenter = Annotated[
    Text, _matches(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}", "must be 1 to 64 letters, digits, spaces and any of . _ / -")
]
Retention = Annotated[Whole, AfterValidator(_retention)]
DeletionDays = Annotated[Whole, Field(ge=7, le=30)]
Dollars = Annotated[float, BeforeValidator(_amount)]
Cidr = Annotated[Text, AfterValidator(_network)]
InstanceType = Annotated[
    Text, _matches(r"ml\.[a-z0-9-]+\.[a-z0-9]+", "must be a SageMaker instance type such as ml.m5.large")
]
BucketPrefix = Annotated[
    Text, _matches(r"[a-z0-9][a-z0-9/_-]{0,127}", "must be a path of lower-case letters, digits, / _ and -")
]
Folder = Annotated[
    Text,
    _matches(
        r"(?=.{1,64}$)[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*/?",
        "must be a path of lower-case letters, digits, _ and -, in parts separated by /, at most 64 characters",
    ),
    AfterValidator(lambda text: f"{text.rstrip('/')}/"),
]
"""A prefix of keys that ends in a slash, whether or not it was written."""
KeyArn = Annotated[
    Text,
    _matches(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", "must be the ARN of a key: arn:aws:kms:…:key/…"
    ),
]
PolicyArn = Annotated[
    Text,
    _matches(
        r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+",
        "must be the ARN of a policy: arn:aws:iam::…:policy/…",
    ),
]
OidcProviderArn = Annotated[
    Text,
    _matches(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9._/:-]+",
        "must be the ARN of an OIDC provider: arn:aws:iam::…:oidc-provider/…",
    ),
]
SecretArn = Annotated[
    Text,
    _matches(
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+",
        "must be the ARN of a secret: arn:aws:secretsmanager:…:secret:…",
    ),
]
HttpsUrl = Annotated[Text, _matches(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/%-]*)?", "must be an https URL")]
Schedule = Annotated[Text, AfterValidator(_schedule)]
Timezone = Annotated[Text, AfterValidator(_timezone)]
Branch = Annotated[Text, _matches(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", "must be the name of a git branch")]
ImageUri = Annotated[
    Text,
    _matches(
        r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9._/-]+@sha256:[0-9a-f]{64}",
        "must be an image by digest: <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>",
    ),
]
