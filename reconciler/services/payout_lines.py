"""What a payout consists of is kept; what of it was missed here goes through the door."""

from collections.abc import Sequence

from reconciler.books.payout_lines import Member
from reconciler.books.payouts import PayoutFacts
from reconciler.books.rail_objects import ObjectKind
from reconciler.services import payments, payouts
from reconciler.services.aliases import placed
from reconciler.store import payout_rows, rail_objects
from reconciler.work import Work


def keep(work: Work, facts: PayoutFacts, members: Sequence[Member]) -> None:
    """Keep some lines of a known payout, and take in those movements that are not known here.

    One of a payment that nobody has heard of waits for the comparison with the rail.
    """
    at = (facts.rail, facts.account)
    ids = [one.row.id for one in members]
    known = rail_objects.nets(work.session, at, ObjectKind.MOVEMENT, ids)
    news = [one.told for one in members if known.get(one.row.id) != (one.row.net, one.row.currency)]
    payments.observe(work, placed(work, at, news))
    payouts.observe(work, [row.payout for row in news if row.payout is not None])
    payouts.observe_movements(work, [row.movement for row in news if row.movement is not None])
    payout_rows.add_lines(work.session, (*at, facts.payout_id), [one.row for one in members])
