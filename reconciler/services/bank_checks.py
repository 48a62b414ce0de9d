"""The last layer of a run: what the rail says is at the bank, against what the bank shows.

Only where the bank's statements are read in: for an account on which payouts of the rail were seen
before, and for days that its statements cover. An empty week is no proof of that.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from reconciler.books.rail_objects import ObjectKind
from reconciler.books.reconciliation import Difference, Shown
from reconciler.services.discrepancies import Found
from reconciler.services.reconciliation import Run
from reconciler.store.statement_rows import COVERED, UNSHOWN
from reconciler.work import Work

BANK_LINE = "bank_line"
FOUND_MAX = 1_000

_UNSHOWN = sa.text(
    f"""select * from ({UNSHOWN}) as u where rail = :rail and account = :account
    order by id, bank_account limit :limit"""
)
_NOT_PAID = sa.text(
    """select l.id, l.bank_account, l.booked_on, l.amount, l.currency, p.rail_payout_id, p.status
    from payout p join (
        select id, target_id as payout_id from bank_line where target_kind = 'payout'
        union all select line_id, target_id from bank_line_part where target_kind = 'payout'
      ) t on t.payout_id = p.id join bank_line l on l.id = t.id
    where p.rail = :rail and p.account = :account and p.status in ('failed', 'canceled')
    order by l.id limit :limit"""
)


def find(work: Work, run: Run) -> Iterable[Found]:
    """Payouts that no line shows, and lines of payouts that never arrived or went back."""
    given = {"rail": run.rail, "account": run.account, "limit": FOUND_MAX}
    for row in work.session.execute(_UNSHOWN, given | COVERED):
        yield Found(
            ObjectKind.PAYOUT,
            row.rail_payout_id,
            Difference.NOT_AT_BANK,
            is_healed=False,
            expected=Shown(row.amount, row.currency, "paid"),
            note=f"expected on {row.arrived_on}, and {row.bank_account} does not show it: look"
            " for a line of another amount, or ask the bank",
        )
    for row in work.session.execute(_NOT_PAID, given):
        yield Found(
            BANK_LINE,
            row.id,
            Difference.MISSING_THERE,
            is_healed=False,
            actual=Shown(row.amount, row.currency, ""),
            note=f"{row.bank_account} shows {row.rail_payout_id} on {row.booked_on}, and it is"
            f" {row.status}: untie the line, and say what it is",
        )
