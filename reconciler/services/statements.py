"""Bank statements: read once, and each line tied to what it is the bank's side of.

A tie moves no money (see books/bank_lines.py). Lines that fit nothing for certain stay open for a
person, who ties them, or sets them aside as no business of these books.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from reconciler import ids
from reconciler.books import bank_lines, bank_sums, texts
from reconciler.books.bank_lines import (
    BadRow,
    BankLine,
    DayOrder,
    Fit,
    LineState,
    TargetKind,
)
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.services import audit, bank_fees, corrections_found, statement_files
from reconciler.services.bank_fees import Granted
from reconciler.services.statement_files import Read
from reconciler.store import bank_targets, statement_rows as store
from reconciler.store.statement_rows import LineRow
from reconciler.work import Work

ACCOUNT_CHARS_MAX = 60
FILE_NAME_CHARS_MAX = 200
WHY_CHARS_MAX = 300
SUBJECT = "bank"  # of the audit line that says that lines have tied themselves
BAD_ROWS_MAX = 100  # of a file that are kept; more have one cause
SUMS_AT_ONCE = 500  # the latest lines that are held against sums in one turn
BATCH = 50_000  # open lines that are looked at together, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A file as it was handed over. `currency` is the account's, where the file names none."""

    bank_account: str
    file_name: str
    body: bytes = field(repr=False)
    currency: str | None = None
    day_order: DayOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a file. `statement_id` is that of an earlier reading if it was read before.

    `corrections` of lines that earlier files brought wait for a person.
    """

    statement_id: str
    is_repeated: bool
    lines: int
    bad: list[BadRow]
    new: int = 0
    tied: int = 0
    corrections: int = 0


def take(work: Work, given: Statement) -> Taken:
    """Read a file and tie what is certain. The same file again adds nothing.

    Raises Invalid with the field if it is no statement, or can be read two ways.
    """
    typed = texts.line(given.bank_account, field="bank_account", chars_max=ACCOUNT_CHARS_MAX)
    account = store.account_like(work.session, typed) or typed
    name = texts.line(given.file_name, field="file", chars_max=FILE_NAME_CHARS_MAX)
    digest = hashlib.sha256(given.body).hexdigest()
    read = statement_files.read(given.body, currency=given.currency, day_order=given.day_order)
    store.take_turn(work.session)
    known = store.by_digest(work.session, account, digest)
    if known is not None:
        work.has_only_looked = True
        return Taken(statement_id=known, is_repeated=True, lines=len(read.lines), bad=read.bad)
    statement_id = ids.new_id("stm")
    row = {"id": statement_id, "bank_account": account, "file_name": name, "digest": digest}
    store.add_statement(work.session, row | _counts(read) | {"read_at": work.now})
    named = bank_lines.identities(account, read.lines)
    corrected, waiting = corrections_found.note(work, statement_id, account, read.lines, named)
    rows = _rows(read.lines, named, waiting)
    new = store.add_lines(work.session, statement_id, account, rows)
    said = {"account": account, "lines": len(read.lines), "new": new, "bad": len(read.bad)}
    if corrected:
        said["corrections"] = corrected
    audit.note(work, "statement.read", statement_id, after=said)
    tied = tie_what_is_certain(work)
    return Taken(
        statement_id=statement_id,
        is_repeated=False,
        lines=len(read.lines),
        bad=read.bad,
        new=new,
        tied=tied,
        corrections=corrected,
    )


def _counts(read: Read) -> dict[str, object]:
    return {
        "form": read.form.value,
        "line_count": len(read.lines),
        "bad_count": len(read.bad),
        "bad_rows": [asdict(one) for one in read.bad[:BAD_ROWS_MAX]],
    }


def tie_open_lines(work: Work) -> int:
    """Tie the open lines that fit one thing for certain; gives how many. Safe to repeat.

    Gives way to whoever is at it already. No line is held while it is compared, and of those that
    are tied only until the end of the transaction.
    """
    if not store.has_open(work.session) or not store.is_our_turn(work.session):
        return 0
    tied = tie_what_is_certain(work)
    if tied:
        audit.note(work, "bank_lines.tied", SUBJECT, after={"lines": tied})
    return tied


def tie_as_read(work: Work, statement_id: str, *, new: int, most: int) -> int:
    """Tie what is certain once a file was read whose lines are there: it is not read again.

    `new` lines were news then, of at most `most` in the file. Raises Refused where the lines are
    others than those that were read.
    """
    store.take_turn(work.session)
    account, rows = store.lines_of(work.session, statement_id)
    if len(rows) != new:
        raise Refused(f"{new} lines were read as new, and {len(rows)} are there")
    for row, identity in rows:
        if not bank_lines.is_itself(account, row.line, identity, most=most):
            raise Refused(f"bank line {row.id} says something else than what was read")
    return tie_what_is_certain(work)


def tie_what_is_certain(work: Work) -> int:
    """Tie the open lines that fit one thing for certain, whose turn it is; gives how many."""
    tied = 0
    rows = store.open_lines(work.session, None, BATCH)
    while rows:
        given = {row.id: row.line for row in rows}
        untied = {row.id: row.untied_from for row in rows}
        fits = list(bank_lines.fits(given, bank_targets.targets_near(work.session, sorted(given))))
        found = bank_lines.certain(one for one in fits if one.target.id not in untied[one.line_id])
        ties = [(one.line_id, one.target, one.agreeing + one.disagreeing) for one in found]
        tied += len(store.tie_many(work.session, ties, work.now))
        tied += _tie_sums(work, rows, fits)
        last = rows[-1]
        rows = store.open_lines(work.session, (last.line.booked_on.isoformat(), last.id), BATCH)
    return tied


def _tie_sums(work: Work, rows: Sequence[LineRow], fits: Sequence[Fit]) -> int:
    """Tie lines that are the sum of all they name, or of all of a day, and nothing by itself."""
    alike = {one.line_id for one in fits if one.has_amount}
    waiting = [row for row in rows if row.id not in alike and not row.untied_from][-SUMS_AT_ONCE:]
    near = bank_sums.by_line(bank_targets.parts_near(work.session, [row.id for row in waiting]))
    seen = [
        one
        for row in waiting
        for one in bank_sums.certain_of(row.id, row.line, near.get(row.id, ()))
    ]
    taken = {one.target.id for one in fits if one.has_amount}
    found = bank_sums.certain(seen, taken)
    ties = [(one.line_id, one.targets[0], one.agreeing) for one in found]
    tied = set(store.tie_many(work.session, ties, work.now))
    parts = [(one.line_id, t) for one in found if one.line_id in tied for t in one.targets[1:]]
    store.add_parts(work.session, parts)
    return len(tied)


def tie_sum(
    work: Work, line_id: str, kind: TargetKind, target_ids: Sequence[str], *, rev: int | None
) -> None:
    """A person says that a line is several things at once. They have to come to it exactly.

    Raises NotFound, Conflict if it changed, Refused if they do not.
    """
    store.take_turn(work.session)
    row = _open_line(work, line_id, rev)
    targets = []
    for target_id in dict.fromkeys(target_ids):
        target = bank_targets.target(work.session, kind, target_id)
        if target is None:
            raise NotFound(f"there is no {kind} {target_id}, or another line shows it already")
        targets.append(target)
    is_one = {target.currency for target in targets} == {row.line.currency}
    if len(targets) < 2 or not is_one or sum(t.amount for t in targets) != row.line.amount:
        raise Refused("they do not come to what the bank shows", field="target")
    reasons = [f"{len(targets)} of them come to it exactly"]
    store.add_parts(work.session, [(row.id, target) for target in targets[1:]])
    store.tie(work.session, row.id, targets[0], by=work.cause.id, reasons=reasons, now=work.now)
    said = {"kind": kind.value, "targets": [target.id for target in targets]}
    audit.note(work, "bank_line.tied", row.id, after=said)


def tie(
    work: Work,
    line_id: str,
    kind: TargetKind,
    target_id: str,
    *,
    rev: int | None,
    fee: Granted | None = None,
) -> None:
    """A person says what a line is. Raises NotFound, Conflict if it changed, Refused if it cannot.

    Another amount is refused: what the bank has and the books have not is a question, not a tie.
    Unless somebody says that the bank took a fee, and why: then that is posted as an expense.
    """
    store.take_turn(work.session)
    row = _open_line(work, line_id, rev)
    target = bank_targets.target(work.session, kind, target_id)
    if target is None:
        raise NotFound(f"there is no {kind} {target_id}, or another line shows it already")
    found = replace(bank_lines.beside(row.id, row.line, target), is_named=False)
    if not found.has_amount and fee is None:
        raise Refused("the bank shows another amount", field="target")
    store.tie(
        work.session,
        found.line_id,
        found.target,
        by=work.cause.id,
        reasons=found.agreeing + found.disagreeing,
        now=work.now,
    )
    audit.note(work, "bank_line.tied", row.id, after={"kind": kind.value, "target": target_id})
    if not found.has_amount and fee is not None:
        bank_fees.book(work, row, target, fee)


def untie(work: Work, line_id: str, *, rev: int | None) -> None:
    """Take a line from what it was tied to; it does not tie itself to that again.

    A fee that was booked with it is taken back.
    """
    row = _changeable(work, line_id, rev)
    if row.state != LineState.TIED:
        raise Conflict("this line is not tied to anything")
    assert row.target_id is not None
    bank_fees.take_back(work, row)
    store.reopen(work.session, row.id, untied_from=row.target_id)
    audit.note(
        work, "bank_line.untied", row.id, before={"kind": row.target_kind, "target": row.target_id}
    )


def set_aside(work: Work, line_id: str, why: str, *, rev: int | None) -> None:
    """This line is no business of these books. Raises Invalid without a reason."""
    row = _open_line(work, line_id, rev)
    reason = texts.line(why, field="why", chars_max=WHY_CHARS_MAX)
    store.set_aside(work.session, row.id, reason, work.now)
    audit.note(work, "bank_line.set_aside", row.id, why=reason)


def take_up(work: Work, line_id: str, *, rev: int | None) -> None:
    """Look at a line again that was set aside."""
    row = _changeable(work, line_id, rev)
    if row.state != LineState.SET_ASIDE:
        raise Conflict("this line was not set aside")
    store.reopen(work.session, row.id, untied_from=None)
    audit.note(work, "bank_line.taken_up", row.id, before={"state": row.state.value})


def _rows(
    lines: Sequence[BankLine], named: Sequence[str], waiting: Collection[int]
) -> Iterable[dict[str, object]]:
    """All but those that wait as corrections of others."""
    for place, (line, identity) in enumerate(zip(lines, named, strict=True)):
        if place not in waiting:
            yield {"id": ids.new_id("bln"), "identity": identity, **asdict(line)}


def _open_line(work: Work, line_id: str, rev: int | None) -> LineRow:
    row = _changeable(work, line_id, rev)
    if row.state != LineState.OPEN:
        raise Conflict("this line is settled already")
    return row


def _changeable(work: Work, line_id: str, rev: int | None) -> LineRow:
    row = store.lock(work.session, line_id)
    if row is None:
        raise NotFound(f"there is no bank line {line_id}")
    if rev is not None and row.rev != rev:
        raise Conflict("this line was changed meanwhile")
    return row
