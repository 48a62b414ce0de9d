"""What a process that needs an embedded server does: hold it, find it, let it go."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.embedded import postgres, redis
from reconciler.embedded.folder import Folder, Lock
from reconciler.settings import inherited_environment

START_SECONDS_MAX = 180  # the first start makes a cluster; one after a crash reads its log again
STOP_SECONDS_MAX = 60
LOOK_AGAIN_SECONDS = 0.05
PROJECT = Path(__file__).parents[2]

_ANSWERS: Mapping[str, Callable[[Mapping[str, str]], bool]] = {
    "postgres": postgres.answers,
    "redis": redis.answers,
}
_held: dict[Folder, tuple[Lock, bool]] = {}
_keepers: dict[Folder, subprocess.Popen[bytes]] = {}  # remembered, to be reaped when they end


class DidNotStart(RuntimeError):
    """An embedded server is not there. The text ends with what it printed last."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Two logins to one database: the tables' owner, for migrations, and everybody else."""

    owner_url: str
    app_url: str


def ensure_postgres(data_dir: Path, *, durable: bool = True) -> Endpoints:
    """The folder's database, started if it is down, and kept until this process ends or stops it.

    `durable=False` trades safety in a power cut for speed, for tests. Raises DidNotStart.
    """
    return _endpoints(_ensure(Folder.of(data_dir, "postgres"), durable=durable))


def ensure_redis(data_dir: Path) -> str:
    """The URL of the folder's Redis, in the same way. Raises DidNotStart."""
    return _ensure(Folder.of(data_dir, "redis"), durable=True)["url"]


def find_postgres(data_dir: Path) -> Endpoints | None:
    """The folder's database if it is up now; starts and holds nothing."""
    said = _find(Folder.of(data_dir, "postgres"))
    return _endpoints(said) if said else None


def find_redis(data_dir: Path) -> str | None:
    """The URL of the folder's Redis if it is up now; starts and holds nothing."""
    return _find(Folder.of(data_dir, "redis")).get("url")


def tend(data_dir: Path) -> None:
    """Start again the keepers of what this process holds, should one have died. Returns at once."""
    for folder, (_, durable) in _held.items():
        last = _keepers.get(folder)
        is_starting = last is not None and last.poll() is None
        if folder.root == data_dir.resolve() and not is_starting and not folder.has_keeper():
            _start_keeper(folder, durable=durable)


def stop(data_dir: Path) -> bool:
    """Let go of the folder's servers. True once none runs; False if others use one."""
    folders = [Folder.of(data_dir, kind) for kind in _ANSWERS]
    for folder in folders:
        if folder in _held:
            _held.pop(folder)[0].close()
    return not [folder for folder in folders if not _wait_until_stopped(folder)]


def _ensure(folder: Folder, *, durable: bool) -> Mapping[str, str]:
    deadline = time.monotonic() + START_SECONDS_MAX
    _hold(folder, durable=durable, deadline=deadline)
    if folder in _keepers and _keepers[folder].poll() is not None:
        del _keepers[folder]  # an earlier one's failure says nothing about this start
    while time.monotonic() < deadline:
        if said := _find(folder):
            return said
        mine = _keepers.get(folder)
        if mine is not None and mine.poll():
            break  # it said why in its log
        if not folder.has_keeper() and (mine is None or mine.poll() is not None):
            _start_keeper(folder, durable=durable)
        time.sleep(LOOK_AGAIN_SECONDS)
    raise DidNotStart(f"{folder.kind} did not start; {folder.log} ends with:\n{folder.log_tail()}")


def _hold(folder: Folder, *, durable: bool, deadline: float) -> None:
    if folder in _held:
        return
    lock = folder.users()
    while not lock.try_shared():  # a keeper is just stopping it
        if time.monotonic() > deadline:
            lock.close()
            raise DidNotStart(f"{folder.kind} has been stopping for {START_SECONDS_MAX} s")
        time.sleep(LOOK_AGAIN_SECONDS)
    _held[folder] = (lock, durable)


def _start_keeper(folder: Folder, *, durable: bool) -> None:
    """In its own session: Ctrl-C in our terminal is not meant for it, and it may outlive us."""
    log = folder.open_log()
    command = [sys.executable, "-m", "reconciler.embedded.keeper", folder.kind, str(folder.root)]
    try:
        _keepers[folder] = subprocess.Popen(
            command if durable else [*command, "--hasty"],
            cwd=PROJECT,
            env=inherited_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def _find(folder: Folder) -> Mapping[str, str]:
    said = folder.published()
    return said if said and _ANSWERS[folder.kind](said) else {}


def _wait_until_stopped(folder: Folder) -> bool:
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while folder.has_keeper() and time.monotonic() < deadline:
        if _others_hold(folder):
            return False
        time.sleep(LOOK_AGAIN_SECONDS)
    if folder.has_keeper():
        return False
    if folder in _keepers:
        _keepers.pop(folder).wait(STOP_SECONDS_MAX)
    return True


def _others_hold(folder: Folder) -> bool:
    lock = folder.users()
    try:
        # Not free, but can be shared: then it is not the keeper, which would hold it alone.
        return not lock.try_alone() and lock.try_shared()
    finally:
        lock.close()


def _endpoints(said: Mapping[str, str]) -> Endpoints:
    return Endpoints(owner_url=said["owner"], app_url=said["app"])
