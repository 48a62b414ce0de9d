"""Commands about who may come in: people's accounts and programs' keys."""

import secrets
import sys

import click

from reconciler.books.people import Role, Scope
from reconciler.cli import reach
from reconciler.cli.progress import say
from reconciler.errors import Invalid
from reconciler.services import api_keys, people
from reconciler.timestamps import rfc3339
from reconciler.work import Cause

CAUSE = Cause("command", "people")


@click.group()
def user() -> None:
    """People's accounts."""


@user.command("create")
@click.option("--email", required=True, help="How they sign in.")
@click.option("--name", default="", help="What they are called; the part before the @ if left out.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.VIEWER.value,
    show_default=True,
    help="What they may do.",
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
def create_user(*, email: str, name: str, role: str, password_stdin: bool) -> None:
    """Make an account. Prints a password made up here, once, unless one is given."""
    given = _password_from_stdin() if password_stdin else None
    password = given or secrets.token_urlsafe(15)
    with reach.opened() as runtime:
        runtime.do(
            CAUSE,
            lambda work: people.create_user(
                work, email=email, name=name, role=role, password=password
            ),
        )
    say(f"{email} may sign in as {role}" + ("" if given else ", with this password:"))
    if not given:
        print(password)


@user.command("list")
def list_users() -> None:
    """Print everybody with an account."""
    with reach.opened() as runtime:
        found = runtime.do(CAUSE, people.users)
    for person in found:
        state = "disabled" if person.is_disabled else "active"
        print(f"{person.id}\t{person.email}\t{person.role}\t{state}")


@click.group()
def api_key() -> None:
    """Programs' keys."""


@api_key.command("create")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="read: look; write: documents and matching; refund: refunds; admin: everything.",
)
def create_key(*, name: str, scope: str) -> None:
    """Make a key and print it, once: it is kept here as a hash alone."""
    with reach.opened() as runtime:
        key_id, key = runtime.do(CAUSE, lambda work: api_keys.create(work, name=name, scope=scope))
    say(f"{key_id}, scope {scope}; the key is shown this once:")
    print(key)


@api_key.command("list")
def list_keys() -> None:
    """Print every key but the keys themselves."""
    with reach.opened() as runtime:
        found = runtime.do(CAUSE, api_keys.all_keys)
    for key in found:
        used = rfc3339(key.used_at) or "never used"
        state = f"revoked {rfc3339(key.revoked_at)}" if key.revoked_at else f"last used {used}"
        print(f"{key.id}\t{key.scope}\t{key.name}\t{state}")


@api_key.command("revoke")
@click.argument("key_id")
def revoke_key(*, key_id: str) -> None:
    """Make a key useless, at once."""
    with reach.opened() as runtime:
        runtime.do(CAUSE, lambda work: api_keys.revoke(work, key_id))
    say(f"{key_id} opens nothing any more")


def _password_from_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("standard input held no password", field="password")
    return password
