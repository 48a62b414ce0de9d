"""What each setting is for, in a sentence, and how its value is shown without its secret."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Words:
    """A setting's name for people, and what it does."""

    title: str
    text: str


def _hidden(value: str) -> str:
    """Only that it is set: a secret that people could type leaves nothing to see."""
    del value
    return "set, not shown"


def _key(value: str) -> str:
    """What kind of key it is, and its last four characters."""
    kind = re.match(r"(?:sk|rk)_(?:test|live)_", value)
    return f"{kind[0] if kind else ''}…{value[-4:]}"


def _several(value: str) -> str:
    number = value.count(",") + 1
    return "one secret, not shown" if number == 1 else f"{number} secrets, not shown"


def _address(value: str) -> str:
    """A URL without who signs in to it, and without its query."""
    parts = urlsplit(value)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


MASKED: Mapping[str, Callable[[str], str]] = {
    "DATABASE_URL": _address,
    "MIGRATION_DATABASE_URL": _address,
    "REDIS_URL": _address,
    "RECONCILER_SECRET_KEY": _hidden,
    "RECONCILER_SECRET_KEY_BEFORE": _hidden,
    "RECONCILER_ADMIN_PASSWORD": _hidden,
    "STRIPE_SECRET_KEY": _key,
    "STRIPE_WEBHOOK_SECRET": _several,
    "SMTP_URL": _address,
    "ATTACHMENTS_URL": _address,
}

GROUPS: tuple[tuple[str, Mapping[str, Words]], ...] = (
    (
        "Stripe",
        {
            "STRIPE_SECRET_KEY": Words(
                "API key", "Reads payments and sends refunds. Restricted keys (rk_…) are better."
            ),
            "STRIPE_WEBHOOK_SECRET": Words(
                "Webhook signing secrets",
                "Messages signed with one of them are taken in; several while one is rotated.",
            ),
            "STRIPE_API_BASE": Words("API address", "Leads to a stand-in instead of Stripe."),
            "STRIPE_WEBHOOK_TOLERANCE": Words(
                "Signature age", "Seconds that a signature may be old, or ahead."
            ),
            "BANK_FEE_MAX": Words(
                "Most that a bank may keep",
                "Of a transfer or an invoice; minor units by currency, without it a twentieth.",
            ),
            "RECONCILER_METADATA_KEYS": Words(
                "Metadata keys", "Which keys of a payment name an invoice or a deposit."
            ),
        },
    ),
    (
        "Refunds",
        {
            "REFUND_APPROVAL_THRESHOLD": Words(
                "Second person above", "Minor units by currency. Without it, all need one."
            ),
            "REFUND_DAILY_LIMIT": Words(
                "Most money a day", "Minor units by currency. Above it refunds wait."
            ),
            "REFUND_DAILY_COUNT": Words("Most refunds a day", "Of all currencies together."),
            "REFUND_DAILY_COUNT_PER_CUSTOMER": Words(
                "Most a day to one customer", "Above it they wait."
            ),
            "REFUND_UNKNOWN_MAX": Words(
                "Most of unknown outcome", "One more stops all refunds until a person looked."
            ),
        },
    ),
    (
        "Addresses, mail and papers",
        {
            "RECONCILER_BASE_URL": Words("Address people use", "Stands in links and mails."),
            "PORT": Words("Port", "Where the web process listens."),
            "SMTP_URL": Words("Mail server", "Without it mails are files in the data folder."),
            "RECONCILER_MAIL_FROM": Words("Sender of mails", "Else who signs in to the server."),
            "DEPOSIT_EXPIRY_DAYS": Words(
                "Days for unpaid deposits",
                "So long after it was due each is asked for; then no more.",
            ),
            "RECONCILER_SELLER": Words("Seller", "Name, address and tax number on papers."),
        },
    ),
    (
        "Storage and processes",
        {
            "DATABASE_URL": Words("PostgreSQL", "Holds the books."),
            "MIGRATION_DATABASE_URL": Words(
                "Owner's login", "Changes tables; the processes that serve are not told it."
            ),
            "REDIS_URL": Words("Redis", "The queue. Nothing is lost when it is emptied."),
            "RECONCILER_DATA_DIR": Words("Data folder", "Embedded servers, mails, attachments."),
            "ATTACHMENTS_URL": Words("Bucket of attachments", "Without it the data folder."),
            "ATTACHMENTS_QUOTA_MIB": Words("Room for attachments", "MiB, all together."),
            "WEB_PROCESSES": Words("Web processes", "How many answer the web on this machine."),
            "WORKER_PROCESSES": Words("Worker processes", "How many apply events here."),
        },
    ),
    (
        "Sign-in",
        {
            "SESSION_IDLE_MINUTES": Words(
                "Minutes until signed out", "Of doing nothing; then the password is asked for."
            ),
            "RECONCILER_SECRET_KEY": Words(
                "Secret key", "Seals what must not be read from a copied database."
            ),
            "RECONCILER_SECRET_KEY_BEFORE": Words(
                "Secret key before", "Still opens what it sealed, while the key is changed."
            ),
            "RECONCILER_ADMIN_EMAIL": Words("First admin", "Made if there is nobody yet."),
            "RECONCILER_ADMIN_PASSWORD": Words(
                "First admin's password", "Told to the first start, not to what serves."
            ),
        },
    ),
)
