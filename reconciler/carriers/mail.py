"""Mail as bytes, and the two who carry it: a mail server, or a folder where none is named.

The conversation with the server is opened before a mail is claimed, so that nearly nothing lies
between the last look and the words that cannot be taken back.
"""

import contextlib
import ipaddress
import os
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from reconciler.errors import OutcomeUnknown, Refused, Unavailable
from reconciler.settings import Settings

SECONDS_MAX = 20.0  # for each answer of the server
_ANSWER_CHARS_MAX = 200
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class Postbox(Protocol):
    """Takes mails. One that was taken is not put in again."""

    @property
    def name(self) -> str:
        """What a message says of who carried it."""

    def put(self, body: bytes, *, sender: str, to: str, name: str) -> str:
        """Hand over one mail; gives what carried it.

        Raises Refused (never, as it is), Unavailable (not now; nothing left) or OutcomeUnknown.
        """


@dataclass(frozen=True, slots=True)
class Envelope:
    """Between whom, under which name, and when. The same name makes the same Message-ID."""

    sender: Address
    to: Address
    name: str
    at: datetime


def compose(envelope: Envelope, *, subject: str, text: str, html: str) -> bytes:
    """One mail as it goes over the wire."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=78, cte_type="7bit"))
    mail["From"] = envelope.sender
    mail["To"] = envelope.to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(envelope.at)
    mail["Message-ID"] = f"<{envelope.name}@{envelope.sender.domain}>"
    # Who is away does not answer a machine, and a list does not take it for a person's.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


@contextlib.contextmanager
def open_postbox(settings: Settings) -> Iterator[Postbox]:
    """Whoever carries mail in this house, ready to take one. Raises Unavailable."""
    url = settings.smtp_url.reveal()
    if not url:
        yield MailFolder(settings.data_dir / "mail")
        return
    server = _connect(url)
    try:
        yield MailServer(server, urlsplit(url).hostname or "")
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()


class MailServer:
    """A mail server that we are already speaking with."""

    def __init__(self, server: smtplib.SMTP, host: str) -> None:
        self._server = server
        self._host = host

    @property
    def name(self) -> str:
        """The server."""
        return self._host

    def put(self, body: bytes, *, sender: str, to: str, name: str) -> str:
        """One transaction of SMTP. See Postbox."""
        del name  # it is in the body
        self._address(sender, to)
        try:
            code, said = self._server.data(body)
        except smtplib.SMTPDataError as error:  # before the first byte of it
            raise _refusal(error.smtp_code, error.smtp_error) from None
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(type(error).__name__) from error
        if code != 250:
            raise _refusal(code, said)
        return self._host

    def _address(self, sender: str, to: str) -> None:
        try:
            for code, said in (self._server.mail(sender), self._server.rcpt(to)):
                if code not in (250, 251):
                    self._server.rset()
                    raise _refusal(code, said)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"the mail server broke off: {type(error).__name__}") from error


class MailFolder:
    """A folder that mails are written into as .eml files, where no mail server is named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    def put(self, body: bytes, *, sender: str, to: str, name: str) -> str:
        """Write the file, whole or not at all; the same name twice is one file."""
        del sender, to
        file = self._folder / f"{name}.eml"
        beside = self._folder / f".{name}.{os.getpid()}.part"
        try:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, _NEW_FILE, _FILE_MODE), "wb") as stream:
                stream.write(body)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(file)
        except OSError as error:
            raise Unavailable(f"the mail folder cannot be written: {error.strerror}") from error
        return f"mail/{file.name}"


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    try:
        server: smtplib.SMTP
        if is_tls:
            server = smtplib.SMTP_SSL(
                host, parts.port or 465, timeout=SECONDS_MAX, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=SECONDS_MAX)
        try:
            server.ehlo_or_helo_if_needed()
            _secure(server, host, is_tls=is_tls, is_secret=bool(user))
            if user:
                server.login(user, password)
        except BaseException:
            server.close()
            raise
    except (OSError, smtplib.SMTPException) as error:
        # What the server said may hold the name that we signed in by.
        code = getattr(error, "smtp_code", None)
        raise Unavailable(f"no mail server: {type(error).__name__} {code or ''}".strip()) from error
    return server


def _secure(server: smtplib.SMTP, host: str, *, is_tls: bool, is_secret: bool) -> None:
    """STARTTLS wherever it is offered; a password never goes in the clear to another machine."""
    if is_tls:
        return
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
    elif is_secret and not _is_here(host):
        raise Unavailable("the mail server offers no STARTTLS, and a password is to be sent")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(code: int, said: bytes | str) -> Refused | Unavailable:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    plain = "".join(c if c.isprintable() else " " for c in words)[:_ANSWER_CHARS_MAX]
    text = f"the mail server said {code} {plain}".strip()
    return Refused(text) if 500 <= code < 600 else Unavailable(text)
