"""Open bank lines meet payouts and receipts that were told of after them."""

from reconciler.runtime import Runtime
from reconciler.services import statements
from reconciler.work import Cause

CAUSE = Cause("job", "tie_bank_lines")


def tie_bank_lines(runtime: Runtime) -> int:
    """Tie what is certain by now; gives how many lines. It moves no money: no switch stops it."""
    return runtime.do(CAUSE, statements.tie_open_lines)
