"""The sweep: ring again for every kind of work that waits in PostgreSQL.

It trusts nothing that Redis remembers. Whatever was lost there is found here within seconds.
"""

from reconciler.flows.watch_books import may_move_money
from reconciler.runtime import Runtime
from reconciler.services import waiting


def sweep(runtime: Runtime) -> None:
    """See whether these books are where they were, and nudge workers for what is due now."""
    may_move_money(runtime)
    with runtime.read() as session:
        due = waiting.tasks_due(session, runtime.now())
    runtime.queue.nudge(due)
