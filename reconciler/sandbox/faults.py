"""What can go wrong between a program and its rail, on demand.

A rule says which requests it befalls (method, path, how many, how likely) and what happens:

    delay        the answer waits `seconds` before anything is done
    slow         waits `seconds` while the work goes on: the idempotency key is in use
    drop_before  the connection closes and nothing was done
    drop_after   everything was done, and the connection closes without an answer
    late_effect  the connection closes now; the request is carried out `seconds` later
    half_body    everything was done; the answer breaks off in the middle
    answer       nothing was done; the answer is `status` (409, 429, 500, 503)
    saved_500    500, kept under the idempotency key; done all the same if `effect`
    redirect     302 to another place
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, Self, get_args

from reconciler.sandbox.json_types import Json

Kind = Literal[
    "delay",
    "slow",
    "drop_before",
    "drop_after",
    "late_effect",
    "half_body",
    "answer",
    "saved_500",
    "redirect",
]
KINDS: tuple[str, ...] = get_args(Kind)
_PER_MILLION = 1_000_000


@dataclass(slots=True)
class Fault:
    """One rule. `count` is how many requests it befalls before it is spent; None is for ever."""

    kind: str
    method: str = "*"
    path: str = "/v1/*"
    count: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 500
    effect: bool = False
    should_retry: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is no fault; known are {', '.join(KINDS)}")

    @classmethod
    def from_json(cls, given: Json) -> Self:
        """A rule as it is posted. Raises ValueError for a name that is none of a rule's."""
        unknown = given.keys() - {part.name for part in fields(cls)}
        if unknown or "kind" not in given:
            raise ValueError(f"a fault has a kind, and not {', '.join(sorted(unknown))}")
        return cls(**given)

    def befalls(self, method: str, path: str) -> bool:
        """Whether the rule is about such a request."""
        return self.method in ("*", method) and fnmatchcase(path, self.path)


class Faults:
    """The rules in force. The first one that fits a request befalls it."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._chance = random.Random(seed)  # noqa: S311 - repeatable accidents, not a secret
        self._late: list[threading.Timer] = []
        self._wake = threading.Event()

    def add(self, kind: str, **rule: Any) -> Fault:  # noqa: ANN401 - the fields of Fault
        """Put a rule in force: `faults.add("drop_after", method="POST", path="/v1/refunds")`."""
        fault = Fault.from_json({"kind": kind} | rule)
        with self._lock:
            self._rules.append(fault)
        return fault

    def clear(self) -> None:
        """No more accidents; what is late still happens."""
        with self._lock:
            self._rules.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The rule that befalls this request, one use of it spent."""
        with self._lock:
            for fault in self._rules:
                if fault.befalls(method, path) and self._spend(fault):
                    return fault
        return None

    def _spend(self, fault: Fault) -> bool:
        if fault.count == 0:
            return False
        if self._chance.randrange(_PER_MILLION) >= fault.probability * _PER_MILLION:
            return False
        if fault.skip:
            fault.skip -= 1
            return False
        if fault.count is not None:
            fault.count -= 1
        return True

    def pause(self, seconds: float) -> None:
        """Let a request wait."""
        self._wake.wait(seconds)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Carry out a request after its connection is gone."""
        timer = threading.Timer(seconds, work)
        timer.daemon = True
        with self._lock:
            self._late.append(timer)
        timer.start()

    def wait_for_late_effects(self) -> None:
        """Until everything that was late has happened."""
        with self._lock:
            late, self._late = self._late, []
        for timer in late:
            timer.join()
