"""Stripe over the wire: the only import of its SDK, whose errors end here and become ours.

A read is asked again a few times. A write is sent once and never again from here: whoever orders
it knows, from its own rows, whether to look first.
"""

import hashlib
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import requests
import stripe
from requests.utils import get_environ_proxies
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from reconciler import tally
from reconciler.errors import NotFound, OutcomeUnknown, ReconcilerError, Unavailable
from reconciler.rails.protocol import Busy, KeyRefused, Turn
from reconciler.rails.stripe.refusals import RailRefused

API_VERSION = "2026-10-28.endive"  # the shapes that objects.py was written for
TIMEOUT_SECONDS = (3.05, 20.0)  # to connect, to answer: both far inside a job's own limit
ATTEMPTS_MAX = 4  # of a read
PAUSE_SECONDS = 0.4  # before the second attempt; doubles, with jitter
REQUESTS_PER_SECOND = 20.0  # Stripe takes 25 in a sandbox, 100 live; others share the account
BURST = 5.0
PAGE_ROWS = 100  # Stripe's own bound
PAGES_MAX = 1_000  # 100 000 rows: a month of events at ten times today's

# Another call holds the key or the object, or there are too many: this very call did nothing.
_IN_THE_WAY = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)

# What is counted of each request: the words of its path, and its status.
_WORDS = frozenset({"sessions", "cancel", "expire"})
_CODES = frozenset({400, 401, 402, 403, 404, 409, 429})
_NO_ANSWER = "none"

Pause = Callable[[float], object]
_wait = threading.Event().wait  # nobody ever sets it

stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)  # below that it logs whole bodies


