"""Answer a rail: prove who speaks, keep what was said, say thank you. Nothing else."""

import msgspec
from flask import Request, Response

from reconciler.books.observations import RailEvent
from reconciler.errors import TooLarge
from reconciler.ingest import Kept
from reconciler.rails.protocol import Rail
from reconciler.runtime import Runtime
from reconciler.services import inbox
from reconciler.work import Cause, Task

BODY_BYTES_MAX = 1 << 20
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


def receive(runtime: Runtime, rail: Rail, request: Request, signature: str | None) -> Response:
    """Store one event. Durable before we answer; applied after, by a worker.

    Raises Invalid (answered 400), TooLarge (413) and Unavailable (503, so that the rail sends
    it again). Redis plays no part in the answer.
    """
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise TooLarge("an event is at most 1 MiB")
    request.max_content_length = BODY_BYTES_MAX  # past it, reading raises 413
    body = request.get_data(cache=False)
    event = rail.verify(body, signature, runtime.now())
    is_new = _keep(runtime, rail, event, _headers(request))
    return Response(_ANSWERS[is_new], content_type="application/json")


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


def _headers(request: Request) -> str:
    kept = {
        name: value[:_HEADER_CHARS_MAX]
        for name, key in _HEADERS_KEPT.items()
        if (value := request.environ.get(key)) is not None
    }
    return msgspec.json.encode(kept).decode()
