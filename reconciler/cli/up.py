"""`./run`: everything on one machine under one supervisor, until Ctrl-C."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path

import requests

from reconciler import embedded
from reconciler.cli import local
from reconciler.embedded.folder import Lock
from reconciler.errors import Invalid
from reconciler.settings import (
    Settings,
    SettingsError,
    from_environment,
    inherited_environment,
)
from reconciler.supervisor import Command, Supervisor

# Per web process; each holds at most one database connection. More would only wait for a core.
BLOCKING_THREADS = min(8, 2 * (os.cpu_count() or 1))
BACKPRESSURE = "64"  # requests taken at a time per web process; more wait in the socket's queue
PATIENCE_SECONDS = 60  # after that a line says what we wait for
PROJECT = Path(__file__).parents[2]
EXIT_WRONG_USAGE = 2
EXIT_INTERRUPTED = 130

BeforeStart = Callable[[Settings], None]


def up(*, demo: bool, before_start: Sequence[BeforeStart] | None = None) -> int:
    """Start everything and stay until told to stop. The exit code."""
    try:
        return _up(from_environment(), demo=demo, before_start=before_start)
    except (SettingsError, embedded.DidNotStart) as problem:
        print(problem, file=sys.stderr)
        return EXIT_WRONG_USAGE
    except KeyboardInterrupt:  # before the supervisor was there to take it
        return EXIT_INTERRUPTED


def migrate(settings: Settings) -> None:
    """Bring the tables up to date, as their owner."""
    # Here, because Alembic is slow to import and most commands never migrate.
    from reconciler.migrations_runner import migrate as bring_up_to_date  # noqa: PLC0415

    bring_up_to_date(settings.migration_database_url, settings.database_url)


def first_admin(settings: Settings) -> None:
    """Make the first admin, if there is nobody yet."""
    # Here, because the rails and the tables are slow to import, and `up` starts without them.
    from reconciler.runtime import Runtime  # noqa: PLC0415
    from reconciler.services.people import ensure_first_admin  # noqa: PLC0415
    from reconciler.work import Cause  # noqa: PLC0415

    named = {"email": "RECONCILER_ADMIN_EMAIL", "password": "RECONCILER_ADMIN_PASSWORD"}
    runtime = Runtime.from_settings(settings)
    try:
        runtime.do(
            Cause("command", "up"),
            lambda work: ensure_first_admin(
                work, settings.admin_email, settings.admin_password.reveal()
            ),
        )
    except Invalid as wrong:
        raise SettingsError(f"{named[wrong.field or 'password']}: {wrong}") from None
    finally:
        runtime.engine.dispose()


BEFORE_START: list[BeforeStart] = [migrate, first_admin]
"""What is done once the database is there and before anything uses it, in this order."""


def _up(given: Settings, *, demo: bool, before_start: Sequence[BeforeStart] | None) -> int:
    if demo:
        given.checked_for_demo()
    turn = _only_one(given)
    try:
        settings = _complete(given)
        for step in BEFORE_START if before_start is None else before_start:
            step(settings)
        commands = list(_commands(settings, with_sandbox=not given.has_stripe))
        opening = _Opening(settings, demo=demo)
        supervisor = Supervisor(commands, each_second=lambda: opening.each_second(supervisor))
        supervisor.run()
    finally:
        embedded.stop(given.data_dir)
        turn.close()
    return 0


def _only_one(settings: Settings) -> Lock:
    settings.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    turn = Lock(settings.data_dir / "up.lock")
    if not turn.try_alone():
        turn.close()
        raise SettingsError(
            f"RECONCILER_DATA_DIR: {settings.data_dir} is in use by another ./run; stop it first,"
            " or name another folder"
        )
    if not local.port_is_free(settings.port):
        raise SettingsError(
            f"PORT: another program listens on {settings.port}; try PORT=8001 ./run"
        )
    return turn


def _complete(given: Settings) -> Settings:
    print("starting the database and the queue …", flush=True)
    if not given.has_stripe:
        local.move_sandbox_if_taken(given)
    return local.complete(given)


def _commands(settings: Settings, *, with_sandbox: bool) -> Iterator[Command]:
    environ = _environ(settings)
    python = sys.executable
    if with_sandbox:
        port = str(local.sandbox_port(settings))
        yield Command("sandbox", [python, "-m", "reconciler.sandbox", "--port", port], environ)
    web = web_command(port=settings.port, processes=settings.web_processes)
    yield Command("web", web, environ)
    for queue in ("money", "outbound"):
        yield Command(queue, [python, "-m", "jobs.worker", queue], environ)
    for number in range(1, settings.worker_processes + 1):
        yield Command(f"books-{number}", [python, "-m", "jobs.worker", "books"], environ)
    yield Command("clock", [python, "-m", "jobs.clock"], environ)


def web_command(*, port: int, processes: int) -> list[str]:
    """How the web processes are started; also by who measures them."""
    chosen = {
        "interface": "wsgi",
        "host": "127.0.0.1",
        "port": str(port),
        "workers": str(processes),
        "blocking-threads": str(BLOCKING_THREADS),
        "backpressure": BACKPRESSURE,
        "workers-kill-timeout": "20",
        "respawn-interval": "0.5",
        "working-dir": str(PROJECT),
    }
    options = [part for name, value in chosen.items() for part in (f"--{name}", value)]
    flags = ["--no-ws", "--respawn-failed-workers"]
    return [sys.executable, "-m", "granian", *options, *flags, "wsgi:app"]


def _environ(settings: Settings) -> dict[str, str]:
    """What a child is told: not the owner's login, and not the first admin's password."""
    said = settings.to_environ()
    for name in ("MIGRATION_DATABASE_URL", "RECONCILER_ADMIN_PASSWORD"):
        said.pop(name, None)
    return {**inherited_environment(), **said, "PYTHONUNBUFFERED": "1", "TZ": "UTC"}


class _Opening:
    """Waits, a look each second, until the service is ready; then says so, once."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._demo = demo
        self._looks = 0
        self._is_open = False

    def each_second(self, supervisor: Supervisor) -> None:
        """The supervisor's hook."""
        embedded.tend(self._settings.data_dir)
        if self._is_open:
            return
        self._looks += 1
        problem = self._why_not_ready()
        if not problem:
            self._is_open = True
            self._greet()
            if self._demo:
                supervisor.add(self._demo_command())
        elif self._looks % PATIENCE_SECONDS == 0:
            print(f"not ready yet: {problem}", flush=True)

    def _why_not_ready(self) -> str:
        try:
            answer = requests.get(f"http://127.0.0.1:{self._settings.port}/readyz", timeout=1)
        except requests.RequestException as problem:
            return type(problem).__name__
        return "" if answer.status_code == HTTPStatus.OK else answer.text[:500]

    def _greet(self) -> None:
        settings = self._settings
        lines = [
            "",
            f"Reconciler is running at {settings.base_url}/admin/",
            f"  mail      {settings.admin_email}",
            f"  password  {settings.admin_password.reveal()}  (the first admin's, as it was made)",
        ]
        if settings.is_sandbox:
            lines.append(f"  Sandbox: the rail is {settings.stripe_api_base}, no money moves")
        if self._demo:
            lines.append("  The demo is played first: sign in when it says below that it is over")
        print("\n".join([*lines, "  Ctrl-C stops it", ""]), flush=True)

    def _demo_command(self) -> Command:
        program = str(Path(sys.executable).with_name("reconciler"))
        return Command("demo", [program, "demo"], _environ(self._settings), once=True)
