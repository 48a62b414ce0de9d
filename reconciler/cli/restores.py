"""Commands about a restored database: why no refund is sent, and two people who let it go."""

import sys

import click

from reconciler.cli import reach
from reconciler.cli.progress import say
from reconciler.errors import Invalid
from reconciler.flows import release_books
from reconciler.reads import restore as reads
from reconciler.reads.restore import Held
from reconciler.timestamps import rfc3339
from reconciler.work import Cause

CAUSE = Cause("command", "restore")
HERE = "this machine"
EXIT_HELD = 1


@click.group()
def restore() -> None:
    """A restored database, which sends no refund until two people let it."""


@restore.command("show")
def show_restore() -> int:
    """Print whether these books hold all refunds, and how far the rail was read again.

    Exit code 1 while they do.
    """
    with reach.opened() as runtime, runtime.read() as session:
        held = reads.held(session)
    if held is None:
        print("nothing is held: these books are in the database they were in")
        return 0
    for line in _lines(held):
        print(line)
    return EXIT_HELD


@restore.command("accept")
@click.option("--email", required=True, help="The admin who says that the books are right.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
@click.option("--code", default="", help="Of the authenticator, for who has one.")
def accept_restore(*, email: str, password_stdin: bool, code: str) -> None:
    """Say as an admin that these books are right; the second admin lets money move again."""
    password = _line() if password_stdin else click.prompt("Password", hide_input=True, err=True)
    with reach.opened() as runtime:
        moves = release_books.accept_as(
            runtime, CAUSE, email=email, password=password, address=HERE, code=code
        )
    say("money moves again" if moves else "said; a second admin has to say so too")


def _lines(held: Held) -> list[str]:
    at, since = held.progress, rfc3339(held.reread_since)
    events = "all read" if held.is_read else f"read up to {rfc3339(held.read_until)}"
    found = [
        f"no refund is sent: {held.why}",
        f"noticed {rfc3339(held.noticed_at)}; the rail is read again from {since}",
        f"events: {events}, {at.events_left} still to be applied",
        f"refunds: {at.legs - at.legs_left} of {at.legs} looked for on the rail",
        f"payments: {at.payments - at.payments_left} of {at.payments} asked for again",
    ]
    if held.failure:
        found.append(f"in the way: {held.failure}")
    if held.accepted_by:
        found.append(f"{held.accepted_by} has said that the books are right; one more has to")
    elif held.may_be_released:
        found.append("two admins may say now that the books are right: reconciler restore accept")
    return found


def _line() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("standard input held no password", field="password")
    return password
