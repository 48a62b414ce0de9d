"""Idempotency keys, with all that Stripe does and does not promise about them."""

import copy
import threading
from collections.abc import Callable

from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import KeyInUse, KeyReused, StripeProblem, invalid
from reconciler.sandbox.wire import Answer, Call
from reconciler.sandbox.world import World

KEY_LIFETIME_SECONDS = 24 * 3_600
KEY_CHARS_MAX = 255


class IdempotencyKeys:
    """The first answer to a key is kept for a day, whatever it was, and given again.

    Not kept are answers given before the endpoint began its work: failed validation, rate
    limits, faults on the way. After a day the same key executes anew.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._running: dict[str, Json] = {}

    def run(
        self,
        call: Call,
        execute: Callable[[], Answer],
        *,
        wait: Callable[[], None] = lambda: None,
    ) -> Answer:
        """The kept answer to the call's key, or what `execute` answers now.

        `wait` passes time while the key is in use already and nothing is done yet.
        """
        key = call.cause.idempotency_key
        if key is None:
            wait()
            return execute()
        if len(key) > KEY_CHARS_MAX:
            raise invalid(f"Idempotency keys have at most {KEY_CHARS_MAX} characters.")
        asked = _asked(call)
        with self._lock:
            kept = self._take(key, asked)
            if kept is not None:
                return kept
            self._running[key] = asked
        try:
            wait()
            return self._first_answer(key, call, execute)
        finally:
            with self._lock:
                del self._running[key]

    def _first_answer(self, key: str, call: Call, execute: Callable[[], Answer]) -> Answer:
        # Together: a world kept in a file has the effect and the key, or neither.
        with self._world.together():
            try:
                answer = execute()
            except StripeProblem as problem:
                if problem.executed:
                    self._keep(key, call, Answer(problem.status, problem.body()))
                raise
            self._keep(key, call, answer)
            return answer

    def is_in_use(self, key: str) -> bool:
        """Whether a request under this key is being worked on."""
        with self._lock:
            return key in self._running

    def _take(self, key: str, asked: Json) -> Answer | None:
        kept = self._world.truth.idempotency.get(key)
        if kept is not None and kept["created"] <= self._world.now() - KEY_LIFETIME_SECONDS:
            kept = None
        before = self._running.get(key) or (kept and kept["asked"])
        if before is None:
            return None
        if before != asked:
            raise KeyReused(
                f"Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                f"execute a different request."
            )
        if kept is None:
            raise KeyInUse(
                f"There is currently another in-progress request using this Idempotent Key "
                f"(that probably means you submitted twice): {key}"
            )
        replayed = {"Idempotent-Replayed": "true", "Original-Request": kept["request_id"]}
        return Answer(kept["status"], copy.deepcopy(kept["body"]), replayed)

    def _keep(self, key: str, call: Call, answer: Answer) -> None:
        self._world.truth.idempotency[key] = {
            "asked": _asked(call),
            "body": copy.deepcopy(answer.body),
            "created": self._world.now(),
            "request_id": call.cause.request_id,
            "status": answer.status,
        }


def _asked(call: Call) -> Json:
    return {"method": call.method, "path": call.path, "params": call.params}
