"""Answer a rail: prove who speaks, keep what was said, say thank you. Nothing else."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from reconciler import tally
from reconciler.books.observations import RailEvent
from reconciler.errors import Refused, Unavailable
from reconciler.ingest import Kept
from reconciler.rails.protocol import Rail
from reconciler.runtime import Runtime
from reconciler.services import inbox
from reconciler.work import Cause, Task

BODY_BYTES_MAX = 1 << 20
Door: TypeAlias = Callable[[bytes, Mapping[str, Any]], bytes]
"""Takes a body and what WSGI says of its request, and gives the body of the answer."""

# Kept beside the body as evidence of what was proved, and by whom it was sent.
_HEADERS_KEPT = {
    "Stripe-Signature": "HTTP_STRIPE_SIGNATURE",  # as WSGI names it
    "User-Agent": "HTTP_USER_AGENT",
    "Content-Type": "CONTENT_TYPE",
}
_HEADER_CHARS_MAX = 1_000

_ANSWERS = {
    is_new: b'{"received": true, "duplicate": %s}\n' % (b"false" if is_new else b"true")
    for is_new in (True, False)
}


def receive(
    runtime: Runtime, rail: Rail, body: bytes, signature: str | None, environ: Mapping[str, Any]
) -> bytes:
    """Store one event, and give the answer's body. Durable before that; applied after, by a worker.

    Raises Invalid (answered 400) and Unavailable (503, so that the rail sends it again). Redis
    plays no part in the answer.
    """
    began, result = time.monotonic(), "failed"
    try:
        event = rail.verify(body, signature, runtime.now())
        is_new = _keep(runtime, rail, event, _headers(environ))
        result = "new" if is_new else "duplicate"
    except (Refused, Unavailable) as error:
        result = "unavailable" if isinstance(error, Unavailable) else "refused"
        raise
    finally:
        tally.count("webhook_received_total", rail.name, result)
        tally.took("webhook_ack_seconds", time.monotonic() - began, rail.name)
    return _ANSWERS[is_new]


def _keep(runtime: Runtime, rail: Rail, event: RailEvent, headers: str) -> bool:
    quarantine = rail.is_ours(event)
    if quarantine is None:
        kept = runtime.ingest.keep(event, headers, runtime.now())
        if kept is Kept.NEW:
            runtime.bell.ring(Task.APPLY_INBOX)
        if kept is not Kept.DIFFERS:
            return kept is Kept.NEW
    cause = Cause("event", event.id)
    return runtime.do(
        cause,
        lambda work: inbox.store_event(work, event, headers=headers, quarantine=quarantine),
    )


def _headers(environ: Mapping[str, Any]) -> str:
    kept = {
        name: value[:_HEADER_CHARS_MAX]
        for name, key in _HEADERS_KEPT.items()
        if (value := environ.get(key)) is not None
    }
    return msgspec.json.encode(kept).decode()
