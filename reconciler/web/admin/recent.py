"""What one did here, the last first, and taking it back: said first, done by a reversal."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Response, request

from reconciler.books.deeds import Fate
from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.reads import audit as reads, deeds, subjects
from reconciler.reads.audit import AuditRow
from reconciler.reads.deeds import ClaimTold
from reconciler.reads.pages import Session, Wanted
from reconciler.reads.subjects import Subject
from reconciler.services import undoing
from reconciler.web.admin import audit, consequences, deed_words, errors, words, written_down
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

# What says nothing about the work: it stands in the audit trail, and would drown the rest here.
_COMINGS = ("person.signed_in", "person.signed_out")
# What holding money makes, in the transaction in which it is put there; and what ends with it.
_MADE_ALONG = frozenset({"deposit.created", "customer.created"})
_ENDED_ALONG = frozenset({"deposit.ended"})
# What an answer does: people gave that answer, and nothing else.
_DECIDED_ALONG = frozenset({"outside_refund.decided", "dispute.decided"})
_ALONG = {
    "payment.allocated": _MADE_ALONG,
    "payment.unallocated": _ENDED_ALONG,
    "review_item.resolved": _DECIDED_ALONG,
}
_OF_A_HOLD = {
    ("payment.allocated", "deposit.created"): "Held as a deposit",
    ("payment.unallocated", "deposit.ended"): "Took a hold as a deposit back",
}
# What was moved, stands or does not.
_HOLD = frozenset({"payment.allocated", "deposit.applied", "deposit.forfeited"})


@dataclass(frozen=True, slots=True)
class Done:
    """One deed: whether it can be taken back, is taken back already, or why it cannot be.

    `told` is what it did in money, in words, where it did something of the kind; `is_passed`:
    something newer was done about the same, or came of it. `along` was made in the same moment for
    it: it is no deed of its own.
    """

    line: AuditRow
    may: bool
    is_gone: bool
    why_not: str
    told: str = ""
    is_passed: bool = False
    along: Sequence[AuditRow] = ()

    @property
    def title(self) -> str:
        """`Held as a deposit`, in the past tense."""
        return _title(self.line, self.along)


def _title(line: AuditRow, along: Iterable[AuditRow]) -> str:
    """What was done, by what was done along with it: money held, or taken off a hold, is that."""
    said = (_OF_A_HOLD.get((line.action, one.action)) for one in along)
    return next(filter(None, said), deed_words.did(line))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `page` is where it leads, if it is what something is called."""

    text: str
    page: tuple[str, dict[str, str]] | None = None


@screens.get("/recent")
def list_recent(desk: Desk) -> Response:
    """What whoever is at the desk did, the last first."""
    wanted = Wanted(limit=PER_PAGE, cursor=request.args.get("before") or None)
    with desk.runtime.read() as session:
        mine = {"cause_kind": "person", "cause_id": desk.person.id}
        page = reads.page(session, mine, wanted)
        lines = [line for line in page.data if line.action not in _COMINGS]
        done = _done(session, lines)
        things = _things(session, lines)
    return desk.page(
        "recent.html",
        done=done,
        was_undone="undone" in request.args,
        **_called(things),
        undoing=deed_words.UNDOING,
        older=next_page(page.next_cursor),
        what=deed_words.did,
        changes=written_down.teller(things),
    )


@screens.get("/recent/<line_id>/undo", Role.RECONCILER)
def ask_undo(desk: Desk, line_id: str) -> Response:
    """What taking it back will do, or why it cannot be."""
    return _ask(desk, line_id)


@screens.post("/recent/<line_id>/undo", Role.RECONCILER)
def undo_deed(desk: Desk, line_id: str) -> Response:
    """Take it back."""
    line = _line(desk, line_id)

    def step(work: Work) -> str:
        undoing.undo(work, int(line.id))
        return line.id

    try:
        desk.once(step)
    except NotFound:
        raise
    except Refused as refused:
        return _ask(desk, line_id, refusal=refused)
    return go("list_recent", undone=1)


def _ask(desk: Desk, line_id: str, *, refusal: Refused | None = None) -> Response:
    line = _line(desk, line_id)

    def deed(work: Work) -> None:
        undoing.undo(work, int(line.id))

    if line.subject.startswith("pay_"):
        foreseen = consequences.of_payment(desk, line.subject, deed)
    elif line.action in {"invoice.credited", "invoice.short_payment_accepted"}:
        foreseen = consequences.of_invoice(desk, line.subject, deed)
    else:
        foreseen = consequences.of_any(desk, deed)
    with desk.runtime.read() as session:
        things = _things(session, [line])
        title = _title(line, _along(session, line))
    status = 200
    if refusal is not None:
        status = 409 if isinstance(refusal, Conflict) else 422
    return desk.page(
        "recent_undo.html",
        status=status,
        line=line,
        **_called(things),
        foreseen=foreseen,
        error=errors.sentence(refusal) if refusal else "",
        title=title,
        who=audit.who,
        changes=written_down.teller(things, most=None),
    )


