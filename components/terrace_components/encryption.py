"""Encryption: the environment's own keys for data, models and logs."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.maturity.key_policies import DATA, LOGS, MODELS, KeyPurpose, key_policy
from terrace_components.child import Children
from terrace_components.documents import policy
from terrace_components.placement import Place, Placement


class EncryptionArgs(TypedDict):
    """Arguments of Encryption."""

    placement: Placement
    """Where the component stands."""
    data_key_arn: NotRequired[str]
    """A key of your own for data; none is built for it then."""
    models_key_arn: NotRequired[str]
    """A key of your own for models and images; none is built for it then."""
    logs_key_arn: NotRequired[str]
    """A key of your own for logs and alarms; CloudWatch Logs must be allowed to use it. None is built for it then."""


class Encryption(pulumi.ComponentResource):
    """Customer-managed keys for data, models and logs: rotated, with an alias each, restorable after deletion."""

    data_key_arn: pulumi.Output[str]
    """ARN of the key for data."""
    models_key_arn: pulumi.Output[str]
    """ARN of the key for models and images."""
    logs_key_arn: pulumi.Output[str]
    """ARN of the key for logs and alarms."""

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = Place.of(args["placement"])
        super().__init__("terrace:index:Encryption", name, {}, opts)
        self._child = Children(self, name, self._place, "encryption")

        self.data_key_arn = self._key(DATA, args.get("data_key_arn"))
        self.models_key_arn = self._key(MODELS, args.get("models_key_arn"))
        self.logs_key_arn = self._key(LOGS, args.get("logs_key_arn"))

        self.register_outputs(
            {
                "data_key_arn": self.data_key_arn,
                "models_key_arn": self.models_key_arn,
                "logs_key_arn": self.logs_key_arn,
            }
        )

    def _key(self, purpose: KeyPurpose, brought: str | None) -> pulumi.Output[str]:
        if brought is not None:
            return pulumi.Output.from_input(brought)
        key = self._child(
            aws.kms.Key,
            f"{purpose.id}-key",
            description=f"{self._place.prefix}: {purpose.description}",
            policy=policy(key_policy(self._place.account, self._place.region, purpose)),
            enable_key_rotation=True,
            deletion_window_in_days=self._place.kms_deletion_days,
        )
        self._child(
            aws.kms.Alias,
            f"{purpose.id}-alias",
            name=self._place.name("alias", purpose.id),
            target_key_id=key.key_id,
        )
        return key.arn
