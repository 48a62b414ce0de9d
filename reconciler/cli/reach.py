"""How a command reaches the books: the same database, queue and keys as `./run`."""

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.cli import local
from reconciler.migrations_runner import newest
from reconciler.reads import readiness
from reconciler.runtime import Runtime
from reconciler.settings import Settings, SettingsError, from_environment

EMBEDDED_DATA = "postgres"  # the folder that the embedded database makes for itself


def completed() -> Settings:
    """The settings with nothing missing; the embedded servers of a folder that has them are up.

    Raises SettingsError where there is nothing yet, and DidNotStart.
    """
    given = from_environment()
    if not given.database_url and not (given.data_dir / EMBEDDED_DATA).exists():
        raise SettingsError(
            f"RECONCILER_DATA_DIR: {given.data_dir} holds no books yet; start with ./run, or name"
            " a database in DATABASE_URL"
        )
    return local.complete(given)


@contextmanager
def opened() -> Iterator[Runtime]:
    """A runtime on books that this program can read. Raises SettingsError, Unavailable."""
    runtime = Runtime.from_settings(completed(), pool_size=2)
    try:
        with runtime.read() as session:
            found = readiness.revision(session)
        if found != newest():
            raise SettingsError(
                f"DATABASE_URL: the tables are at {found or 'nothing'}, this program needs"
                f" {newest()}; run: reconciler migrate"
            )
        yield runtime
    finally:
        runtime.queue.tell()
        runtime.engine.dispose()
