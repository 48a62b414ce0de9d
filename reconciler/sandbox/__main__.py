"""`python -m reconciler.sandbox --port N`: the built-in Stripe as a process, for `./run`."""

import argparse
import secrets
import signal
import threading
import time
from datetime import UTC, datetime

from reconciler.sandbox.app import create_sandbox
from reconciler.sandbox.deliverer import Target
from reconciler.sandbox.server import serve
from reconciler.sandbox.state import keep
from reconciler.sandbox.world import World
from reconciler.settings import Settings, SettingsError, from_environment

STATE_FILE = "sandbox.json"


def main() -> None:
    """Serve until told to stop. Exits with one line for settings that cannot be right."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    port = arguments.parse_args().port
    try:
        settings = from_environment()
    except SettingsError as problem:
        raise SystemExit(str(problem)) from problem
    if settings.is_live:
        raise SystemExit("STRIPE_SECRET_KEY is a live key, and the sandbox never meets one")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _serve_until(stop, settings, port)


def _serve_until(stop: threading.Event, settings: Settings, port: int) -> None:
    # The salt keeps ids apart even where the file with the world was lost.
    world = World(_now, salt=secrets.token_hex(8))
    world.enforce_balance = True  # as at Stripe: people learn here what happens there
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    keep(world, settings.data_dir / STATE_FILE)
    world.base_url = f"http://127.0.0.1:{port}"
    webhook_url = f"http://127.0.0.1:{settings.port}/webhooks/stripe"
    targets = [
        Target(webhook_url, secret.reveal()) for secret in settings.stripe_webhook_secrets[:1]
    ]
    app = create_sandbox(
        world,
        secret_key=settings.stripe_secret_key.reveal(),
        webhook_targets=targets,
    )
    server = serve(app, port)
    stop.wait()
    server.close()


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


if __name__ == "__main__":
    main()
