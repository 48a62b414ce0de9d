"""A mail server in a thread, that does as it is told: takes, refuses, breaks off."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What it was given, and what it does at which command."""

    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    # By command: an answer, or None to hang up without one.
    answers: dict[str, str | None] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    starts_tls: bool = False  # speaks it from STARTTLS on, and not from the first byte

    @property
    def url(self) -> str:
        """As SMTP_URL has it."""
        scheme = "smtps" if self.tls and not self.starts_tls else "smtp"
        return f"{scheme}://127.0.0.1:{self.port}"


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, starts_tls: bool = False
) -> Iterator[MailServer]:
    """One that listens for as long as the block lasts."""
    there = MailServer(tls=tls, starts_tls=starts_tls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there.port = listening.getsockname()[1]
        listening.settimeout(0.1)
        over = threading.Event()
        thread = threading.Thread(target=_listen, args=(there, listening, over), daemon=True)
        thread.start()
        yield there
        over.set()
        thread.join(5)


def _listen(there: MailServer, listening: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        try:
            line, _ = listening.accept()
        except TimeoutError:
            continue
        line.settimeout(5)
        with line, suppress(OSError):
            if there.tls and not there.starts_tls:
                with there.tls.wrap_socket(line, server_side=True) as safe:
                    _converse(there, safe)
            else:
                _converse(there, line)


def _converse(there: MailServer, line: socket.socket, *, greets: bool = True) -> None:
    stream = line.makefile("rb")
    if greets:
        line.sendall(b"220 here\r\n")
    hello = "250-here\r\n250 STARTTLS" if there.starts_tls and greets else "250 here"
    for raw in stream:
        command = raw.decode("ascii", "replace").strip()
        there.heard.append(command)
        verb = command.split(" ")[0].upper()
        usual = {"EHLO": hello, "DATA": "354 go on", "STARTTLS": "220 go on"}
        if not _said(there, line, verb, usual):
            return None
        if verb == "DATA" and (there.answers.get("DATA") or "354").startswith("3"):
            body = b"".join(iter(stream.readline, b".\r\n"))
            if there.answers.get("lost") or (there.answers.get(".") or "250").startswith("2"):
                there.taken.append(body)
            if not _said(there, line, ".", {}):
                return None
        if verb == "STARTTLS" and there.tls:
            with there.tls.wrap_socket(line, server_side=True) as safe:
                return _converse(there, safe, greets=False)
        if verb == "QUIT":
            return None
    return None


def _said(there: MailServer, line: socket.socket, verb: str, usual: dict[str, str]) -> bool:
    answer = there.answers.get(verb, usual.get(verb, "250 fine"))
    if answer is None:
        return False
    line.sendall(answer.encode() + b"\r\n")
    return True
