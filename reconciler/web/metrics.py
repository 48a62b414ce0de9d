"""/metrics, in Prometheus' text form.

Read from the database at each scrape, so that it is the same whichever process answers.
"""

from collections.abc import Iterable, Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from reconciler.errors import Unavailable
from reconciler.reads.gauges import Gauge, gauges
from reconciler.reads.measures import measures
from reconciler.runtime import Runtime
from reconciler.services import switches

PREFIX = "reconciler_"


class _Collected(Collector):
    """What one scrape shows."""

    def __init__(self, found: Iterable[Gauge]) -> None:
        self._found = list(found)

    @override
    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self._found:
            names = [name for name, _ in gauge.labels]
            family = families.setdefault(
                gauge.name, GaugeMetricFamily(PREFIX + gauge.name, gauge.help, labels=names)
            )
            family.add_metric([value for _, value in gauge.labels], gauge.value)
        yield from families.values()


def metrics_blueprint(runtime: Runtime) -> Blueprint:
    """The scrape. It needs no key: there are counts in it, no amounts and no names."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        registry.register(_Collected(_measured(runtime)))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


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
        with runtime.read() as session:
            found = [*gauges(session, runtime.now()), *measures(session, runtime.now())]
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
