"""`./run`: one command starts everything, and Ctrl-C stops all of it and nothing else.

To start and to end takes longer than all that is looked at in between: so one life tells of all
of the demo, and another of every kill and of a second start.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import requests

from reconciler import embedded
from reconciler.cli import local, up as up_module
from reconciler.embedded.folder import Lock
from reconciler.services.verification import LAWS
from reconciler.settings import Settings, inherited_environment, load_settings

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("reconciler")
PATIENCE_SECONDS = 60
DEMO_SECONDS = 120
CHILDREN_MIN = 7  # two keepers, sandbox, web, money, books, clock


class Run:
    """A running `reconciler up` and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], environ: dict[str, str]) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{environ['PORT']}"
        self._environ = environ
        self._lines: list[str] = []
        self._ear = Thread(target=self._listen, daemon=True)
        self._ear.start()

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the program, with the same settings."""
        return _ended(*arguments, **self._environ)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        self._ear.join(PATIENCE_SECONDS)
        return code

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)  # each is heard at once


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Run]:
    port = str(_free_port())
    environ = {"RECONCILER_DATA_DIR": str(folder), "PORT": port, "WEB_PROCESSES": "1"}
    with subprocess.Popen(
        [str(PROGRAM), "up", *options],
        cwd=ROOT,
        env={**inherited_environment(), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        run = Run(process, environ)
        try:
            yield run
        finally:
            process.kill()
    _eventually(lambda: embedded.find_postgres(folder) is None)


@pytest.mark.slow
def test_the_demo_is_played_once_and_all_stops_on_ctrl_c(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as run:
        _eventually(lambda: "The demo is over." in run.text, run, DEMO_SECONDS)
        _the_demo_is_whole_and_played_once(run)
        _all_stops(run, tmp_path)
    stopped = run.command("demo")
    assert stopped.returncode == 2
    port = run.url.rsplit(":", 1)[1]
    assert stopped.stderr.startswith(f"no server is ready on port {port}; start it with")


@pytest.mark.slow
@pytest.mark.thorough  # each part alone: test_supervisor.py and test_embedded.py
def test_what_was_booked_outlives_kill_9_of_each_process_and_of_all(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as run:
        _eventually(lambda: "The demo is over." in run.text, run, DEMO_SECONDS)
        journal = _journal(run)
        _each_child_is_killed_and_comes_back(run, tmp_path)
        first = _children(run.process.pid)
        run.process.kill()
        _eventually(lambda: not [pid for pid in first if Path(f"/proc/{pid}").exists()], run)
    with running(tmp_path) as again:
        _eventually(lambda: "Ctrl-C stops it" in again.text, again)
        assert set(journal.splitlines()) <= set(_journal(again).splitlines())
        _all_stops(again, tmp_path)


@pytest.mark.slow
@pytest.mark.thorough
def test_it_stops_on_sigterm_as_on_ctrl_c(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        _eventually(lambda: "Ctrl-C stops it" in run.text, run)
        assert run.stop(signal.SIGTERM) == 0, run.text


def _all_stops(run: Run, folder: Path) -> None:
    last = _children(run.process.pid)
    assert len(last) >= CHILDREN_MIN
    assert run.stop() == 0, run.text
    assert [pid for pid in last if Path(f"/proc/{pid}").exists()] == []
    assert not embedded.find_redis(folder)


def _the_demo_is_whole_and_played_once(run: Run) -> None:
    text = run.text
    assert "Ctrl-C stops it" in text
    assert re.search(r"the webhook took (\d+) of \1 deliveries", text), text
    assert f"the books balance: all {len(LAWS)} laws hold" in text
    before = _journal(run)
    again = run.command("demo")
    assert (again.returncode, again.stdout.splitlines()[0]) == (
        0,
        "the demo is there already, with all that was done since",
    )
    assert _journal(run) == before
    assert requests.get(f"{run.url}/readyz", timeout=5).status_code == 200
    assert run.command("verify").returncode == 0


def _each_child_is_killed_and_comes_back(run: Run, folder: Path) -> None:
    children = _children(run.process.pid)
    assert len(children) >= CHILDREN_MIN
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    _eventually(lambda: not set(children) & set(_children(run.process.pid)), run)
    _eventually(lambda: len(_children(run.process.pid)) == len(children), run)
    _eventually(lambda: _is_ready(run.url) and bool(embedded.find_redis(folder)), run)


def _journal(run: Run) -> str:
    ended = run.command("export", "journal", "--format", "csv")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    held = Lock(tmp_path / "up.lock")
    try:
        assert held.try_alone()
        assert "another ./run" in _refusal(RECONCILER_DATA_DIR=str(tmp_path))
    finally:
        held.close()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert _refusal(RECONCILER_DATA_DIR=str(tmp_path), PORT=port).startswith("PORT: ")


def test_a_bad_setting_stops_the_start_with_one_line(tmp_path: Path) -> None:
    said = _refusal(RECONCILER_DATA_DIR=str(tmp_path), STRIPE_SECRET_KEY="sk_test_1")
    assert re.fullmatch(r"STRIPE_WEBHOOK_SECRET is not set, .*\n", said)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_never_meets_a_live_key(tmp_path: Path) -> None:
    live = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
    assert "live key" in _refusal("--demo", RECONCILER_DATA_DIR=str(tmp_path), **live)
    assert list(tmp_path.iterdir()) == []


def test_what_is_supplied_once_is_the_same_the_next_time(tmp_path: Path) -> None:
    given = load_settings(
        {
            "RECONCILER_DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://h/d",
            "REDIS_URL": "redis://h",
        }
    )
    once = local.complete(given)
    assert local.complete(given) == once
    assert once.checked_for_work() is once
    assert once.is_sandbox
    assert len(once.secret_key.reveal()) >= 32
    assert (tmp_path / local.KEPT_FILE).stat().st_mode & 0o777 == 0o600
    assert load_settings(once.to_environ()) == once


def test_what_is_given_is_not_replaced(tmp_path: Path) -> None:
    given = load_settings(
        {
            "RECONCILER_DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://h/d",
            "REDIS_URL": "redis://h",
            "RECONCILER_SECRET_KEY": "mine",
            "RECONCILER_ADMIN_EMAIL": "ann@example.com",
            "RECONCILER_ADMIN_PASSWORD": "hers",
            "STRIPE_SECRET_KEY": "sk_test_1",
            "STRIPE_WEBHOOK_SECRET": "whsec_1",
        }
    )
    assert local.complete(given) == given


def test_the_sandbox_moves_when_another_program_has_its_port(tmp_path: Path) -> None:
    given = load_settings(
        {
            "RECONCILER_DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://h/d",
            "REDIS_URL": "redis://h",
        }
    )
    before = local.complete(given)
    local.move_sandbox_if_taken(given)
    assert local.complete(given) == before
    with socket.create_server(("127.0.0.1", local.sandbox_port(before))):
        local.move_sandbox_if_taken(given)
        assert local.sandbox_port(local.complete(given)) != local.sandbox_port(before)


def test_children_know_neither_the_owners_login_nor_the_admins_password() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://app@h/d",
        migration_database_url="postgresql+psycopg://owner@h/d",
        redis_url="redis://h",
        stripe_api_base="http://127.0.0.1:4242",
        worker_processes=3,
    )
    commands = {c.name: c for c in up_module._commands(settings, with_sandbox=True)}
    assert list(commands) == [
        "sandbox", "web", "money", "outbound", "books-1", "books-2", "books-3", "clock",
    ]  # fmt: skip
    for command in commands.values():
        assert command.environ["DATABASE_URL"] == "postgresql+psycopg://app@h/d"
        assert "MIGRATION_DATABASE_URL" not in command.environ
        assert "RECONCILER_ADMIN_PASSWORD" not in command.environ
    assert "4242" in commands["sandbox"].arguments


def _refusal(*arguments: str, **environ: str) -> str:
    ended = _ended("up", *arguments, **environ)
    assert (ended.returncode, ended.stdout) == (2, "")
    return ended.stderr


def _ended(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=ROOT,
        env={**inherited_environment(), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _eventually(
    is_so: Callable[[], bool], run: Run | None = None, seconds: float = PATIENCE_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError(run.text if run else "it did not become so in time")
