"""What Stripe refuses, in the shape in which it says so."""

from reconciler.sandbox.json_types import Json

IDEMPOTENCY_ERROR = "idempotency_error"
INVALID_REQUEST = "invalid_request_error"


class StripeProblem(Exception):
    """A refusal with its HTTP status. `executed` says whether it is kept under the idempotency key.

    Stripe keeps the answer once the endpoint has begun its work; a request that fails
    validation, or is turned away at the door, leaves the key free.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.executed = executed
        self.kind = INVALID_REQUEST

    def body(self) -> Json:
        """`{"error": …}` as the API answers it."""
        error: Json = {"message": self.message, "type": self.kind}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


class KeyReused(StripeProblem):
    """The same idempotency key with other parameters, or on another path."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=400)
        self.kind = IDEMPOTENCY_ERROR


class KeyInUse(StripeProblem):
    """The first request under this idempotency key has not been answered yet."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=409, code="idempotency_key_in_use")
        self.kind = IDEMPOTENCY_ERROR


def missing(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> StripeProblem:
    """`No such charge: 'ch_x'`."""
    words = f"No such {kind}: '{object_id}'"
    return StripeProblem(words, status=status, code="resource_missing", param=param)


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeProblem:
    """A parameter that is wrong in itself; it is found before any work begins."""
    return StripeProblem(message, code=code, param=param, executed=False)
