"""Settings: what each is, where its value comes from, and which webhook secret is in use."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Response

from reconciler.books.people import Role
from reconciler.reads import screens_settings
from reconciler.settings import Secret, Settings, load_settings
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.setting_words import GROUPS, MASKED, Words

screens = Screens()

_LOOKED_AT = 200  # messages; a secret that signed none of them is in use no more


@dataclass(frozen=True, slots=True)
class Line:
    """One setting. `shown` never holds a secret; `origin` is where the value comes from."""

    name: str
    words: Words
    shown: str
    origin: str


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One of the secrets that webhooks may be signed with. `print` tells it from the others."""

    print: str
    used_at: datetime | None


@screens.get("/settings", needs=Role.ADMIN)
def show_settings(desk: Desk) -> Response:
    """Every variable. They are set where the processes are started, and shown here."""
    settings = desk.runtime.settings
    return desk.page(
        "settings.html",
        groups=[(title, list(_lines(settings, words))) for title, words in GROUPS],
        secrets=_secrets(desk, settings.stripe_webhook_secrets),
        looked_at=_LOOKED_AT,
    )


def _lines(settings: Settings, words: Mapping[str, Words]) -> list[Line]:
    values = settings.written()
    usual = load_settings({name: values[name] for name in settings.given}).written()
    return [
        Line(name, said, _shown(name, values[name]), _origin(settings, name, values, usual))
        for name, said in words.items()
    ]


def _shown(name: str, value: str) -> str:
    if not value:
        return ""
    return MASKED[name](value) if name in MASKED else value


def _origin(
    settings: Settings, name: str, values: Mapping[str, str], usual: Mapping[str, str]
) -> str:
    if name in settings.given:
        return "Environment"
    if values[name] != usual[name]:
        return "Made by ./run"
    return "Usual value" if values[name] else "Not set"


def _secrets(desk: Desk, secrets: tuple[Secret, ...]) -> list[SigningSecret]:
    """Each secret and when it last signed one of the latest messages."""
    used: dict[int, datetime] = {}
    rail = desk.runtime.rails["stripe"]
    with desk.runtime.read() as session:
        for seen in screens_settings.lately_signed(session, rail.name, limit=_LOOKED_AT):
            for place in rail.signers(seen.body, seen.signature):
                used.setdefault(place, seen.received_at)
    return [
        SigningSecret(_fingerprint(secret), used.get(place)) for place, secret in enumerate(secrets)
    ]


def _fingerprint(secret: Secret) -> str:
    """Eight digits that tell two secrets apart and give neither away."""
    return hashlib.sha256(secret.reveal().encode()).hexdigest()[:8]
