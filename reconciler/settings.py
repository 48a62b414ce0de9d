"""Every setting, read once from the environment and judged before anything starts.

A value that cannot be right stops the start with one line that names the variable and says how to
get a good one. Nothing else in the program reads the environment. An empty value means "not set".
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import unquote, urlsplit

from reconciler import setting_values as values
from reconciler.setting_values import NO_SECRET, Secret

__all__ = ["Secret", "Settings", "SettingsError", "from_environment", "load_settings"]

PORT_DEFAULT = 8000
WEBHOOK_TOLERANCE_DEFAULT = 300
REFUND_UNKNOWN_MAX_DEFAULT = 10  # a rail that answers leaves one or two, for seconds
ATTACHMENTS_QUOTA_DEFAULT = 1_024  # MiB
IDLE_MINUTES_DEFAULT = 15  # whoever leaves their desk leaves no open till
SESSION_IDLE_MINUTES_MAX = 720  # a session ends after twelve hours in any case
ATTACHMENTS_QUOTA_MAX = 100_000_000
_MIB = values.whole_number(1, ATTACHMENTS_QUOTA_MAX)
_IDLE = values.whole_number(1, SESSION_IDLE_MINUTES_MAX)
_EXPIRY_DAYS = values.whole_number(1, 3_650)
PROCESSES_MAX = 64  # more on one machine is a typing error
COUNT_MAX = 999_999_999
LIVE_SECRET_CHARS_MIN = 32  # signs sessions and clients' links once real money is there

# Set by `./run` for its children alone: which variables somebody set, for a page that says so.
GIVEN = "RECONCILER_GIVEN"
# What a child process gets from ours besides the settings. `PYTHONOPTIMIZE` is left out on purpose.
INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "TMPDIR", "VIRTUAL_ENV",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START",
)  # fmt: skip

T = TypeVar("T")


class SettingsError(ValueError):
    """A setting is missing or cannot be right. The text is one line, fit to be printed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. An empty text or secret means that it was not set."""

    database_url: str = field(default="", repr=False)  # empty: the embedded PostgreSQL
    migration_database_url: str = field(default="", repr=False)  # the owner's login
    redis_url: str = field(default="", repr=False)  # empty: the embedded Redis
    port: int = PORT_DEFAULT
    data_dir: Path = Path("var")
    secret_key: Secret = NO_SECRET
    secret_key_before: Secret = NO_SECRET  # while it is being changed
    base_url: str = f"http://127.0.0.1:{PORT_DEFAULT}"
    admin_email: str = ""
    admin_password: Secret = NO_SECRET
    stripe_secret_key: Secret = NO_SECRET
    stripe_webhook_secrets: tuple[Secret, ...] = ()  # several while one is being rotated
    stripe_api_base: str = ""  # empty: Stripe itself
    stripe_webhook_tolerance_seconds: int = WEBHOOK_TOLERANCE_DEFAULT
    # The metadata keys that name an invoice or a deposit, by which of the two; else the usual ones.
    metadata_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    smtp_url: Secret = NO_SECRET  # empty: mail is written to files
    seller: tuple[str, ...] = ()  # who sells, line by line, as it stands on papers
    mail_from: str = ""  # who mail comes from; empty: whoever signs in to the mail server
    refund_approval_threshold: Mapping[str, int] = field(
        default_factory=dict
    )  # by currency, minor units
    deposit_expiry_days: int | None = None  # after which nobody is asked for an unpaid deposit
    bank_fee_max: Mapping[str, int] = field(default_factory=dict)  # by currency, minor units
    refund_daily_limit: Mapping[str, int] = field(default_factory=dict)  # by currency, minor units
    refund_daily_count: int | None = None  # how many refunds may leave in a day
    refund_daily_count_per_customer: int | None = None
    refund_unknown_max: int = REFUND_UNKNOWN_MAX_DEFAULT  # of unknown outcome; more stop them all
    attachments_url: Secret = NO_SECRET  # empty: a folder under data_dir; the URL holds a password
    attachments_quota_mib: int = ATTACHMENTS_QUOTA_DEFAULT  # of all of them together
    session_idle_minutes: int = IDLE_MINUTES_DEFAULT
    worker_processes: int = 1
    web_processes: int = 2
    # Variables that somebody set, however many processes ago; the rest was made up or is usual.
    given: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def has_stripe(self) -> bool:
        """Whether a Stripe, real or not, is named. If not, `./run` starts the built-in one."""
        return bool(self.stripe_secret_key)

    @property
    def is_live(self) -> bool:
        """Whether the key moves real money."""
        return "_live_" in self.stripe_secret_key.reveal()

    @property
    def is_sandbox(self) -> bool:
        """Whether the rail is a stand-in and not Stripe itself. Each page says so."""
        return not self.has_stripe or bool(self.stripe_api_base)

    @property
    def sealing_keys(self) -> tuple[Secret, ...]:
        """What seals secrets in the database, the newest first; each opens."""
        return tuple(key for key in (self.secret_key, self.secret_key_before) if key)

    @property
    def mail_sender(self) -> Address:
        """Who mail comes from."""
        user = unquote(urlsplit(self.smtp_url.reveal()).username or "")
        here = f"reconciler@{urlsplit(self.base_url).hostname or 'localhost'}"
        wanted = (self.mail_from, user, self.admin_email, here, "reconciler@localhost")
        return next(made for text in wanted if (made := values.mailbox(text)))

    def checked_for_demo(self) -> Self:
        """These settings, if a demo may write into what they name. Raises SettingsError."""
        if self.is_live:
            raise SettingsError(
                "STRIPE_SECRET_KEY is a live key, and the demo never meets one: unset STRIPE_*"
            )
        if not self.is_sandbox:
            raise SettingsError(
                "STRIPE_SECRET_KEY leads to Stripe, and the demo needs the sandbox: unset STRIPE_*"
            )
        return self

    def checked_for_work(self) -> Self:
        """These settings, if a process that serves or works can start. Raises SettingsError."""
        needed = {
            "DATABASE_URL": (self.database_url, "postgresql://user:password@host/name"),
            "REDIS_URL": (self.redis_url, "redis://host:6379/0"),
            "RECONCILER_SECRET_KEY": (self.secret_key, "any 32 random characters, kept secret"),
            "STRIPE_SECRET_KEY": (self.stripe_secret_key, "dashboard, Developers, API keys"),
        }
        for name, (value, how) in needed.items():
            if not value:
                raise SettingsError(f"{name} is not set ({how}); or let ./run supply it")
        return self

    def to_environ(self) -> dict[str, str]:
        """The same settings as variables, for a child process: reading them gives these back."""
        said = {**self.written(), GIVEN: ",".join(sorted(self.given))}
        return {name: text for name, text in said.items() if text}

    def written(self) -> dict[str, str]:
        """Each variable and its value as text, empty where it has none. Secrets are in it."""
        return {name: write(self) for name, write in _WRITTEN.items()}


def from_environment() -> Settings:
    """The settings of this process. Raises SettingsError."""
    return load_settings(os.environ)


def inherited_environment() -> dict[str, str]:
    """What a child process should know of our surroundings: paths, language, proxies."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read and judge every variable. Raises SettingsError with one clear line."""
    if not __debug__:
        raise SettingsError("PYTHONOPTIMIZE (or python -O) drops the checks: run without it")
    said = {name: value.strip() for name, value in environ.items() if value.strip()}
    _refuse_half_a_stripe(said)
    database_url = _read(said, "DATABASE_URL", values.database_url, "")
    port = _read(said, "PORT", values.whole_number(1, 65_535), PORT_DEFAULT)
    processes = values.whole_number(1, PROCESSES_MAX)
    count = values.whole_number(0, COUNT_MAX)
    a_day = values.whole_number(1, 86_400)  # of seconds
    settings = Settings(
        database_url=database_url,
        migration_database_url=_read(
            said, "MIGRATION_DATABASE_URL", values.database_url, database_url
        ),
        redis_url=_read(said, "REDIS_URL", values.redis_url, ""),
        port=port,
        data_dir=Path(said.get("RECONCILER_DATA_DIR", "var")).absolute(),
        secret_key=Secret(said.get("RECONCILER_SECRET_KEY", "")),
        secret_key_before=Secret(said.get("RECONCILER_SECRET_KEY_BEFORE", "")),
        base_url=_read(said, "RECONCILER_BASE_URL", values.web_url, f"http://127.0.0.1:{port}"),
        admin_email=_read(said, "RECONCILER_ADMIN_EMAIL", values.email, ""),
        admin_password=Secret(said.get("RECONCILER_ADMIN_PASSWORD", "")),
        stripe_secret_key=_read(said, "STRIPE_SECRET_KEY", values.stripe_key, NO_SECRET),
        stripe_webhook_secrets=_read(said, "STRIPE_WEBHOOK_SECRET", values.webhook_secrets, ()),
        stripe_api_base=_read(said, "STRIPE_API_BASE", values.api_base, ""),
        stripe_webhook_tolerance_seconds=_read(
            said, "STRIPE_WEBHOOK_TOLERANCE", a_day, WEBHOOK_TOLERANCE_DEFAULT
        ),
        metadata_keys=_read(said, "RECONCILER_METADATA_KEYS", values.metadata_keys, {}),
        smtp_url=_read(said, "SMTP_URL", values.smtp_url, NO_SECRET),
        seller=_read(said, "RECONCILER_SELLER", values.lines, ()),
        mail_from=_read(said, "RECONCILER_MAIL_FROM", values.mail_from, ""),
        refund_approval_threshold=_read(said, "REFUND_APPROVAL_THRESHOLD", values.amounts, {}),
        deposit_expiry_days=_read(said, "DEPOSIT_EXPIRY_DAYS", _EXPIRY_DAYS, None),
        bank_fee_max=_read(said, "BANK_FEE_MAX", values.amounts, {}),
        refund_daily_limit=_read(said, "REFUND_DAILY_LIMIT", values.amounts, {}),
        refund_daily_count=_read(said, "REFUND_DAILY_COUNT", count, None),
        refund_daily_count_per_customer=_read(said, "REFUND_DAILY_COUNT_PER_CUSTOMER", count, None),
        refund_unknown_max=_read(said, "REFUND_UNKNOWN_MAX", count, REFUND_UNKNOWN_MAX_DEFAULT),
        attachments_url=_read(said, "ATTACHMENTS_URL", values.attachments_url, NO_SECRET),
        attachments_quota_mib=_read(said, "ATTACHMENTS_QUOTA_MIB", _MIB, ATTACHMENTS_QUOTA_DEFAULT),
        session_idle_minutes=_read(said, "SESSION_IDLE_MINUTES", _IDLE, IDLE_MINUTES_DEFAULT),
        worker_processes=_read(said, "WORKER_PROCESSES", processes, 1),
        web_processes=_read(said, "WEB_PROCESSES", processes, 2),
        given=_given(said),
    )
    _refuse_careless_live_money(settings)
    return settings


