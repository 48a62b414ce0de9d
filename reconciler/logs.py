"""Logs: one line an event, as JSON when a machine reads them. Nothing secret or personal.

An event is named noun.past_participle and carries ids, never prose and never what customers
wrote; ids are enough to find the rest on the screens. What is logged at a fault says where it was
raised and of what kind it is, but not its text, which may hold what somebody typed. And what holds
line ends or colours for terminals all the same is written so that it can neither end the line nor
paint over it.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from typing_extensions import override

_FRAMES_MAX = 12  # the innermost: where it broke


def set_up_logs() -> None:
    """Once a process, before anything is logged."""
    is_terminal = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _says_where,
            _on_one_line,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(_OneLine("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[told])


class _OneLine(logging.Formatter):
    """What libraries say, in one line each."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def printable(text: str) -> str:
    """The same text with whatever no page would print written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _says_where(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.pop("exc_info", None):
        kind, error, trace = sys.exc_info()
        if kind is not None:
            frames = traceback.extract_tb(trace)[-_FRAMES_MAX:]
            event["error"] = kind.__qualname__
            event["raised_at"] = [f"{at.filename}:{at.lineno} {at.name}" for at in frames]
            cause = error.__cause__ if error else None
            if cause is not None:
                event["caused_by"] = type(cause).__qualname__
    return event


def _on_one_line(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value)
    return event
