"""What a look at a payout brought goes into the books, some lines at a time.

A payout may consist of tens of thousands of movements, and each may touch a payment: one
transaction for all would hold them all. Only once every line is kept is the sum taken, so that
whoever dies in between leaves nothing that looks whole.
"""

from collections.abc import Callable
from typing import Any

from reconciler.books.payout_lines import PayoutLook
from reconciler.services import payout_lines, payouts
from reconciler.work import Work

LINES_AT_ONCE = 500

Do = Callable[[Callable[[Work], Any]], Any]


def take_payout(do: Do, look: PayoutLook) -> None:
    """Through the door with it; `do` runs one transaction."""
    facts = look.facts
    do(lambda work: payouts.observe(work, [facts]))
    if look.members is None:
        return
    for start in range(0, len(look.members), LINES_AT_ONCE):
        some = look.members[start : start + LINES_AT_ONCE]
        do(lambda work: payout_lines.keep(work, facts, some))  # noqa: B023  run at once
    do(lambda work: payouts.count_lines(work, (facts.rail, facts.account, facts.payout_id)))
