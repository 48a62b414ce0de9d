"""Places where a test may stop, slow or kill the program; nothing at all in ordinary life.

`failpoint("refund.after_send")` asks a dictionary that is empty unless a test filled it: in its
own process with `armed`, in a child's with a text such as `refund.after_send=kill9:p0.02`.
"""

import os
import random
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Action = Callable[[], object]

_armed: dict[str, Action] = {}
_SHAPE = re.compile(
    r"(?P<name>[a-z_]+\.[a-z_]+)=(?P<act>kill9|stop|raise|sleep)"
    r"(?::(?P<seconds>[0-9]+(?:\.[0-9]+)?))?(?::p(?P<share>[01](?:\.[0-9]+)?))?"
)


class Struck(RuntimeError):
    """A failpoint was told to raise."""


def failpoint(name: str) -> None:
    """Do what a test asked to happen here, if any did."""
    if _armed:
        _armed.get(name, _nothing)()


@contextmanager
def armed(actions: Mapping[str, Action]) -> Iterator[None]:
    """Let these happen at their places, in this process, for as long as the block lasts."""
    before = dict(_armed)
    _armed.update(actions)
    try:
        yield
    finally:
        _armed.clear()
        _armed.update(before)


def arm_from(text: str, *, is_live: bool) -> None:
    """Arm from `name=kill9:p0.02;name=sleep:5;…`. Raises ValueError, also beside a live key."""
    if not text:
        return
    if is_live:
        raise ValueError("failpoints and a live key never meet")
    for part in text.split(";"):
        shape = _SHAPE.fullmatch(part.strip())
        if not shape:
            raise ValueError(f"{part!r} is no failpoint; expected name=kill9|stop|raise|sleep:n")
        action = _action(shape["act"], float(shape["seconds"] or 1))
        _armed[shape["name"]] = _sometimes(action, float(shape["share"] or 1))


def strike() -> None:
    """An action: raise where the failpoint stands."""
    raise Struck("a failpoint was armed here")


def _action(name: str, seconds: float) -> Action:
    return {
        "kill9": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        "raise": strike,
        "sleep": lambda: threading.Event().wait(seconds),
    }[name]


def _sometimes(action: Action, share: float) -> Action:
    return lambda: action() if random.random() < share else None  # noqa: S311  no secret


def _nothing() -> None:
    return None
