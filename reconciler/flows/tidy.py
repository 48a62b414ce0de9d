"""Dropping what has had its time: never money, evidence or history."""

from datetime import timedelta

from reconciler.flows import keep_file
from reconciler.runtime import Runtime
from reconciler.services import idempotency, people, webhooks
from reconciler.work import Cause


def tidy(runtime: Runtime) -> None:
    """Forget ended sessions, old sign-in attempts and kept answers that nobody asks for again.

    Files that no attachment names go too, and secrets are sealed under the newest key.
    """
    cause = Cause("job", "tidy")
    idle_max = timedelta(minutes=runtime.settings.session_idle_minutes)
    runtime.do(cause, lambda work: people.forget_old(work, idle_max=idle_max))
    runtime.do(cause, idempotency.forget_old)
    runtime.do(cause, lambda work: webhooks.seal_anew(work, runtime.seals))
    keep_file.sweep(runtime)
