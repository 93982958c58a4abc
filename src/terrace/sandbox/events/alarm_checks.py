"""What CloudWatch refuses of an alarm's definition, beside what the description of the operation says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terrace.sandbox.events import alarm_rule
from terrace.sandbox.services.extend import Refusal

DAY, WEEK, HOUR = 86_400, 604_800, 3_600
TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")


def check(get: Callable[[str], Any]) -> None:
    """Refuse what CloudWatch refuses.

    Args:
        get: The parameters of a call that makes an alarm, by name.

    Raises:
        Refusal: The definition makes no alarm.
    """
    if get("AlarmRule") is not None:
        _rule(get("AlarmRule"))
        return
    queries = get("Metrics") or []
    if bool(queries) == bool(get("MetricName")):
        raise _refused("You must specify either MetricName or Metrics, and not both.")
    if get("MetricName") and (get("Statistic") is None) == (get("ExtendedStatistic") is None):
        raise _refused("You must specify either Statistic or ExtendedStatistic, and not both.")
    periods = [int(get("Period") or 0)] if get("MetricName") else [int(one) for one in _periods(queries)]
    for period in periods:
        _period(period, int(get("EvaluationPeriods")))
    needed = get("DatapointsToAlarm")
    if needed is not None and int(needed) > int(get("EvaluationPeriods")):
        raise _refused("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    if get("TreatMissingData") not in (None, *TREATMENTS):
        raise _refused(f"TreatMissingData must be one of {', '.join(TREATMENTS)}.")
    if sum(str(query.get("ReturnData")).lower() == "true" for query in queries) > 1:
        raise _refused("Exactly one element of the metrics list should return data.")


def _rule(text: str) -> None:
    try:
        alarm_rule.parse(text)
    except ValueError as wrong:
        raise _refused(f"AlarmRule is not valid: {wrong}") from None


def _periods(queries: list[dict[str, Any]]) -> list[Any]:
    return [query["MetricStat"]["Period"] for query in queries if query.get("MetricStat")]


def _period(seconds: int, count: int) -> None:
    if seconds not in (10, 20, 30) and (seconds < 60 or seconds % 60):
        raise _refused("Period must be 10, 20, 30 or a multiple of 60.")
    longest = WEEK if seconds >= HOUR else DAY
    if seconds * count > longest:
        raise _refused(
            f"Metrics cannot be checked across more than {'seven days' if longest == WEEK else 'a day'} "
            "(EvaluationPeriods * Period)."
        )


def _refused(message: str) -> Refusal:
    return Refusal("ValidationError", message)
