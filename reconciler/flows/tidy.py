"""Dropping what has had its time: never money, evidence or history."""

from reconciler.flows import keep_file
from reconciler.runtime import Runtime
from reconciler.services import idempotency, people, webhooks
from reconciler.work import Cause


def tidy(runtime: Runtime) -> None:
    """Forget ended sessions, old sign-in attempts and kept answers that nobody asks for again.

    Files that no attachment names go too, and secrets are sealed under the newest key.
    """
    cause = Cause("job", "tidy")
    runtime.do(cause, people.forget_old)
    runtime.do(cause, idempotency.forget_old)
    runtime.do(cause, lambda work: webhooks.seal_anew(work, runtime.seals))
    keep_file.sweep(runtime)
