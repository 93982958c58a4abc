"""Key policies: who may do what with a key. Pure: account and region in, documents out."""

from dataclasses import dataclass

from terrace.maturity.documents import Document, Statement, account_root, allow, document

ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


@dataclass(frozen=True)
class KeyPurpose:
    """What one key of the environment is for."""

    id: str
    description: str
    services: tuple[str, ...] = ()
    """AWS services that publish into topics encrypted with the key; CloudWatch Logs has a statement of its own."""
    logs: bool = False


DATA = KeyPurpose("data", "data sets, home folders and packages")
MODELS = KeyPurpose("models", "models, artifacts, images and endpoints")
LOGS = KeyPurpose(
    "logs",
    "log groups, alarm topics and queues of what was not delivered",
    services=("cloudwatch.amazonaws.com", "events.amazonaws.com"),
    logs=True,
)


def key_policy(account: str, region: str, purpose: KeyPurpose) -> Document:
    """Return the policy of one key.

    The account's IAM decides who of it administers and uses the key, and roles name the key in their own policies.
    Grants are only for AWS services that work on somebody's behalf. Services use the key for this account alone.
    """
    root = {"AWS": account_root(account)}
    statements = [
        allow("AccountAdministers", ADMINISTER, ["*"], principal=root),
        allow("AccountUses", USE, ["*"], principal=root),
        allow(
            "AccountGrantsToServices",
            ["kms:CreateGrant"],
            ["*"],
            principal=root,
            condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
    if purpose.logs:
        statements.append(_logs_use(account, region))
    if purpose.services:
        statements.append(_services_publish(account, purpose.services))
    return document(*statements)


def _logs_use(account: str, region: str) -> Statement:
    groups = f"arn:aws:logs:{region}:{account}:log-group:*"
    return allow(
        "LogGroupsUse",
        USE,
        ["*"],
        principal={"Service": f"logs.{region}.amazonaws.com"},
        condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _services_publish(account: str, services: tuple[str, ...]) -> Statement:
    return allow(
        "ServicesPublish",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        ["*"],
        principal={"Service": list(services)},
        condition={"StringEquals": {"aws:SourceAccount": account}},
    )
