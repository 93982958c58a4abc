"""Evaluates alarms: metric alarms by their values, composite alarms by the states of others."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from terrace.sandbox.events import alarm_rule
from terrace.sandbox.events.alarm_data import Recent, Watched, dimensions
from terrace.sandbox.events.alarm_math import Series, UnsupportedMathError, evaluate
from terrace.sandbox.events.alarm_state import (
    ALARM,
    COMPARISONS,
    INSUFFICIENT_DATA,
    MORE,
    OK,
    Judgement,
    Terms,
    judge,
    reason,
)
from terrace.sandbox.events.service_metrics import QUEUES, queues

_LOG = logging.getLogger(__name__)
TICK = 1.0
"""Seconds between two looks at all alarms."""
GROWING = ("Sum", "Maximum", "SampleCount")
"""Statistics that only grow while a period lasts: what is too much already stays too much."""

Place = tuple[str, str]
"""Account and region."""
Changed = Callable[[Place, Any, str, str, str], None]
"""Changes an alarm's state: place, alarm, new state, reason, data of the reason."""


class Evaluator:
    """Looks at all alarms every few seconds, in a thread that sleeps while there are none.

    Args:
        changed: Changes an alarm's state.
        now: The time in seconds since 1970, for tests.
    """

    def __init__(self, changed: Changed, now: Callable[[], float] = time.time) -> None:
        self._changed = changed
        self._now = now
        self._recent: dict[Place, Recent] = {}
        self._wanted = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Begin to look: there is an alarm."""
        self._wanted.set()
        if self._thread is None and not self._stopped:
            self._thread = threading.Thread(target=self._run, name="events-alarms", daemon=True)
            self._thread.start()

    def reset(self) -> None:
        """Forget the values that were read."""
        self._recent.clear()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._wanted.set()

    def look(self) -> int:
        """Evaluate every alarm once; return how many there are."""
        count = 0
        for place, backend in _backends():
            alarms = list(backend.alarms.values())
            count += len(alarms)
            if alarms:
                self._look(place, backend, alarms)
        return count

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            if self._stopped:
                return
            self._wanted.clear()
            try:
                count = self.look()
            except Exception:
                _LOG.exception("Alarms could not be evaluated")
                count = 1
            if count:
                self._wanted.set()
                time.sleep(TICK)

    def _look(self, place: Place, backend: CloudWatchBackend, alarms: list[Any]) -> None:
        metrics = [alarm for alarm in alarms if alarm.rule is None]
        looked_at = [one for alarm in metrics for one in watched(alarm).values()]
        named = {name for one in looked_at if one.namespace == QUEUES for _, name in one.dimensions}
        if named:
            queues(place, named)
        wanted = {(one.namespace, one.name) for one in looked_at}
        recent = self._recent.setdefault(place, Recent())
        recent.look(backend.metric_data, wanted)
        for alarm in metrics:
            if not _held(alarm, self._now()):
                self._metric(place, alarm, recent)
        for _ in alarms:
            # An alarm on alarms may be what another one looks at.
            changed = [
                self._composite(place, backend, alarm)
                for alarm in alarms
                if alarm.rule is not None and not _held(alarm, self._now())
            ]
            if not any(changed):
                break

    def _metric(self, place: Place, alarm: Any, recent: Recent) -> None:
        unable = _unable(alarm)
        if unable:
            self._change(place, alarm, INSUFFICIENT_DATA, f"The sandbox cannot evaluate this alarm: {unable}", "{}")
            return
        terms, period = terms_of(alarm), period_of(alarm)
        step = 60 if period >= 60 else 10
        end = self._now() // step * step
        try:
            judged = None
            if _grows(alarm):
                # What is too much before its minute is over need not wait for it.
                end += step
                judged = judge(terms, self._values(alarm, recent, end, terms))
            if judged is None or judged.state != ALARM:
                end = self._now() // step * step
                judged = judge(terms, self._values(alarm, recent, end, terms))
        except UnsupportedMathError as unsupported:
            said = f"The sandbox cannot evaluate this alarm: {unsupported}"
            self._change(place, alarm, INSUFFICIENT_DATA, said, "{}")
            return
        if judged.state is not None and judged.state != alarm.state_value:
            self._tell(place, alarm, terms, judged, end, period)

    def _tell(self, place: Place, alarm: Any, terms: Terms, judged: Judgement, end: float, period: int) -> None:
        starts = [datetime.fromtimestamp(end - (number + 1) * period, UTC) for number in range(terms.periods + MORE)]
        said = reason(terms, alarm.state_value, judged, [f"{start:%d/%m/%y %H:%M:%S}" for start in starts])
        data = {
            "version": "1.0",
            "queryDate": stamp(datetime.fromtimestamp(self._now(), UTC)),
            "startDate": stamp(starts[terms.periods - 1]),
            "statistic": alarm.statistic or alarm.extended_statistic,
            "period": period,
            "recentDatapoints": list(judged.values),
            "threshold": terms.threshold,
        }
        state = judged.state or INSUFFICIENT_DATA
        self._change(place, alarm, state, said, json.dumps({k: v for k, v in data.items() if v is not None}))

    def _values(self, alarm: Any, recent: Recent, end: float, terms: Terms) -> list[float | None]:
        periods = terms.periods + MORE
        found = {id: recent.series(one, end, periods) for id, one in watched(alarm).items()}
        series = found.get("") if not alarm.metric_data_queries else _returned(alarm, found, periods)
        return [(series or {}).get(number) for number in range(periods)]

    def _composite(self, place: Place, backend: CloudWatchBackend, alarm: Any) -> bool:
        def state_of(name: str) -> str | None:
            found = backend.alarms.get(name)
            return found.state_value if found else None

        rings = alarm_rule.parse(alarm.rule)(state_of)
        state = ALARM if rings else OK
        if state == alarm.state_value:
            return False
        self._change(place, alarm, state, f"The rule {alarm.rule} is {'' if rings else 'not '}fulfilled.", "{}")
        return True

    def _change(self, place: Place, alarm: Any, state: str, said: str, data: str) -> None:
        if state != alarm.state_value or (state == INSUFFICIENT_DATA and alarm.state_reason.startswith("Unchecked")):
            self._changed(place, alarm, state, said, data)


def watched(alarm: Any) -> dict[str, Watched]:
    """Return the metrics of an alarm by their id in its math; an alarm on one metric has it under no id."""
    if not alarm.metric_data_queries:
        statistic = alarm.statistic or alarm.extended_statistic or ""
        dims = dimensions(alarm.dimensions)
        return {"": Watched(alarm.namespace, alarm.metric_name, dims, statistic, int(alarm.period), alarm.unit)}
    return {
        query.id: Watched(
            query.metric_stat.metric.namespace,
            query.metric_stat.metric.metric_name,
            dimensions(query.metric_stat.metric.dimensions),
            query.metric_stat.stat,
            int(query.metric_stat.period),
            query.metric_stat.unit,
        )
        for query in alarm.metric_data_queries
        if query.metric_stat is not None
    }


def terms_of(alarm: Any) -> Terms:
    """Return when an alarm rings."""
    periods = int(alarm.evaluation_periods)
    return Terms(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        periods=periods,
        needed=int(alarm.datapoints_to_alarm or periods),
        missing=alarm.treat_missing_data or "missing",
    )


def period_of(alarm: Any) -> int:
    """Return the seconds of one period."""
    return max((one.period for one in watched(alarm).values()), default=60)


def stamp(moment: datetime) -> str:
    """Return a time as CloudWatch writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _returned(alarm: Any, series: dict[str, Series], periods: int) -> Series:
    """Return the series that an alarm on metric math compares with its threshold."""
    queries, metrics = list(alarm.metric_data_queries), list(series)
    wanted = _wanted(queries)
    known: dict[str, Series] = dict(series)
    left = [query for query in queries if query.expression]
    # Expressions may build on each other, in any order; each round evaluates those whose parts are known.
    while left:
        for query in left:
            try:
                known[query.id] = evaluate(query.expression, known, metrics, periods)
            except UnsupportedMathError:
                continue
            left.remove(query)
            break
        else:
            evaluate(left[0].expression, known, metrics, periods)  # raises what is wrong with it
    return known[wanted.id]


def _wanted(queries: list[Any]) -> Any:
    """Return the query whose values count: the one that returns data, else the last expression."""
    said = [query for query in queries if query.return_data is True or str(query.return_data).lower() == "true"]
    return (said or [query for query in queries if query.expression] or queries)[-1]


def _grows(alarm: Any) -> bool:
    if alarm.metric_data_queries or not alarm.comparison_operator.startswith("Greater"):
        return False
    return alarm.statistic in GROWING


def _unable(alarm: Any) -> str:
    """Return why the sandbox cannot evaluate an alarm, nothing if it can."""
    if alarm.comparison_operator not in COMPARISONS:
        return f"it has no {alarm.comparison_operator}, which needs a band of expected values."
    if alarm.threshold_metric_id:
        return "it has no bands of expected values."
    for one in watched(alarm).values():
        if not one.known:
            return f"it has no statistic {one.statistic}."
    return ""


def _held(alarm: Any, now: float) -> bool:
    """Tell whether somebody set the state, which holds until AWS would look again: the next minute."""
    return now < float(getattr(alarm, "_terrace_held", 0.0))


def _backends() -> Iterator[tuple[Place, CloudWatchBackend]]:
    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            yield (account, region), backend
