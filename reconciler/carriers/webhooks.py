"""One POST to somebody else's endpoint, over which we have no power: bounded in every way.

It connects to the address that was judged, under the name it was judged for. No redirect is
followed, no proxy or .netrc is asked, nothing is unpacked; of the answer only its status is read.
"""

import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.carriers import addresses
from reconciler.carriers.addresses import Target
from reconciler.errors import Unavailable

SECONDS_MAX = 15.0  # all together
ANSWER_BYTES_MAX = 64 << 10
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = 8 << 10
_INTERIM_MAX = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and how long it took."""

    status: int
    took_ms: int


def carry(target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
    """Post `body`. Raises Refused for an address that is not public, Unavailable for no answer."""
    started = time.monotonic()
    deadline = started + SECONDS_MAX
    try:
        with _connect(target, deadline) as line:
            status = exchange(line, target, headers, body, deadline)
    except ssl.SSLError as error:
        raise Unavailable(f"no safe connection: {error.reason or 'TLS'}") from error
    except OSError as error:
        raise Unavailable(f"no answer: {type(error).__name__}") from error
    return Answer(status, int((time.monotonic() - started) * 1000))


def exchange(
    line: socket.socket,
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    deadline: float,
) -> int:
    """Say the request on an open connection, and give the status of the answer.

    Raises Unavailable for what is no answer, comes too slowly or is too long before its status.
    """
    given = {
        "Host": target.host if target.port == 443 else f"{target.host}:{target.port}",
        **headers,
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    request = f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body
    line.settimeout(_left(deadline))
    line.sendall(request)
    return _status(line, deadline)


def _status(line: socket.socket, deadline: float) -> int:
    heard, count = b"", 0
    while count < ANSWER_BYTES_MAX:
        line.settimeout(_left(deadline))
        more = line.recv(_CHUNK)
        if not more:
            break
        count += len(more)
        heard = _without_interim(heard + more)
        shown = _STATUS.match(heard)
        if shown is not None and int(shown[1]) >= 200:
            return int(shown[1])
        if shown is None and b"\n" in heard:
            break
    raise Unavailable("what came back is no answer")


def _without_interim(heard: bytes) -> bytes:
    """What was heard, from the first answer on that may be the last: 100 to 199 announce it."""
    for _ in range(_INTERIM_MAX):
        shown, over = _STATUS.match(heard), _END.search(heard)
        if shown is None or over is None or int(shown[1]) >= 200:
            return heard
        heard = heard[over.end() :]
    raise Unavailable("what came back announces an answer, and never is one")


def _connect(target: Target, deadline: float) -> socket.socket:
    address = addresses.resolve(target.host, target.port)
    line = socket.create_connection((address, target.port), timeout=_left(deadline))
    try:
        addresses.must_be_public(line)
        return ssl.create_default_context().wrap_socket(line, server_hostname=target.host)
    except BaseException:
        line.close()
        raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Unavailable(f"no answer within {SECONDS_MAX:g} seconds")
    return left
