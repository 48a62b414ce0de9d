"""What `./run` supplies where the environment says nothing: servers, keys, a sandbox, an admin.

Every command asks for the same completed settings, so `reconciler verify` in a second terminal
reaches what `./run` started in the first.
"""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reconciler import embedded
from reconciler.settings import Secret, Settings

ADMIN_EMAIL_DEFAULT = "admin@example.com"
KEPT_FILE = "local.json"


def complete(settings: Settings) -> Settings:
    """The settings with nothing missing. Starts the embedded servers if they are down.

    They stop by themselves when the last process that called this has ended. Raises DidNotStart.
    """
    settings.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    return _with_database(_with_redis(_with_keys(settings)))


def sandbox_port(settings: Settings) -> int:
    """Where the built-in Stripe of these completed settings listens."""
    return int(settings.stripe_api_base.rsplit(":", 1)[1])


def port_is_free(port: int) -> bool:
    """Whether a server of ours could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def move_sandbox_if_taken(settings: Settings) -> None:
    """Forget the built-in Stripe's port if another program has it by now. For `up` alone."""
    with _kept(settings.data_dir) as kept:
        if "sandbox_port" in kept and not port_is_free(int(kept["sandbox_port"])):
            del kept["sandbox_port"]


def _with_database(settings: Settings) -> Settings:
    if settings.database_url:
        return settings
    found = embedded.ensure_postgres(settings.data_dir)
    return replace(
        settings,
        database_url=found.app_url,
        migration_database_url=settings.migration_database_url or found.owner_url,
    )


def _with_redis(settings: Settings) -> Settings:
    if settings.redis_url:
        return settings
    return replace(settings, redis_url=embedded.ensure_redis(settings.data_dir))


def _with_keys(settings: Settings) -> Settings:
    with _kept(settings.data_dir) as kept:
        settings = replace(
            settings,
            secret_key=settings.secret_key
            or Secret(kept.setdefault("secret_key", secrets.token_urlsafe(48))),
            admin_email=settings.admin_email or ADMIN_EMAIL_DEFAULT,
            admin_password=settings.admin_password
            or Secret(kept.setdefault("admin_password", secrets.token_urlsafe(12))),
        )
        if settings.has_stripe:
            return settings
        key = kept.setdefault("sandbox_key", f"sk_test_sandbox_{secrets.token_hex(16)}")
        webhook = kept.setdefault("sandbox_webhook_secret", f"whsec_{secrets.token_hex(24)}")
        port = kept.setdefault("sandbox_port", str(_free_port()))
        return replace(
            settings,
            stripe_secret_key=Secret(key),
            stripe_webhook_secrets=(Secret(webhook),),
            stripe_api_base=f"http://127.0.0.1:{port}",
        )


@contextmanager
def _kept(data_dir: Path) -> Iterator[dict[str, str]]:
    """What was made once for this folder, to be changed in place; two processes take turns."""
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    path = data_dir / KEPT_FILE
    with (data_dir / f"{KEPT_FILE}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        before = path.read_text() if path.exists() else "{}"
        kept: dict[str, str] = json.loads(before)
        yield kept
        after = json.dumps(kept, indent=1)
        if after != before:
            _write_safely(path, after)


def _write_safely(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
