"""/metrics, in Prometheus' text form: the same whichever process answers.

What rows say is read from the database at each scrape; what processes count of their own work is
read where all of them tell it (reconciler/tally.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from reconciler import tally
from reconciler.books.people import Scope
from reconciler.errors import Unavailable
from reconciler.reads.amounts import amounts
from reconciler.reads.gauges import Gauge, gauges
from reconciler.reads.measures import measures
from reconciler.runtime import Runtime
from reconciler.services import switches
from reconciler.web import http, problems

PREFIX = "reconciler_"
_SO_FAR = "_total"  # how the name of what only grows ends


class _Collected(Collector):
    """What one scrape shows."""

    def __init__(self, found: Iterable[Gauge], told: dict[str, list[tally.Told]]) -> None:
        self._found = list(found)
        self._told = told

    @override
    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for gauge in self._found:
            if gauge.name not in families:
                families[gauge.name] = _family(gauge)
            families[gauge.name].add_metric([value for _, value in gauge.labels], gauge.value)
        yield from families.values()
        for name, known in tally.FAMILIES.items():
            yield _counted(name, known, self._told.get(name, ()))


def metrics_blueprint(runtime: Runtime) -> Blueprint:
    """The scrape. Without a key there are counts and ages in it, with one also amounts."""
    blueprint = Blueprint("metrics", __name__)
    problems.answer_errors(blueprint)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        told = tally.told(runtime.queue.told())
        registry.register(_Collected(_measured(runtime), told))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


def _family(gauge: Gauge) -> GaugeMetricFamily | CounterMetricFamily:
    kind = CounterMetricFamily if gauge.name.endswith(_SO_FAR) else GaugeMetricFamily
    return kind(PREFIX + gauge.name, gauge.help, labels=[name for name, _ in gauge.labels])


def _counted(name: str, known: tally.Family, told: Sequence[tally.Told]) -> Metric:
    """All series of one family; without labels there is one from the start."""
    series = told if told or known.labels else [tally.Told((), (), 0)]
    if not known.is_timed:
        counter = CounterMetricFamily(PREFIX + name, known.help, labels=known.labels)
        for one in series:
            counter.add_metric(one.labels, sum(one.times))
        return counter
    timed = HistogramMetricFamily(PREFIX + name, known.help, labels=known.labels)
    bounds = [*(str(bound) for bound in tally.BOUNDS), "+Inf"]
    for one in series:
        up_to = list(accumulate(one.times)) or [0] * len(bounds)
        timed.add_metric(one.labels, list(zip(bounds, up_to, strict=True)), one.seconds)
    return timed


def _queues(runtime: Runtime) -> list[Gauge]:
    """Whether Redis answers, and who it says is there."""
    seen = runtime.queue.look()
    found = [Gauge("redis_up", "Whether Redis answers.", int(seen is not None))]
    if seen is None:
        return found
    for queue in seen.queues:
        label = (("queue", queue.name),)
        found.append(Gauge("workers", "Workers that are alive.", len(queue.workers), label))
        found.append(Gauge("queue_waiting", "Nudges that wait.", queue.waiting, label))
    return [*found, Gauge("clocks", "Clocks that beat within the last minute.", len(seen.clocks))]


def _measured(runtime: Runtime) -> list[Gauge]:
    queues = _queues(runtime)
    up_help = "Whether the database answers."
    try:
        has_key = "Authorization" in request.headers
        if has_key:
            http.principal(runtime, Scope.READ)
        with runtime.read() as session:
            found = [*gauges(session, runtime.now()), *measures(session, runtime.now())]
            found += amounts(session) if has_key else []
            found += [
                Gauge(
                    "killswitch_on",
                    "A switch that a person has turned off.",
                    int(not s.on),
                    (("name", s.name),),
                )
                for s in switches.states(session)
            ]
    except Unavailable:
        return [*queues, Gauge("database_up", up_help, 0)]
    return [*queues, Gauge("database_up", up_help, 1), *found]
