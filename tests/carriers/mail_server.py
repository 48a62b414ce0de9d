"""A mail server in a thread, that does as it is told: takes, refuses, breaks off."""

import socket
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

    @property
    def url(self) -> str:
        """As SMTP_URL has it."""
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that listens for as long as the block lasts."""
    there = MailServer()
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
            _converse(there, line)


def _converse(there: MailServer, line: socket.socket) -> None:
    stream = line.makefile("rb")
    line.sendall(b"220 here\r\n")
    for raw in stream:
        command = raw.decode("ascii", "replace").strip()
        there.heard.append(command)
        verb = command.split(" ")[0].upper()
        if not _said(there, line, verb, {"EHLO": "250 here", "DATA": "354 go on"}):
            return
        if verb == "DATA" and (there.answers.get("DATA") or "354").startswith("3"):
            body = b"".join(iter(stream.readline, b".\r\n"))
            if there.answers.get("lost") or (there.answers.get(".") or "250").startswith("2"):
                there.taken.append(body)
            if not _said(there, line, ".", {}):
                return
        if verb == "QUIT":
            return


def _said(there: MailServer, line: socket.socket, verb: str, usual: dict[str, str]) -> bool:
    answer = there.answers.get(verb, usual.get(verb, "250 fine"))
    if answer is None:
        return False
    line.sendall(answer.encode() + b"\r\n")
    return True
