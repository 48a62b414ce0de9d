"""Bring a database to the newest schema, as its owner, and let the application in.

The application's login owns nothing: it cannot switch off a trigger, change a posting or
empty a table, whatever goes wrong in it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from reconciler.errors import Conflict, Unavailable
from reconciler.settings import SettingsError

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_NAMED = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.MULTILINE)
# Two who migrate at once take turns.
_TURN = 7_201_954

SCRATCH = "reconciler_rebuild"
_SCRATCH_TURN = 7_201_955
# Rows of these are taken there as they ended: what guards their making would refuse them.
_TAKEN = ("refund_attempt",)

# Nothing may ever change or remove these; the rest of the tables the application writes freely.
APPEND_ONLY = (
    "journal_entry", "posting", "ledger_account", "inbox_event", "refund_step", "credit_note",
    "credit_note_taken_back",
    "audit_line", "audit_words", "books_closing",
    "dispute_step", "dispute_decision",
    "payout_line", "balance_movement",
    "attachment", "sign_off", "proposal_version", "record_note", "imported_row",
    "vendor_credit_line",
)  # fmt: skip


# Rows of these are added up into few again and again. What a year's history leaves of empty pages
# when it is taken over at once would be read by every list for good.
_FOLDED = ("customer_sum", "untied")
_IS_HOLLOW = sa.text(
    """select relpages > 1000 and reltuples between 0 and relpages
    from pg_class where oid = to_regclass(:name)"""
)


def migrate(owner_url: str, app_url: str | None = None) -> str:
    """Upgrade to the newest revision and grant the application its rights; gives the revision."""
    engine = sa.create_engine(owner_url, poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("select pg_advisory_lock(:turn)"), {"turn": _TURN})
            connection.commit()
            _upgrade(connection)
            _shrink(connection)
            login = sa.make_url(app_url).username if app_url else None
            if login and login != sa.make_url(owner_url).username:
                _let_in(connection, login)
            connection.execute(sa.text("select pg_advisory_unlock(:turn)"), {"turn": _TURN})
            connection.commit()
            return newest()
    except sa.exc.OperationalError as error:
        raise Unavailable("the database is out of reach for migration") from error
    finally:
        engine.dispose()


@contextmanager
def scratch(owner_url: str) -> Iterator[str]:
    """Empty tables in a schema of their own, dropped at the end; gives an address of theirs.

    What a crash left of an earlier one is dropped first. Raises Conflict while another is in use,
    and SettingsError where the login may make no schema.
    """
    engine = sa.create_engine(owner_url, poolclass=sa.pool.NullPool)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _take_scratch(connection)
            try:
                options = {"options": f"-csearch_path={SCRATCH}"}
                address = sa.make_url(owner_url).update_query_dict(options)
                migrate(address.render_as_string(hide_password=False))
                for table in _TAKEN:
                    off = f"alter table {SCRATCH}.{table} disable trigger user"
                    connection.execute(sa.text(off))
                yield owner_url
            finally:
                connection.execute(sa.text(f"drop schema {SCRATCH} cascade"))
    finally:
        engine.dispose()


def _take_scratch(connection: sa.Connection) -> None:
    turn = sa.text("select pg_try_advisory_lock(:turn)")
    if not connection.scalar(turn, {"turn": _SCRATCH_TURN}):
        raise Conflict("the books are being made anew already; wait until that is over")
    try:
        connection.execute(sa.text(f"drop schema if exists {SCRATCH} cascade"))
        connection.execute(sa.text(f"create schema {SCRATCH}"))
    except sa.exc.ProgrammingError as error:
        raise SettingsError(
            "MIGRATION_DATABASE_URL: this login may make no schema to make the books anew in"
        ) from error


def newest() -> str:
    """The newest revision that this program knows: the one that no other follows."""
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in (_MIGRATIONS / "versions").glob("*.py"):
        for kind, revision in _NAMED.findall(file.read_text(encoding="utf-8")):
            named[kind].add(revision)
    (found,) = named["revision"] - named["down_revision"]
    return found


def _upgrade(connection: sa.Connection) -> None:
    # Here, because whoever serves needs `newest` alone, and Alembic is eight megabytes.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _shrink(connection: sa.Connection) -> None:
    """Write tables anew that hold next to nothing, if nobody is in them now; else another time."""
    for table in _FOLDED:
        if connection.scalar(_IS_HOLLOW, {"name": table}):
            try:
                connection.execute(sa.text("set local lock_timeout = 1000"))
                connection.execute(sa.text(f"cluster {table} using pk_{table}"))
                connection.commit()
            except sa.exc.OperationalError:
                connection.rollback()
    connection.commit()


def _let_in(connection: sa.Connection, login: str) -> None:
    role = connection.dialect.identifier_preparer.quote(login)
    closed = ", ".join(APPEND_ONLY)
    for statement in (
        f"grant usage on schema public to {role}",
        f"grant select, insert, update, delete on all tables in schema public to {role}",
        f"grant usage, select on all sequences in schema public to {role}",
        f"revoke update, delete, truncate on {closed} from {role}",
        # Taking a row's lock needs this right; the trigger refuses the update itself.
        f"grant update (seq) on inbox_event to {role}",
        # What was said about a person can be erased; a trigger wants a line that says so.
        f"grant delete on audit_words, imported_row to {role}",
    ):
        connection.execute(sa.text(statement))
    connection.commit()
