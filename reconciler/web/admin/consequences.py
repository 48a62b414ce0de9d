"""What a deed will do, said before it is done: amounts in words, and the entries it would post.

Both come from doing the deed in a transaction that is given up, so they cannot differ from it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.errors import ReconcilerError, Refused
from reconciler.reads import ledger
from reconciler.reads.ledger import EntryRow
from reconciler.services import effects
from reconciler.services.effects import Effect
from reconciler.web.admin import errors, words
from reconciler.web.admin.desk import Desk
from reconciler.work import Cause, Work

Deed = Callable[[Work], object]

_SAID = {
    "outstanding": "{name} is owed {after} instead of {before}",
    "remaining": "{name} has {after} left instead of {before}",
    "unapplied": "{after} of the payment is unapplied instead of {before}",
}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a deed would do: in words, and as journal entries; `wrong` says why it cannot be."""

    after: str = ""
    entries: Sequence[EntryRow] = ()
    wrong: str = ""


def of_payment(desk: Desk, payment_id: str, deed: Deed) -> Foreseen:
    """What a deed would do to a payment and all around it; nothing of it is kept."""
    return _foreseen(desk, deed, partial(effects.of, payment_id=payment_id))


def of_invoice(desk: Desk, invoice_id: str, deed: Deed) -> Foreseen:
    """What a deed would do to an invoice and all around it; nothing of it is kept."""
    return _foreseen(desk, deed, partial(effects.of_invoice, invoice_id=invoice_id))


def of_any(desk: Desk, deed: Deed) -> Foreseen:
    """What a deed would post, where no amounts are to be told; nothing of it is kept."""

    def changed(work: Work, deed: Deed) -> list[Effect]:
        deed(work)
        return []

    return _foreseen(desk, deed, changed)


def _foreseen(desk: Desk, deed: Deed, changed: Callable[..., list[Effect]]) -> Foreseen:
    def step(work: Work) -> Foreseen:
        found = changed(work, deed=deed)
        work.session.flush()
        return Foreseen(said(found), ledger.some(work.session, work.posted))

    try:
        return desk.runtime.rehearse(Cause("person", desk.person.id), step)
    except Refused as refused:
        return Foreseen(wrong=errors.sentence(refused))
    except ReconcilerError:  # somebody holds it just now: the page is shown without
        return Foreseen()


def said(changed: Iterable[Effect]) -> str:
    """What becomes of documents and payment, in one line; empty where no amount of them changes."""
    return ", ".join(
        _SAID[one.measure].format(
            name=one.name,
            after=words.shown(one.after, one.currency),
            before=words.shown(one.before, one.currency),
        )
        for one in changed
        if one.measure in _SAID
    )
