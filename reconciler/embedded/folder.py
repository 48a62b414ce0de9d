"""One server's place in a data folder: its files, its locks, and what it says of itself."""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_MAX = 100  # bytes; the kernel takes 107, and a server puts its own name behind
LOG_BYTES_MAX = 5_000_000


class Lock:
    """A lock on a file that the kernel gives back when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_shared(self) -> bool:
        """Hold it beside others, if nobody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def try_alone(self) -> bool:
        """Hold it alone, if nobody else holds it at all."""
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        """Let go."""
        os.close(self._fd)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the server called `kind` lives under one data folder."""

    root: Path
    kind: str

    @classmethod
    def of(cls, data_dir: Path, kind: str) -> "Folder":
        """The folder, made if missing. One folder has one name, whatever links lead to it."""
        # Others may pass through, not look: as root, PostgreSQL runs under another account.
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        return cls(data_dir.resolve(), kind)

    @property
    def data(self) -> Path:
        """The server's own files."""
        return self.root / self.kind

    @property
    def log(self) -> Path:
        """What the server and its keeper print."""
        return self.root / f"{self.kind}.log"

    @property
    def _state(self) -> Path:
        return self.root / f"{self.kind}.json"

    def users(self) -> Lock:
        """Held shared by each process that needs the server, alone by a keeper that stops it."""
        return Lock(self.root / f"{self.kind}.users")

    def keeper(self) -> Lock:
        """Held alone by the keeper for as long as it lives."""
        return Lock(self.root / f"{self.kind}.keeper")

    def has_keeper(self) -> bool:
        """Whether a keeper is there."""
        lock = self.keeper()
        try:
            return not lock.try_shared()
        finally:
            lock.close()

    def publish(self, said: Mapping[str, str]) -> None:
        """Tell every process how to reach the server."""
        draft = self._state.with_suffix(".new")
        # Its own name is in it: a copied data folder must not lead to the first one's server.
        draft.write_text(json.dumps({"root": str(self.root), **said}))
        draft.replace(self._state)

    def published(self) -> dict[str, str]:
        """What the server said last; empty if it is not there."""
        try:
            said: dict[str, str] = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return {}
        return said if said.get("root") == str(self.root) else {}

    def unpublish(self) -> None:
        """The server is not there any more."""
        self._state.unlink(missing_ok=True)

    def socket_dir(self) -> Path:
        """A private folder with a short name for the server's socket: data folders may be deep."""
        name = f"reconciler-{hashlib.sha256(bytes(self.root)).hexdigest()[:12]}-{self.kind}"
        path = Path(tempfile.gettempdir()) / name
        if len(bytes(path)) > SOCKET_PATH_MAX - len("/.s.PGSQL.5432"):
            path = Path("/tmp") / name  # noqa: S108  # made private, or refused, just below
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        # Anybody can make this name first; then it is not ours, and a random one is taken instead.
        found = path.lstat()
        owners = {os.geteuid(), _owner(self.data)}
        if found.st_mode & 0o170777 != 0o040700 or found.st_uid not in owners:
            return Path(tempfile.mkdtemp(prefix="reconciler-", dir=path.parent))
        return path

    def open_log(self) -> int:
        """The log, to write at its end; the last one is kept beside it once it is long."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES_MAX:
                self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def log_tail(self) -> str:
        """The last lines of the log, for the message that says why a server did not start."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
        except OSError:
            return ""


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return os.geteuid()
