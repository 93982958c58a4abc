"""When somebody is told about costs. Pure."""

from dataclasses import dataclass
from typing import Any

ANOMALY_SHARE = 0.1
"""Part of the monthly budget that an anomaly must cost before somebody is told."""


@dataclass(frozen=True)
class AlertRule:
    """A share of a budget that makes an alert."""

    kind: str
    """ACTUAL: spent already. FORECASTED: will be spent at this rate."""
    percent: int


def alert_rules() -> tuple[AlertRule, ...]:
    """Return the alerts of every budget: time to look, time to act, and the warning before."""
    return (AlertRule("ACTUAL", 80), AlertRule("ACTUAL", 100), AlertRule("FORECASTED", 100))


def tagged(tag: str, value: str) -> dict[str, Any]:
    """Return Cost Explorer's expression for costs that carry a tag."""
    return {"Tags": {"Key": tag, "Values": [value], "MatchOptions": ["EQUALS"]}}


def anomaly_threshold(monthly: float) -> dict[str, Any]:
    """Return from which cost on an anomaly is worth an e-mail, in US dollars, as the subscription takes it."""
    return {
        "dimension": {
            "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            "match_options": ["GREATER_THAN_OR_EQUAL"],
            "values": [str(max(1, round(monthly * ANOMALY_SHARE)))],
        }
    }
