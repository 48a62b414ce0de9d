"""Logs: one line an event, as JSON when a machine reads them. Nothing secret or personal.

An event is named noun.past_participle and carries ids, never prose and never what customers
wrote; ids are enough to find the rest on the screens.
"""

import logging
import sys

import structlog


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
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
