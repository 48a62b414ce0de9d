"""Other programs are told: one delivery is claimed, posted, and its answer written down."""

import time
from collections.abc import Callable, Mapping

import structlog

from reconciler.carriers import addresses, webhooks as carrier
from reconciler.carriers.addresses import Target
from reconciler.carriers.webhooks import Answer
from reconciler.errors import Refused, Unavailable
from reconciler.failpoints import failpoint
from reconciler.runtime import Runtime
from reconciler.seals import Seals
from reconciler.services import mail, webhooks
from reconciler.services.webhooks import Parcel
from reconciler.work import Cause, Task, Work

DELIVERIES_MAX = 500  # a run; what is left is the next one's
RUN_SECONDS = 45.0  # one slow endpoint more still fits into a job
Carry = Callable[[Target, Mapping[str, str], bytes], Answer]

_log = structlog.get_logger()
_CAUSE = Cause("job", "send_webhooks")


def send_webhooks(
    runtime: Runtime, deliveries_max: int = DELIVERIES_MAX, carry: Carry = carrier.carry
) -> int:
    """Deliver what is due; gives how many were taken in hand."""
    started = time.monotonic()
    for count in range(deliveries_max):
        if time.monotonic() - started > RUN_SECONDS:
            break
        parcel = runtime.do(_CAUSE, lambda work: _claim(work, runtime.seals))
        if parcel is None:
            return count
        failpoint("webhook.after_claim")
        _post(runtime, parcel, carry)
    runtime.queue.nudge([Task.SEND_WEBHOOKS])
    return deliveries_max


def _claim(work: Work, seals: Seals) -> Parcel | None:
    return webhooks.claim(work, seals) if mail.may_go_out(work.session) else None


def _post(runtime: Runtime, parcel: Parcel, carry: Carry) -> None:
    status, took_ms, why = None, 0, None
    try:
        answer = carry(
            addresses.target(parcel.url), webhooks.headers(parcel, runtime.now()), parcel.body
        )
        status, took_ms = answer.status, answer.took_ms
        failpoint("webhook.after_send")
    except (Refused, Unavailable) as error:
        why = str(error)
    _log.info("webhook.posted", delivery_id=parcel.delivery_id, status=status, why=why)
    runtime.do(
        _CAUSE,
        lambda work: webhooks.record(work, parcel, status=status, took_ms=took_ms, why=why),
    )
