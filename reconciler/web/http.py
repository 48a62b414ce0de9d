"""What every route of the API shares: who asks, what is sent, and answering the same thing once."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec
from flask import Response, g, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from reconciler.books.file_kinds import FILE_BYTES_MAX
from reconciler.books.people import Scope, grants
from reconciler.errors import Conflict, Forbidden, Refused, TooLarge
from reconciler.ids import new_id, new_token
from reconciler.runtime import Runtime
from reconciler.seals import Seals
from reconciler.services import api_keys, idempotency
from reconciler.services.api_keys import Principal
from reconciler.services.idempotency import Answer, KeyReused
from reconciler.web.problems import (
    MEDIA_TYPE,
    Malformed,
    ManyInvalid,
    Unauthorized,
    invalid,
    problem_of,
)
from reconciler.work import Cause, Work

BODY_BYTES_MAX = 1 << 20
FORM_BYTES_MAX = FILE_BYTES_MAX + (64 << 10)  # a file, and what the form says beside it
_KEY = re.compile(r"[!-~]{1,255}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEALED = re.compile("\x01([a-z0-9_]+)\x01")  # raw in no JSON but for what we put there
_KEPT = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN})

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file of a form: what whoever sent it calls it, and what is in it."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A body as it came, proved to be JSON, and a digest that ignores how it was spaced."""

    raw: bytes
    digest: str


def name_request() -> None:
    """Give the request a name that its log lines and its answer carry."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id("req")


def add_headers(response: Response) -> Response:
    """Headers that every answer has, unless the route has set its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response


def only_encrypted(response: Response) -> Response:
    """For a house that is reached over https: browsers come no other way for a year."""
    response.headers["Strict-Transport-Security"] = f"max-age={365 * 24 * 3600}"
    return response


def principal(runtime: Runtime, needed: Scope) -> Principal:
    """Whose key this is. Raises Unauthorized, or Forbidden if the key may not do that.

    Missing, wrong and revoked keys are answered alike.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    who = None
    if scheme.lower() == "bearer" and key:
        with runtime.work(Cause("api_key", "unknown")) as work:
            who = api_keys.principal_of(work, key.strip())
    if who is None:
        raise Unauthorized("send a valid key as `Authorization: Bearer …`")
    if not grants(who.scope, needed):
        raise Forbidden(f"this needs a key of scope {needed}; yours has {who.scope}")
    return who


def sent() -> Sent:
    """The body. Raises Malformed for what is no JSON, TooLarge for what is too much of it."""
    request.max_content_length = BODY_BYTES_MAX
    try:
        raw = request.get_data(cache=False) or b"{}"
    except RequestEntityTooLarge:
        raise TooLarge(f"a body has at most {BODY_BYTES_MAX} bytes") from None
    try:
        said = msgspec.json.decode(raw)
        if isinstance(said, dict):
            said.pop("password", None)  # the digest is kept, and a guess could be held against it
        canonical = msgspec.json.encode(said, order="deterministic")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        raise Malformed("the body is not JSON in UTF-8") from None
    asked = f"{request.method}\n{request.full_path}\n".encode(errors="replace")
    return Sent(raw, hashlib.sha256(asked + canonical).hexdigest())


def sent_file() -> tuple[GivenFile, Sent]:
    """The file of a form, and the form's other fields as if they were JSON.

    Raises ManyInvalid where there is none, TooLarge for more than is taken.
    """
    request.max_content_length = FORM_BYTES_MAX
    try:
        fields, files = request.form, request.files
    except RequestEntityTooLarge:
        raise TooLarge(f"a file has at most {FILE_BYTES_MAX >> 20} MiB") from None
    file = files.get("file")
    if file is None:
        raise ManyInvalid([("file", "is missing: send multipart/form-data with a file in it")])
    with file.stream as stream:  # a large one lies in a temporary file
        given = GivenFile(file.filename or "", stream.read())
    said = msgspec.json.encode(fields.to_dict(), order="deterministic")
    asked = f"{request.method}\n{request.full_path}\n{given.name}\n".encode(errors="replace")
    content = hashlib.sha256(given.body).digest()
    return given, Sent(said, hashlib.sha256(asked + said + content).hexdigest())


def body_of(model: type[M], body: Sent) -> M:
    """The body as what the route takes. Raises ManyInvalid naming each field at fault."""
    try:
        return model.model_validate_json(body.raw)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            raise Malformed("the body is not JSON in UTF-8") from None
        raise invalid(error) from None


def query_of(model: type[M]) -> M:
    """What stands after the question mark. Raises ManyInvalid; nothing may be said twice."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise ManyInvalid([(name, "is given more than once") for name in twice])
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise invalid(error) from None


