"""How the values of settings are written, and what of them cannot be right.

Each reader takes the text of a variable and raises ValueError with words that never repeat it: it
may hold a password.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import SplitResult, urlsplit

from typing_extensions import override

from reconciler import currencies

STRIPE_API = "https://api.stripe.com"
SELLER_CHARS_MAX = 1_000
AMOUNT_MAX = 2**63 - 1  # what a bigint column holds
METADATA_NOUNS = ("invoice", "deposit")
_METADATA_KEY = re.compile(r"[^\s|:,\[\]](?:[^|:,\[\]]{0,38}[^\s|:,\[\]])?")  # Stripe takes 40


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that must not turn up in a log: shown masked, given only when asked for by name."""

    text: str = field(default="")

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self.text

    def __bool__(self) -> bool:
        return bool(self.text)

    @override
    def __repr__(self) -> str:
        return "Secret('****')" if self.text else "Secret('')"

    __str__ = __repr__


NO_SECRET = Secret()  # what was not set


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return int(text)

    return parse


def _url(text: str, schemes: Iterable[str], example: str) -> SplitResult:
    wanted = f"expected the form {example}"
    if re.search(r"\s", text):
        raise ValueError(wanted)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(wanted) from None
    if parts.scheme not in schemes:
        raise ValueError(wanted)
    return parts


def database_url(text: str) -> str:
    """Where PostgreSQL is, as the driver wants it."""
    example = "postgresql://user:password@host:5432/name"
    schemes = ("postgres", "postgresql", "postgresql+psycopg")
    parts = _url(text, schemes, example)
    if parts.path in {"", "/"}:
        raise ValueError(f"it names no database; expected the form {example}")
    return "postgresql+psycopg://" + text.split("://", 1)[1]


def redis_url(text: str) -> str:
    """Where Redis is."""
    example = "redis://host:6379/0 (or rediss://…, unix:///path)"
    parts = _url(text, ("redis", "rediss", "unix"), example)
    if not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError(f"expected the form {example}")
    return text


def web_url(text: str) -> str:
    """Where a web server is, without a slash at the end."""
    example = "https://books.example.com"
    parts = _url(text, ("http", "https"), example)
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"expected the form {example}")
    return text.rstrip("/")


def api_base(text: str) -> str:
    """Where Stripe is; empty for Stripe itself."""
    base = web_url(text)
    return "" if base == STRIPE_API else base


def smtp_url(text: str) -> Secret:
    """A mail server, with its password."""
    example = "smtp://user:password@host:587 (or smtps://…)"
    if not _url(text, ("smtp", "smtps"), example).hostname:
        raise ValueError(f"expected the form {example}")
    return Secret(text)


def mail_from(text: str) -> str:
    """Who mail comes from."""
    if mailbox(text) is None:
        raise ValueError("expected ann@example.com, or Acme Studio <billing@example.com>")
    return text


def lines(text: str) -> tuple[str, ...]:
    """Lines of words with `|` between them: Acme Studio|12 Harbour Road|Cork|VAT IE1234567."""
    found = tuple(line.strip() for line in text.split("|") if line.strip())
    if not text.isprintable() or not found or len(text) > SELLER_CHARS_MAX:
        raise ValueError("expected lines such as Acme Studio|12 Harbour Road|Cork|VAT IE1234567")
    return found


def mailbox(text: str) -> Address | None:
    """A name and an address, such as stand in a header; None for what is none."""
    name, address = parseaddr(text)
    if not text.isprintable() or not re.fullmatch(r"[!#-'*+\--9=?A-Z^-~]+@[A-Za-z0-9.-]+", address):
        return None
    return Address(name, addr_spec=address)


def attachments_url(text: str) -> Secret:
    """A bucket that speaks S3, with its password."""
    example = "s3://KEY:SECRET@host/bucket/folder?region=eu-central-1 (or s3+http://…)"
    parts = _url(text, ("s3", "s3+http"), example)
    if not parts.hostname or not parts.path.strip("/"):
        raise ValueError(f"expected the form {example}")
    return Secret(text)


def email(text: str) -> str:
    """A mail address."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise ValueError("expected a mail address such as ann@example.com")
    return text


def stripe_key(text: str) -> Secret:
    """Stripe's secret or restricted key."""
    if not re.fullmatch(r"(sk|rk)_(test|live)_[A-Za-z0-9_]+", text):
        raise ValueError(
            "expected sk_test_…, rk_test_…, sk_live_… or rk_live_… (not pk_… or whsec_…)"
        )
    return Secret(text)


def webhook_secrets(text: str) -> tuple[Secret, ...]:
    """One signing secret, or several."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"whsec_[!-+\--~]+", part) for part in parts):
        raise ValueError("expected whsec_…, or several with commas while one is being rotated")
    return tuple(Secret(part) for part in dict.fromkeys(parts))


def amounts(text: str) -> Mapping[str, int]:
    """Minor units by currency."""
    found: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        shape = re.fullmatch(r"\s*([A-Za-z]{3})\s*:\s*([0-9]{1,19})\s*", part)
        if not shape or int(shape[2]) > AMOUNT_MAX:
            raise ValueError("expected currency:minor units, with commas: USD:50000,EUR:40000")
        if shape[1].upper() not in currencies.KNOWN:  # a typing error would leave another unlimited
            raise ValueError(f"{shape[1].upper()} is no currency we know (ISO 4217)")
        if shape[1].upper() in found:
            raise ValueError(f"{shape[1].upper()} is there twice")
        found[shape[1].upper()] = int(shape[2])
    return found


def metadata_keys(text: str) -> Mapping[str, tuple[str, ...]]:
    """Metadata keys by what they name."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, text.split(",")):
        noun, _, listed = part.partition(":")
        keys = [key.strip() for key in listed.split("|")]
        if noun.strip() not in METADATA_NOUNS or not all(map(_METADATA_KEY.fullmatch, keys)):
            raise ValueError("expected invoice:key|other_key,deposit:key, keys as in the metadata")
        if noun.strip() in found:
            raise ValueError(f"{noun.strip()} is there twice")
        found[noun.strip()] = tuple(dict.fromkeys(keys))
    twice = set(found.get("invoice", ())) & set(found.get("deposit", ()))
    if twice:
        raise ValueError(f"{min(twice)} cannot name both an invoice and a deposit")
    return found
