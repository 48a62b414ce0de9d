"""A document or customer appeared: look among the held payments for its money."""

from reconciler.runtime import Runtime
from reconciler.services import finding
from reconciler.work import Cause

BATCHES_MAX = 200


def find_payments(runtime: Runtime) -> int:
    """Match what can now be matched; gives how many payments were looked at again."""
    looked_at = 0
    for _ in range(BATCHES_MAX):
        seekers, count = runtime.do(Cause("job", "find_payments"), finding.match_for_seekers)
        looked_at += count
        if not seekers:
            break
    return looked_at + runtime.do(Cause("job", "find_payments"), finding.match_recent)
