"""What this process counts of its own work, until it tells the others.

How often and how long: calls to a rail, waits for a connection, jobs. No row keeps that, and it
would not be worth one. To count costs a dictionary and no network; `reconciler/queue.py` adds up
what all processes have counted, and /metrics shows it. Every label is a word of ours, never one
that came in, so that there is a bound to how many there are.
"""

import bisect
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

# Seconds up to which a time is counted: from an acknowledgement to the end that a job is given.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 90.0)
SERIES_MAX = 5_000  # what all labels together come to is a few hundred

_MICROSECONDS = "us"
_TIMES = ""
_Key = tuple[str, tuple[str, ...], str]  # its name, its labels, and which part of it


@dataclass(frozen=True, slots=True)
class Family:
    """What is counted under one name: how often, or with `is_timed` also how long it took."""

    help: str
    labels: tuple[str, ...]
    is_timed: bool


FAMILIES = {
    "webhook_received_total": Family(
        "Calls of a rail by what became of them.", ("rail", "result"), is_timed=False
    ),
    "webhook_ack_seconds": Family("From a call's body to our answer.", ("rail",), is_timed=True),
    "rail_request_seconds": Family(
        "One request to a rail, from its first byte to its answer.",
        ("rail", "op", "code"),
        is_timed=True,
    ),
    "rail_retries_total": Family("Reads that were asked again.", ("rail", "op"), is_timed=False),
    "db_pool_wait_seconds": Family(
        "Until a connection to the database was there.", (), is_timed=True
    ),
    "tx_retry_total": Family(
        "Transactions that met another and were begun again.", ("sqlstate",), is_timed=False
    ),
    "job_seconds": Family("Jobs of a worker.", ("job", "result"), is_timed=True),
    "job_redo_total": Family(
        "Turns of a timed job that were begun again, their worker having died.",
        ("job",),
        is_timed=False,
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One series. `times` is how often; for what is timed, by the bound that it stayed within.

    The last of the times are those beyond every bound.
    """

    labels: tuple[str, ...]
    times: Sequence[int]
    seconds: float


_lock = threading.Lock()
_counted: Counter[_Key] = Counter()


def count(name: str, *labels: str) -> None:
    """It happened once more."""
    assert len(labels) == len(FAMILIES[name].labels), f"{name} has other labels"
    with _lock:
        _add((name, labels, _TIMES), 1)


def took(name: str, seconds: float, *labels: str) -> None:
    """It happened once more, and took so long."""
    assert len(labels) == len(FAMILIES[name].labels), f"{name} has other labels"
    with _lock:
        _add((name, labels, str(bisect.bisect_left(BOUNDS, seconds))), 1)
        _add((name, labels, _MICROSECONDS), round(seconds * 1_000_000))


def taken() -> dict[str, int]:
    """All that was counted since this was asked last, each by a name that `told` can read."""
    global _counted
    with _lock:
        found, _counted = _counted, Counter()
    return {msgspec.json.encode(key).decode(): number for key, number in found.items()}


def put_back(found: Mapping[str, int]) -> None:
    """It could not be told: it is to be taken again."""
    with _lock:
        for name, number in found.items():
            _add(msgspec.json.decode(name, type=_Key), number)


def told(found: Mapping[str, int]) -> dict[str, list[Told]]:
    """What all processes have counted, by family. What another release counted is left out."""
    series: dict[tuple[str, tuple[str, ...]], dict[str, int]] = {}
    for name, number in found.items():
        with suppress(msgspec.MsgspecError):
            family, labels, part = msgspec.json.decode(name, type=_Key)
            series.setdefault((family, labels), {})[part] = number
    read: dict[str, list[Told]] = {}
    for (name, labels), parts in sorted(series.items()):
        known = FAMILIES.get(name)
        if known is not None and len(labels) == len(known.labels):
            wanted = [str(place) for place in range(len(BOUNDS) + 1)] if known.is_timed else [""]
            times = [parts.get(part, 0) for part in wanted]
            seconds = parts.get(_MICROSECONDS, 0) / 1_000_000
            read.setdefault(name, []).append(Told(labels, times, seconds))
    return read


def _add(key: _Key, number: int) -> None:
    if key in _counted or len(_counted) < SERIES_MAX:
        _counted[key] += number


def _begin_anew() -> None:
    """A forked child has counted nothing yet; its parent will tell of what was counted before."""
    global _counted, _lock
    _counted, _lock = Counter(), threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)