def once(
    runtime: Runtime, who: Principal, body: Sent, step: Callable[[Work], Answer]
) -> tuple[Answer, bool]:
    """Run `step` in a transaction; what was answered, and whether that was answered before.

    With an Idempotency-Key the answer is kept by the same transaction. What a rule refuses is
    kept as well; what was out of reach, in the way or a fault of ours is not, because asking
    again is then right.
    """
    cause = Cause("api_key", who.id)
    key = _idempotency_key()
    if key is None:
        return runtime.do(cause, step), False
    asked = idempotency.Request(who.id, key, body.digest)
    try:
        return runtime.do(cause, lambda work: _once(work, runtime.seals, asked, step))
    except KeyReused:
        raise
    except Refused as refusal:
        answer = Answer(problem_of(refusal).status, problem_of(refusal).body())
        if answer.status not in _KEPT:
            raise
        return _keep_refusal(runtime, cause, asked, answer)


def sealed_token(name: str) -> str:
    """A token that an answer carries once, and that is not kept with the answer.

    With an Idempotency-Key it is made from the caller's own key, which is not kept here either:
    so the same request again is answered with the same token, and nobody else can make it.
    """
    key = _idempotency_key()
    if key is None:
        return new_token()
    token = _sealed(key, name)
    g.setdefault("sealed", {})[token] = name
    return token


def _sealed(key: str, name: str) -> str:
    _, _, secret = request.headers.get("Authorization", "").partition(" ")
    made = hmac.digest(secret.strip().encode(), f"sealed\n{key}\n{name}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _without_tokens(answer: Answer) -> Answer:
    body = answer.body
    for token, name in g.get("sealed", {}).items():
        body = body.replace(token, f"\x01{name}\x01")
    return Answer(answer.status, body)


def _with_tokens(answer: Answer, key: str) -> Answer:
    return Answer(answer.status, _SEALED.sub(lambda found: _sealed(key, found[1]), answer.body))


def answered(runtime: Runtime, who: Principal, body: Sent) -> Answer | None:
    """What was answered under this request's key before, if it has one and was answered."""
    key = _idempotency_key()
    if key is None:
        return None
    asked = idempotency.Request(who.id, key, body.digest)
    cause = Cause("api_key", who.id)
    return runtime.do(cause, lambda work: _answered(work, runtime.seals, asked))


def in_request(step: Callable[[Work], T]) -> Callable[[Work], T]:
    """The same step, with the name of this request in whatever it notes."""

    def named(work: Work) -> T:
        work.request_id = g.get("request_id")
        return step(work)

    return named


def accountable(step: Callable[[Work], T]) -> Callable[[Work], T]:
    """The same step, in this request's name. That it changes something unnoted is a bug."""

    def noted(work: Work) -> T:
        done = in_request(step)(work)
        assert work.notes or work.has_only_looked, "changed without a line in the audit trail"
        return done

    return noted


def respond(answer: Answer, *, was_kept: bool = False) -> Response:
    """An answer as it goes out."""
    is_problem = answer.status >= HTTPStatus.BAD_REQUEST
    response = Response(
        answer.body, answer.status, content_type=MEDIA_TYPE if is_problem else "application/json"
    )
    if was_kept:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _once(
    work: Work, seals: Seals, asked: idempotency.Request, step: Callable[[Work], Answer]
) -> tuple[Answer, bool]:
    """An answer may hold a secret that is shown this once, so it is kept sealed."""
    kept = _answered(work, seals, asked)
    if kept is not None:
        return kept, True
    answer = step(work)
    said = _without_tokens(answer)
    idempotency.keep(work, asked, Answer(said.status, seals.seal(said.body, of=asked.digest)))
    return answer, False


def _answered(work: Work, seals: Seals, asked: idempotency.Request) -> Answer | None:
    """What is kept under a key, opened. Raises Conflict where it cannot be read any more."""
    kept = idempotency.take(work, asked)
    if kept is None:
        return None
    body = seals.opened(kept.body, of=asked.digest)
    if body is None:
        raise Conflict("this was answered, and the answer can no longer be read: look first")
    return _with_tokens(Answer(kept.status, body), asked.key)


def _keep_refusal(
    runtime: Runtime, cause: Cause, asked: idempotency.Request, answer: Answer
) -> tuple[Answer, bool]:
    try:
        return runtime.do(cause, lambda work: _once(work, runtime.seals, asked, lambda _: answer))
    except Conflict:  # the same request again, at this very moment: let it keep its own answer
        return answer, False


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise ManyInvalid([("Idempotency-Key", "is 1 to 255 visible ASCII characters")])
    return key
