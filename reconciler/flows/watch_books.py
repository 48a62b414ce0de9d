"""Before money moves: see that these books are where they were, and know what was sent."""

from reconciler.runtime import Runtime
from reconciler.services import restores
from reconciler.work import Cause

CAUSE = Cause("job", "watch_books")


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