def _given(said: Mapping[str, str]) -> frozenset[str]:
    names = said[GIVEN].split(",") if GIVEN in said else said
    return frozenset(names).intersection(VARIABLES)


def _refuse_half_a_stripe(said: Mapping[str, str]) -> None:
    how = {
        "STRIPE_SECRET_KEY": "dashboard, Developers, API keys: sk_test_… or rk_test_…",
        "STRIPE_WEBHOOK_SECRET": "dashboard, Developers, Webhooks, signing secret: whsec_…",
    }
    given = sorted(name for name in _WRITTEN if name.startswith("STRIPE_") and name in said)
    for name, where in how.items():
        if given and name not in said:
            raise SettingsError(
                f"{name} is not set, but {given[0]} is. Get it at: {where} (or unset all STRIPE_*)"
            )


def _refuse_careless_live_money(settings: Settings) -> None:
    if not settings.is_live:
        return
    if settings.stripe_api_base:
        raise SettingsError(
            "STRIPE_API_BASE leads away from Stripe while STRIPE_SECRET_KEY is a live key: unset it"
        )
    if 0 < len(settings.secret_key.reveal()) < LIVE_SECRET_CHARS_MIN:
        raise SettingsError(
            f"RECONCILER_SECRET_KEY needs {LIVE_SECRET_CHARS_MIN} characters beside a live key: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )


def _read(said: Mapping[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    """The parsed value. The complaint never repeats the value: it may hold a password."""
    if name not in said:
        return default
    try:
        return parse(said[name])
    except ValueError as problem:
        raise SettingsError(f"{name} is not usable: {problem}") from None


def _metadata_keys_text(keys: Mapping[str, tuple[str, ...]]) -> str:
    return ",".join(f"{noun}:{'|'.join(names)}" for noun, names in keys.items())


def _amounts_text(amounts: Mapping[str, int]) -> str:
    return ",".join(f"{currency}:{minor}" for currency, minor in amounts.items())


def _count_text(count: int | None) -> str:
    return "" if count is None else str(count)


_WRITTEN: Mapping[str, Callable[[Settings], str]] = {
    "DATABASE_URL": lambda s: s.database_url,
    "MIGRATION_DATABASE_URL": lambda s: s.migration_database_url,
    "REDIS_URL": lambda s: s.redis_url,
    "PORT": lambda s: str(s.port),
    "RECONCILER_DATA_DIR": lambda s: str(s.data_dir),
    "RECONCILER_SECRET_KEY": lambda s: s.secret_key.reveal(),
    "RECONCILER_SECRET_KEY_BEFORE": lambda s: s.secret_key_before.reveal(),
    "RECONCILER_BASE_URL": lambda s: s.base_url,
    "RECONCILER_ADMIN_EMAIL": lambda s: s.admin_email,
    "RECONCILER_ADMIN_PASSWORD": lambda s: s.admin_password.reveal(),
    "RECONCILER_METADATA_KEYS": lambda s: _metadata_keys_text(s.metadata_keys),
    "STRIPE_SECRET_KEY": lambda s: s.stripe_secret_key.reveal(),
    "STRIPE_WEBHOOK_SECRET": lambda s: ",".join(x.reveal() for x in s.stripe_webhook_secrets),
    "STRIPE_API_BASE": lambda s: s.stripe_api_base,
    "STRIPE_WEBHOOK_TOLERANCE": lambda s: (
        str(s.stripe_webhook_tolerance_seconds) if s.has_stripe else ""
    ),
    "SMTP_URL": lambda s: s.smtp_url.reveal(),
    "RECONCILER_SELLER": lambda s: "|".join(s.seller),
    "RECONCILER_MAIL_FROM": lambda s: s.mail_from,
    "REFUND_APPROVAL_THRESHOLD": lambda s: _amounts_text(s.refund_approval_threshold),
    "DEPOSIT_EXPIRY_DAYS": lambda s: _count_text(s.deposit_expiry_days),
    "BANK_FEE_MAX": lambda s: _amounts_text(s.bank_fee_max),
    "REFUND_DAILY_LIMIT": lambda s: _amounts_text(s.refund_daily_limit),
    "REFUND_DAILY_COUNT": lambda s: _count_text(s.refund_daily_count),
    "REFUND_DAILY_COUNT_PER_CUSTOMER": lambda s: _count_text(s.refund_daily_count_per_customer),
    "REFUND_UNKNOWN_MAX": lambda s: str(s.refund_unknown_max),
    "ATTACHMENTS_URL": lambda s: s.attachments_url.reveal(),
    "ATTACHMENTS_QUOTA_MIB": lambda s: str(s.attachments_quota_mib),
    "SESSION_IDLE_MINUTES": lambda s: str(s.session_idle_minutes),
    "WORKER_PROCESSES": lambda s: str(s.worker_processes),
    "WEB_PROCESSES": lambda s: str(s.web_processes),
}

VARIABLES = tuple(_WRITTEN)
