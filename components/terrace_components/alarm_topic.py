"""Who may publish to a topic of alarms. Pure."""

from terrace_components.documents import Document, allow, deny_insecure, document


def topic_policy(topic_arn: str, account: str) -> Document:
    """Return the policy of an alarm topic: alarms of this account publish, all by TLS."""
    return document(
        allow(
            "AlarmsPublish",
            ["sns:Publish"],
            [topic_arn],
            principal={"Service": "cloudwatch.amazonaws.com"},
            condition={"StringEquals": {"aws:SourceAccount": account}},
        ),
        deny_insecure("sns:Publish", [topic_arn]),
    )
