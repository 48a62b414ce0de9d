"""A page of a rail's listing, in one transaction: compared, healed, noted.

And a doubt, once the rail was asked about that one object: settled either way.
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.books.rail_objects import EVENTS, Listed, views
from reconciler.books.reconciliation import Difference, Shown, difference
from reconciler.services import asking, discrepancies, inbox, payments, payouts, reconciliation
from reconciler.services.aliases import placed
from reconciler.services.discrepancies import Found
from reconciler.services.payments import Sighted
from reconciler.services.reconciliation import BACKFILL, Counted, Run, Step
from reconciler.store import reconciliation_rows as store
from reconciler.store.reconciliation_rows import Pair
from reconciler.work import Work

_THERE = Shown(0, "", "")  # an event is there or not; it has no amount


def take(
    work: Work, run: Run, kind: str, step: Step, listed: Sequence[Listed], cursor: str | None
) -> Step:
    """Do a page of a kind; `cursor` leads to the next one, and is None after the last."""
    is_only_page = cursor is None and step.pages == 0
    is_at_once = is_only_page and kind != EVENTS and len(listed) > store.LOOKED_UP_MAX
    if kind == EVENTS:
        counted = _events(work, run, kind, step.pages, listed)
    else:
        counted = _objects(work, run, kind, step.pages, listed, is_at_once=is_at_once)
    reconciliation.stepped(work, run, kind, cursor, counted)
    if is_at_once:
        reconciliation.step_done(work, run, kind)
    elif cursor is None:
        reconciliation.step_ended(work, run, kind)
    return Step(cursor, step.pages + 1, is_complete=cursor is None)


def judge(work: Work, run: Run, found: Found, seen: Sighted | None, why: str | None) -> None:
    """Settle a doubt by what the rail just said of its payment: `seen`, or `why` nothing."""
    if seen is None:
        discrepancies.note(work, run.id, replace(found, is_looked_at=True, note=why))
        return
    payments.observe(work, [seen])
    shown = {(v.kind, v.id): Shown(v.amount, v.currency, v.state) for v in views(seen[0])}
    rail = next((s for at, s in shown.items() if at == (found.kind, found.rail_object)), None)
    here = store.ours(work.session, run.at(found.kind), [found.rail_object])
    payment_id, ours = here.get(found.rail_object, (found.payment_id, None))
    is_right = rail == ours
    if is_right and ours == found.actual:
        reconciliation.agreed(work, run, found)
        return
    now = replace(found, is_looked_at=True, is_healed=is_right, payment_id=payment_id)
    if not is_right:
        named = difference(rail, ours)
        assert named is not None, "two sides that are not equal differ in something"
        now = replace(now, difference=named, expected=rail, actual=ours)
    discrepancies.note(work, run.id, now)


def judge_event(work: Work, run: Run, found: Found, *, is_there: bool) -> None:
    """Settle the doubt about an event: the rail knows it after all, or a person has to see it."""
    if is_there:
        reconciliation.agreed(work, run, found)
        return
    why = f"{found.note}: the rail neither lists it nor knows it, and it was signed with our secret"
    discrepancies.note(work, run.id, replace(found, is_looked_at=True, note=why))


def _events(work: Work, run: Run, kind: str, page: int, listed: Sequence[Listed]) -> Counted:
    place = run.at(kind)
    store.copy(work.session, place, page, [(row.id, 0, "", "") for row in listed])
    unheard = set(store.unheard(work.session, place, page))
    for row in listed:
        if row.id not in unheard or row.event is None:
            continue
        inbox.store_event(work, row.event)
        _healed(work, run, Pair(row.id, _THERE, None), kind, note=row.event.kind)
    return Counted(len(listed), len(listed) - len(unheard), len(unheard))


def _objects(
    work: Work, run: Run, kind: str, page: int, listed: Sequence[Listed], *, is_at_once: bool
) -> Counted:
    place, rows = run.at(kind), {row.id: row for row in listed}
    views_ = [row.view for row in listed if row.view is not None]
    shown = [(v.id, v.amount, v.currency, v.state) for v in views_]
    if is_at_once:
        window = (run.window.since, run.window.until)
        pairs = store.compared(work.session, place, window, shown)
    else:
        taken = store.copy(work.session, place, page, shown)
        pairs = store.differing(work.session, place, page, rows=taken)
    news = [rows[pair.object_id] for pair in pairs if pair.rail is not None]
    touched = payments.observe(work, placed(work, (run.rail, run.account), news))
    payouts.observe(work, [row.payout for row in news if row.payout is not None])
    payouts.observe_movements(work, [row.movement for row in news if row.movement is not None])
    asking.soon(work, list(touched.values()), only_if_unnamed=run.purpose == BACKFILL)
    here = store.ours(work.session, place, [pair.object_id for pair in pairs])
    healed = 0
    for pair in pairs:
        payment_id, ours = here.get(pair.object_id, (pair.payment_id, pair.ours))
        known = replace(pair, payment_id=payment_id)
        if ours == pair.rail:
            healed += 1
            _healed(work, run, known, kind)
        else:
            discrepancies.note(work, run.id, discrepancies.doubt(kind, known))
    unread = {row.id: row.why_unread for row in listed if row.why_unread}
    for object_id, why in unread.items():
        found = Found(kind, object_id, Difference.STATE, is_healed=False, note=why)
        discrepancies.note(work, run.id, found)
    amiss = unread.keys() | {pair.object_id for pair in pairs if pair.rail is not None}
    return Counted(len(listed), len(listed) - len(amiss), healed)


def _healed(work: Work, run: Run, pair: Pair, kind: str, *, note: str | None = None) -> None:
    """Note what was healed; of the past that a backfill takes in, only that it was."""
    if run.purpose == BACKFILL and pair.ours is None:
        return
    found = replace(discrepancies.doubt(kind, pair), is_healed=True, note=note)
    discrepancies.note(work, run.id, found)