class StripeApi:
    """Reads and writes at Stripe, as plain dicts. One per process will do; threads may share it.

    `turn` spreads the requests of all processes that use this key.
    """

    def __init__(
        self,
        secret_key: str,
        api_base: str | None = None,
        timeout: tuple[float, float] = TIMEOUT_SECONDS,
        *,
        pause: Pause = _wait,
        pages_max: int = PAGES_MAX,
        turn: Turn | None = None,
    ) -> None:
        self._secret_key = secret_key
        self._api_base = api_base
        self._timeout = timeout
        self._pause = pause
        self._pages_max = pages_max
        self._bucket = _Bucket(pause, turn, _whose(secret_key))
        self._client: tuple[int, stripe.StripeClient] | None = None

    def get(self, kind: str, *path: str, expand: tuple[str, ...] = ()) -> dict[str, Any]:
        """One object, which has to be a `kind`. Raises NotFound, Unavailable."""
        params = {"expand": list(expand)} if expand else {}
        return self._read(kind, path, params)

    def walk(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every row of a listing, newest first, all pages. Raises NotFound, Unavailable."""
        for page in self.pages(path, params):
            yield from page

    def pages(
        self, path: str, params: Mapping[str, Any] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """A listing page by page. Raises Unavailable rather than end early or never."""
        cursor: str | None = None
        for _ in range(self._pages_max):
            page, cursor = self.page(path, params, cursor)
            yield page
            if cursor is None:
                return
        raise Unavailable(f"more than {self._pages_max} pages of {path}: ask for less")

    def page(
        self, path: str, params: Mapping[str, Any] | None = None, cursor: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One page of a listing, after `cursor`, and the cursor of the next; None at the end.

        Raises Unavailable, also where the listing does not get on.
        """
        asked = {"limit": PAGE_ROWS, **(params or {})}
        asked |= {"starting_after": cursor} if cursor else {}
        answer = self._read("list", (path,), asked)
        page = _rows(answer)
        if not answer.get("has_more"):
            return page, None
        following = str(page[-1].get("id") or "") if page else ""
        if following in {"", cursor}:
            raise Unavailable(f"Stripe's listing of {path} does not get on")
        return page, following

    def post(self, kind: str, *path: str, params: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Send a write once, under the idempotency key `key`; the answer has to be a `kind`.

        Raises Unavailable where this very call did nothing, Refused where Stripe said no, and
        OutcomeUnknown for whatever else goes wrong once bytes may have left, a time-out of our own
        job included.
        """
        # Left to itself the SDK invents a key for each call, and a retry is a second refund.
        assert key, "a write needs an idempotency key of its own"
        _path(path)  # what is no path is refused before anything leaves
        self._bucket.take()
        try:
            answer = self._counted("post", path, {**params, "idempotency_key": key})
        except stripe.StripeError as error:
            raise _after_write(error) from None  # its args hold bodies and headers: not for logs
        except Exception as error:
            raise OutcomeUnknown(f"a write to Stripe ended in {type(error).__name__}") from error
        if not isinstance(answer, dict) or answer.get("object") != kind:
            raise OutcomeUnknown(f"Stripe's answer to a write is no {kind}")
        return answer

    def _read(self, kind: str, path: tuple[str, ...], params: Mapping[str, Any]) -> dict[str, Any]:
        failure: ReconcilerError = Unavailable("Stripe was not asked")
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                self._pause(PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311
                tally.count("rail_retries_total", "stripe", _op("get", path))
            self._bucket.take()
            try:
                answer = self._counted("get", path, params)
            except stripe.StripeError as error:
                failure = _after_read(error)
                if not _may_pass(error):
                    break
                continue
            except (AttributeError, LookupError, TypeError, ValueError):
                # Where an error is not in Stripe's form, the SDK stumbles over it.
                failure = Unavailable("something in between answers for Stripe")
                break
            if isinstance(answer, dict) and answer.get("object") == kind:
                return answer
            failure = Unavailable(f"Stripe's answer is no {kind}")
            break
        raise failure from None

    def _counted(self, method: str, path: tuple[str, ...], params: Mapping[str, Any]) -> object:
        where, op, code = _path(path), _op(method, path), _NO_ANSWER
        began = time.monotonic()
        try:
            answer = self._send(method, where, params)
            code = "200"
        except stripe.StripeError as error:
            code = _code(error.http_status)
            raise
        finally:
            tally.took("rail_request_seconds", time.monotonic() - began, "stripe", op, code)
        return answer

    def _send(self, method: str, path: str, params: Mapping[str, Any]) -> object:
        return self._sdk().raw_request(method, path, **params).data

    def _sdk(self) -> stripe.StripeClient:
        # A forked worker must not share its parent's open connections.
        if self._client is None or self._client[0] != os.getpid():
            self._client = (os.getpid(), self._connect())
        return self._client[1]

    def _connect(self) -> stripe.StripeClient:
        session = requests.Session()
        session.trust_env = False  # a .netrc would replace our key
        session.max_redirects = 0  # a redirected POST would be followed as a GET
        base = self._api_base or stripe.DEFAULT_API_BASE
        if base.startswith("https:"):  # a sandbox on this machine needs no proxy
            session.proxies.update(get_environ_proxies(base))
        return stripe.StripeClient(
            self._secret_key,
            stripe_version=API_VERSION,
            max_network_retries=0,
            base_addresses={"api": self._api_base} if self._api_base else {},
            http_client=stripe.RequestsClient(timeout=self._timeout, session=session),
        )


class _Bucket:
    """At most so many requests a second, over all processes as far as they can be asked.

    And never more than that in this one, over all its threads: so it stays where nobody knows of
    the others.
    """

    def __init__(self, pause: Pause, turn: Turn | None, whose: str) -> None:
        self._pause = pause
        self._turn = turn
        self._whose = whose
        self._lock = threading.Lock()
        self._tokens = BURST
        self._counted_at = time.monotonic()

    def take(self) -> None:
        """Return when one more request may go; places are given out in order of asking."""
        with self._lock:
            now = time.monotonic()
            grown = self._tokens + (now - self._counted_at) * REQUESTS_PER_SECOND
            self._tokens = min(BURST, grown) - 1.0
            self._counted_at = now
            wait = -self._tokens / REQUESTS_PER_SECOND
        if self._turn is not None:
            wait = max(wait, self._turn(self._whose, REQUESTS_PER_SECOND, BURST) or 0.0)
        if wait > 0:
            self._pause(wait)


def _whose(secret_key: str) -> str:
    """A name for the account: limits are an account's, and a key is shown to nobody."""
    return f"stripe:{hashlib.sha256(secret_key.encode()).hexdigest()[:16]}"


def _path(parts: tuple[str, ...]) -> str:
    collection, *names = parts
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):  # it came from a message: no way out of v1
            raise NotFound("Stripe has no ids like this one")
    return "/".join(["/v1", collection, *names])


def _op(method: str, path: tuple[str, ...]) -> str:
    """A path without what names one object: there are as many of these as there are calls."""
    collection, *names = path
    words = [name if name in _WORDS else "{id}" for name in names]
    return " ".join((method.upper(), "/".join([collection, *words])))


def _code(status: int | None) -> str:
    """An error's status, or its hundred where it is a rare one."""
    if not status:
        return _NO_ANSWER
    return str(status) if status in _CODES else f"{status // 100}xx"


def _rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("data")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unavailable("Stripe's answer is a list without rows")
    return found


def _may_pass(error: stripe.StripeError) -> bool:
    """Whether the same question may get a better answer in a moment."""
    if isinstance(error, stripe.APIConnectionError):
        return error.should_retry  # not where it was our own job's time-out
    status = error.http_status or 0
    return (
        isinstance(error, stripe.RateLimitError) or status in _IN_THE_WAY or not 300 <= status < 500
    )


def _after_read(error: stripe.StripeError) -> ReconcilerError:
    status = error.http_status or 0
    if status == HTTPStatus.NOT_FOUND:
        return NotFound("Stripe has no such object")
    return _refusal(error) or Unavailable(_in_words("Stripe cannot be read", error))


def _after_write(error: stripe.StripeError) -> ReconcilerError:
    refusal = _refusal(error)
    if refusal:
        return refusal
    if error.http_status in _IN_THE_WAY:
        return Busy(_in_words("not executed by this call", error))
    if _was_never_sent(error):
        return Unavailable(_in_words("Stripe was not reached", error))
    # 5xx included: Stripe may finish what it began, and saves a 500 under the key.
    return OutcomeUnknown(_in_words("Stripe's answer is missing", error))


def _refusal(error: stripe.StripeError) -> ReconcilerError | None:
    """Stripe's plain no, or our key's fault. None where it is neither."""
    status = error.http_status or 0
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return KeyRefused(
            "Stripe does not take STRIPE_SECRET_KEY, or the key may not do this: check it at "
            "dashboard, Developers, API keys"
        )
    said = _error_body(error)
    is_ours = 400 <= status < 500 and status not in _IN_THE_WAY
    if not said or not is_ours or isinstance(error, stripe.RateLimitError):
        return None  # a 4xx without Stripe's own words came from something in between
    kind, code = _plain(said.get("type")), _plain(said.get("code"))
    code = kind if kind == "idempotency_error" else code or kind or str(status)
    return RailRefused(f"Stripe: {_plain(said.get('message')) or 'refused'} ({code})", code=code)


def _was_never_sent(error: stripe.StripeError) -> bool:
    """Whether no connection came about, so that not one byte of it left."""
    cause = error.__cause__
    link: BaseException | None = cause if isinstance(cause, requests.ConnectionError) else None
    while link and not isinstance(link, (NewConnectionError, ConnectTimeoutError)):
        link = link.__cause__ or link.__context__
    return link is not None


def _in_words(what: str, error: stripe.StripeError) -> str:
    """Status, Stripe's code and its number for the call: never its body, which names people."""
    said = _error_body(error)
    told = [str(error.http_status or "no connection"), _plain(said.get("code")), error.request_id]
    return f"{what} ({', '.join(part for part in told if part)})"


def _error_body(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    said = body.get("error") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else {}


def _plain(value: object) -> str:
    return "".join(c for c in value if c.isprintable())[:300] if isinstance(value, str) else ""
