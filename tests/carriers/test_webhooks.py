"""What an endpoint may do to us: answer, keep silent, drip, flood, lie; each has its bound."""

import gzip
import socket
import threading
import time

import pytest

from reconciler.carriers import webhooks
from reconciler.carriers.addresses import Target
from reconciler.errors import Refused, Unavailable

TARGET = Target("hooks.acme.dev", 443, "/in")


def answered(answer, *, seconds: float = 1.0) -> tuple[int, bytes]:
    """The status that is read off what an endpoint does, and what it was told."""
    ours, theirs = socket.socketpair()
    heard: list[bytes] = []

    def endpoint() -> None:
        theirs.settimeout(2)
        try:
            heard.append(theirs.recv(65536))
            answer(theirs)
        except OSError:
            pass
        finally:
            theirs.close()

    thread = threading.Thread(target=endpoint)
    thread.start()
    try:
        deadline = time.monotonic() + seconds
        status = webhooks.exchange(ours, TARGET, {"webhook-id": "msg_1"}, b'{"a":1}', deadline)
    finally:
        ours.close()
        thread.join()
    return status, heard[0]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.1 204\r\n\r\n", 204),
        (b"HTTP/1.0 410 Gone\r\n\r\n", 410),
        (b"HTTP/1.1 500 \r\n\r\n", 500),
        (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\n\r\n", 302),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", 202),
    ],
)
def test_the_status_is_read_and_nothing_more(said: bytes, status: int) -> None:
    found, heard = answered(lambda line: line.sendall(said))
    assert found == status
    assert heard.startswith(b"POST /in HTTP/1.1\r\nHost: hooks.acme.dev\r\nwebhook-id: msg_1\r\n")
    assert heard.endswith(b'\r\n\r\n{"a":1}')
    assert b"Accept-Encoding: identity" in heard


def drip(line: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" * 50:
        line.sendall(bytes([byte]))
        threading.Event().wait(0.1)


def flood(line: socket.socket) -> None:
    for _ in range(1_000):
        line.sendall(b"x" * 65_536)


@pytest.mark.parametrize(
    "answer",
    [
        lambda line: None,
        lambda line: line.sendall(b"HELLO\r\n"),
        lambda line: line.sendall(b"HTTP/9.9 200 OK\r\n\r\n"),
        lambda line: line.sendall(b"HTTP/1.1 999 What\r\n\r\n"),
        lambda line: line.sendall(b"HTTP/1.1 100 Go on\r\n\r\n" * 5_000),
        lambda line: threading.Event().wait(1.2),
        drip,
        flood,
    ],
    ids=["hangs up", "no http", "version", "status", "interim", "silence", "drip", "flood"],
)
def test_what_is_no_answer_ends_in_time(answer) -> None:
    began = time.monotonic()
    with pytest.raises((Unavailable, OSError)):
        answered(answer, seconds=0.5)
    assert time.monotonic() - began < 5


def test_a_bomb_behind_the_status_is_not_opened() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    said = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb
    assert answered(lambda line: line.sendall(said))[0] == 200


def test_a_name_that_has_come_to_lead_inside_gets_nothing(monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", port))]
        )
        with pytest.raises(Refused):
            webhooks.carry(TARGET, {}, b"{}")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


def test_proxies_and_netrc_are_never_asked(monkeypatch) -> None:
    asked: list[str] = []

    def resolve(host, port, **_):
        asked.append(host)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    with pytest.raises(Unavailable):
        webhooks.carry(TARGET, {}, b"{}")
    assert asked == ["hooks.acme.dev"]
