"""A page on which a client pays: planned, made at the rail, recorded; ended when it is stale."""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from reconciler.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from reconciler.rails.protocol import Checkout
from reconciler.runtime import Runtime
from reconciler.services import pay_links
from reconciler.services.pay_links import PayAsk, Planned
from reconciler.work import Cause, Work

CAUSE = Cause("job", "pay_links")
Do = Callable[[Callable[[Work], Any]], Any]
_log = structlog.get_logger()


def open_page(runtime: Runtime, do: Do, ask: PayAsk) -> Planned:
    """The link for this, with the address to pay at. `do` makes each change in somebody's name.

    An answer that was lost is asked for again under the same key, which gives the same checkout.
    Raises what `pay_links.plan` does, Refused where the rail will not, and Unavailable.
    """
    planned: Planned = do(lambda work: pay_links.plan(work, ask))
    for link_id in planned.to_end:
        _end(runtime, link_id)
    if planned.url is not None:
        return planned
    try:
        made = _create(runtime, planned)
    except OutcomeUnknown as lost:
        raise Unavailable("The payment page did not answer. Try again in a moment.") from lost
    except Refused:
        do(lambda work: pay_links.close(work, planned.id, "the rail refused it"))
        raise
    do(lambda work: pay_links.record(work, planned.id, made.object_id, made.url))
    again: Planned = do(lambda work: pay_links.plan(work, ask))
    return again


def revoke(runtime: Runtime, do: Do, link_id: str) -> None:
    """Nobody is to pay through it any more. Where the rail does not answer it is ended later.

    Raises NotFound, Conflict where it has ended.
    """
    do(lambda work: pay_links.revoke(work, link_id))
    _end(runtime, link_id, do)


def end_stale(runtime: Runtime) -> int:
    """End links that can no longer be paid as they were meant; gives how many."""
    stale = runtime.do(CAUSE, pay_links.stale)
    for link_id in stale:
        _end(runtime, link_id)
    return len(stale)


def _create(runtime: Runtime, planned: Planned) -> Checkout:
    return runtime.rails[planned.rail].create_checkout(planned.order, runtime.settings.base_url)


def _end(runtime: Runtime, link_id: str, do: Do | None = None) -> None:
    """At the rail first: what can still be paid there is not closed here."""
    ending = runtime.do(CAUSE, lambda work: pay_links.ending(work, link_id))
    rail = runtime.rails[ending.rail]
    try:
        if not ending.is_over:
            object_id = ending.object_id
            if object_id is None:  # its answer was lost: under the same key the rail says which
                object_id = rail.create_checkout(ending.order, runtime.settings.base_url).object_id
            rail.expire_checkout(object_id, ending.order.key)
    except (Unavailable, OutcomeUnknown) as later:
        _log.info("pay_link.not_ended", link_id=link_id, why=type(later).__name__)
        return
    except (Refused, NotFound):
        pass  # it was paid, or has ended: there is nothing to end
    in_name = do or partial(runtime.do, CAUSE)
    in_name(lambda work: pay_links.close(work, link_id, "it was ended"))
