"""The sweep: ring again for every kind of work that waits in PostgreSQL.

It trusts nothing that Redis remembers. Whatever was lost there is found here within seconds.
"""

from reconciler.runtime import Runtime
from reconciler.services import waiting


def sweep(runtime: Runtime) -> None:
    """Nudge workers for what is due now."""
    with runtime.read() as session:
        due = waiting.tasks_due(session, runtime.now())
    runtime.queue.nudge(due)
