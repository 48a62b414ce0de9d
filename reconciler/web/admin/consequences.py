"""What a deed will do, said before it is done: amounts in words, and the entries it would post.

Both come from doing the deed in a transaction that is given up, so they cannot differ from it; or
from the very rule of the books that the deed will post by, where it posts nothing else.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from reconciler.books.journal import Posting
from reconciler.errors import ReconcilerError, Refused
from reconciler.reads import ledger
from reconciler.reads.ledger import PostingLine
from reconciler.services import effects
from reconciler.services.effects import Effect
from reconciler.web.admin import errors, words
from reconciler.web.admin.desk import Desk
from reconciler.work import Cause, Work

Deed = Callable[[Work], object]
T = TypeVar("T")

_SAID = {
    "outstanding": "{name} is owed {after} instead of {before}",
    "remaining": "{name} has {after} left instead of {before}",
    "unapplied": "{after} of the payment is unapplied instead of {before}",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry that would be posted: its lines. It has no number, for it is not there."""

    postings: Sequence[PostingLine]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a deed would do: in words, and as journal entries; `wrong` says why it cannot be."""

    after: str = ""
    entries: Sequence[Planned] = ()
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


def in_turn(desk: Desk, *deeds: Deed) -> list[Foreseen]:
    """What each of these would post together with those before it; they are rehearsed in one go.

    Where one is refused it is the last of them.
    """

    def step(work: Work) -> list[Foreseen]:
        found: list[Foreseen] = []
        for deed in deeds:
            try:
                deed(work)
            except Refused as refused:
                return [*found, Foreseen(wrong=errors.sentence(refused))]
            work.session.flush()
            found.append(Foreseen(entries=_posted(work)))
        return found

    return _rehearsed(desk, step) or []


def by_rule(postings: Iterable[Posting]) -> Foreseen:
    """The one entry that a rule of the books makes of it."""
    lines = [
        PostingLine(
            role=one.account.role.value,
            rail=one.account.rail or None,
            currency=one.amount.currency,
            debit=max(one.signed, 0),
            credit=max(-one.signed, 0),
            category=one.account.category or None,
        )
        for one in postings
    ]
    return Foreseen(entries=[Planned(lines)])


def _foreseen(desk: Desk, deed: Deed, changed: Callable[..., list[Effect]]) -> Foreseen:
    def step(work: Work) -> Foreseen:
        found = changed(work, deed=deed)
        work.session.flush()
        return Foreseen(said(found), _posted(work))

    try:
        return _rehearsed(desk, step) or Foreseen()
    except Refused as refused:
        return Foreseen(wrong=errors.sentence(refused))


def _rehearsed(desk: Desk, step: Callable[[Work], T]) -> T | None:
    try:
        return desk.runtime.rehearse(Cause("person", desk.person.id), step)
    except Refused:
        raise
    except ReconcilerError:  # somebody holds it just now: the page is shown without
        return None


def _posted(work: Work) -> list[Planned]:
    return [Planned(entry.postings) for entry in ledger.some(work.session, work.posted)]


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