# Ours have a prefix, and the key of a movement's entries has its rail before it.
_AN_ID = re.compile(r"\b[a-z]{2,6}_[0-9A-Za-z]{8,}\b")


def _things(session: Session, lines: Iterable[AuditRow]) -> dict[str, Subject]:
    """What people call the things that these lines are about or name, by their ids."""
    ids: set[str] = set()
    for line in lines:
        told = (text for one in written_down.changes(line) for text in (one.before, one.after))
        ids |= {line.subject, *_AN_ID.findall(" ".join((*told, line.why or "")))}
    return subjects.told(session, ids)


def _called(things: Mapping[str, Subject]) -> dict[str, Any]:
    """For the templates: names by id, the page of each, and texts with the ids in them told."""
    names = deed_words.named(things)

    def page_of(subject: str) -> tuple[str, dict[str, str]] | None:
        known = things.get(subject)
        return audit.page_of((known.page or "") if known else subject)

    def parts(text: str) -> list[Part]:
        found, at = [], 0
        for one in _AN_ID.finditer(text):
            if one[0] in names:
                found += [Part(text[at : one.start()]), Part(names[one[0]], page_of(one[0]))]
                at = one.end()
        return [*found, Part(text[at:])]

    return {"names": names, "page_of": page_of, "parts": parts}


def _line(desk: Desk, line_id: str) -> AuditRow:
    with desk.runtime.read() as session:
        return reads.one(session, line_id)


def _done(session: Session, lines: Iterable[AuditRow]) -> list[Done]:
    kept, along = _put_together(list(lines))
    known = deeds.claims(session, {one for line in kept for one, _ in _moved(line)})
    fates = deeds.fates(session, kept)
    return [
        replace(_judged(line, known, fates.get(line.id, Fate.STANDS)), along=along.get(line.id, ()))
        for line in kept
    ]


def _put_together(
    lines: Sequence[AuditRow],
) -> tuple[list[AuditRow], dict[str, list[AuditRow]]]:
    """The lines that are deeds, and by their ids what was made along with them.

    Money that is held makes a deposit, and sometimes a customer, before it is put there: people
    did one thing.
    """
    deeds_of = {_moment(one): one for one in lines if one.action in _ALONG}
    kept: list[AuditRow] = []
    along: dict[str, list[AuditRow]] = {}
    for line in lines:
        deed = deeds_of.get(_moment(line))
        if deed is None or line.action not in _ALONG[deed.action]:
            kept.append(line)
        else:
            along.setdefault(deed.id, []).append(line)
    return kept, along


def _along(session: Session, line: AuditRow) -> list[AuditRow]:
    """What one deed made or ended of the deposits that it names."""
    said = line.after or line.before
    several = said.get("allocations")
    named = several if isinstance(several, list) else [said]
    targets = [one["target"] for one in named if isinstance(one.get("target"), str)]
    found = reads.about(session, targets, _ALONG.get(line.action, ())) if targets else []
    return [one for one in found if _moment(one) == _moment(line)]


def _moment(line: AuditRow) -> tuple[datetime, str | None]:
    """What the lines of one transaction have in common."""
    return line.at, line.request_id


def _judged(line: AuditRow, known: Mapping[str, ClaimTold], became: Fate) -> Done:
    may = not line.is_erased and undoing.may_be_undone(line.action, line.after)
    moved = [(known[one], amount) for one, amount in _moved(line) if one in known]
    why_not = "" if may else undoing.why_not(line.action)
    is_gone = is_passed = False
    if may:
        is_off = line.action in _HOLD and not any(claim.is_live for claim, _ in moved)
        is_gone = is_off or became is Fate.TAKEN_BACK
        is_passed = not is_gone and became is Fate.OVERTAKEN
    if is_passed:
        why_not = "Something else came of it since."
    return Done(line, may and not (is_gone or is_passed), is_gone, why_not, _told(moved), is_passed)


def _told(moved: Iterable[tuple[ClaimTold, int]]) -> str:
    return " and ".join(
        f"{words.shown(amount, claim.currency)} on {claim.target}" for claim, amount in moved
    )


def _moved(line: AuditRow) -> list[tuple[str, int]]:
    """The claims that a deed made or took back, with how much it moved, in minor units."""
    said = line.after or line.before
    several = said.get("allocations")
    if isinstance(several, list):
        return [(one["allocation"], one["amount"]) for one in several]
    one = said.get("allocation") or said.get("application")
    return [(one, said["amount"])] if isinstance(one, str) else []
