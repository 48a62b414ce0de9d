"""Before money moves: see that these books are where they were, and that nothing is wrong at large.

Whatever speaks against it turns the switch off or holds the books, in words and audited, so that
every sender stops at its fence and a person finds out why.
"""

import time
from functools import partial

import structlog

from reconciler.books import refund_alarms as rules
from reconciler.runtime import Runtime
from reconciler.services import refund_alarms, refund_sending, restores, switches
from reconciler.services.switches import REASON_CHARS_MAX, SwitchName
from reconciler.work import Cause, Work

CAUSE = Cause("job", "watch_books")
# The laws are read over all refunds; the rest is looked at before each leg.
LAWS_EVERY_SECONDS = 1.0
LAWS_PAUSE = 20  # times as long as they took: however many refunds there are, sending goes on

_log = structlog.get_logger()


class Watch:
    """One sender's eye on the books, from one leg to the next."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._unknown_max = runtime.settings.refund_unknown_max
        self._laws_due = 0.0

    def may_send(self) -> bool:
        """Whether the next leg may be taken in hand. Stops refunds if something is wrong."""
        if not may_move_money(self._runtime):
            return False
        with self._runtime.read() as session:
            if not refund_sending.is_allowed(session):
                return False
            begun = time.monotonic()
            with_laws = begun >= self._laws_due
            found = refund_alarms.fresh(
                session, self._runtime.now(), self._unknown_max, with_laws=with_laws
            )
            if with_laws:
                over = time.monotonic()
                self._laws_due = over + max(LAWS_EVERY_SECONDS, LAWS_PAUSE * (over - begun))
            if not found:
                return True
        return not self._runtime.do(CAUSE, partial(_stop, unknown_max=self._unknown_max))


def may_move_money(runtime: Runtime) -> bool:
    """Whether refunds may be sent. Notes the newest step outside, for the next look."""
    with runtime.read() as session:
        at = restores.stand(session)
    remembered = runtime.queue.recall(at.installation) if at.installation else None
    if at.is_as_before(remembered, runtime.now()):
        is_on = True
    else:
        is_on = runtime.do(CAUSE, lambda work: restores.notice(work, remembered))
    if is_on and at.installation and at.newest_step and at.newest_step != remembered:
        runtime.queue.remember(at.installation, at.newest_step)
    return is_on


def remember(runtime: Runtime) -> None:
    """Note the newest step outside the database: what is sent next must not be forgotten."""
    with runtime.read() as session:
        at = restores.stand(session)
    if at.installation and at.newest_step:
        runtime.queue.remember(at.installation, at.newest_step)


def _stop(work: Work, *, unknown_max: int) -> bool:
    """Turn refunds off for what speaks against them now; gives whether they are off."""
    refund_alarms.take_turn(work)
    if not switches.are_on(work.session, SwitchName.REFUNDS):
        return True  # another was first, or a person
    found = refund_alarms.fresh(work.session, work.now, unknown_max, with_laws=True)
    if not found:
        return False
    why = rules.said(found, chars_max=REASON_CHARS_MAX)
    switches.change(work, SwitchName.REFUNDS.value, on=False, reason=why)
    refund_alarms.ask(work, found)
    _log.error("refunds.stopped", why=why)
    return True
