"""Who may publish to a topic of alarms. Pure."""

from terrace_components.documents import Document, allow, deny_insecure, document

PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com")


def topic_policy(topic_arn: str, account: str) -> Document:
    """Return the policy of an alarm topic: AWS's alarms and budgets of this account publish, all by TLS."""
    return document(
        allow(
            "AlarmsPublish",
            ["sns:Publish"],
            [topic_arn],
            principal={"Service": list(PUBLISHERS)},
            condition={"StringEquals": {"aws:SourceAccount": account}},
        ),
        deny_insecure("sns:Publish", [topic_arn]),
    )
