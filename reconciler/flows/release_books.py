"""Restored books let go where no screen proves who speaks: a person says so by their password."""

from reconciler.books.people import Role, is_at_least
from reconciler.errors import Forbidden
from reconciler.runtime import Runtime
from reconciler.services import people, restores
from reconciler.work import Cause


def accept_as(
    runtime: Runtime, cause: Cause, *, email: str, password: str, address: str, code: str = ""
) -> bool:
    """An admin says that the books are right; gives whether money moves from now on.

    `cause` is the program or command they say it through, `address` where from: what is guessed
    wrong is counted against both. `code` is of their authenticator, where one is asked for.
    Raises Forbidden for wrong words, for somebody who is no admin
    and for the same person twice, Conflict as `restores.accept` does, and TooManyAttempts.
    """
    # Apart from what follows: an attempt counts, whatever becomes of the rest.
    key = runtime.settings.secret_key.reveal()
    person = runtime.do(
        cause,
        lambda work: people.vouched(
            work, email=email, password=password, address=address, key=key, code=code
        ),
    )
    if person is None or not is_at_least(person.role, Role.ADMIN):
        raise Forbidden("that is not the address and password of an admin")
    return runtime.do(Cause(restores.PERSON, person.id), restores.accept)
