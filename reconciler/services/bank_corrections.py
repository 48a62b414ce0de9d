"""What a bank corrected in a statement that it sent again: taken or declined, by people alone."""

from reconciler import ids
from reconciler.books import texts
from reconciler.books.bank_corrections import CorrectionState
from reconciler.books.bank_lines import LineState
from reconciler.errors import Conflict, NotFound
from reconciler.services import audit, statements
from reconciler.store import correction_rows as store, statement_rows
from reconciler.store.statements import BankCorrection
from reconciler.work import Task, Work


def take(work: Work, correction_id: str, *, rev: int | None) -> None:
    """The line is as the bank says now. What it was tied to is untied first, by reversal.

    The line before stays, as withdrawn. Raises NotFound, Conflict if it is decided or changed.
    """
    statement_rows.take_turn(work.session)
    row = _open(work, correction_id, rev)
    line = statement_rows.lock(work.session, row.line_id)
    assert line is not None, "lines are never deleted"
    if line.state == LineState.WITHDRAWN:
        raise Conflict("the line was withdrawn already")
    if line.state == LineState.TIED:
        statements.untie(work, row.line_id, rev=None)
    store.withdraw(work.session, row.line_id, work.now)
    if row.identity is not None:
        row.new_line_id = store.add_line(work.session, row, ids.new_id("bln"))
    before = {"amount": line.line.amount, "currency": line.line.currency, "target": line.target_id}
    after = {"amount": row.amount, "currency": row.currency, "line": row.new_line_id}
    audit.note(work, "bank_line.corrected", row.line_id, before=before, after=after)
    _decide(work, row, CorrectionState.TAKEN, None)
    work.nudge(Task.TIE_BANK_LINES)


def decline(work: Work, correction_id: str, why: str, *, rev: int | None) -> None:
    """The line stays; what the file has instead is a line of its own. It is not asked again.

    Raises NotFound, Conflict, Invalid without a reason.
    """
    statement_rows.take_turn(work.session)
    row = _open(work, correction_id, rev)
    reason = texts.line(why, field="why", chars_max=statements.WHY_CHARS_MAX)
    if row.identity is not None:
        row.new_line_id = store.add_line(work.session, row, ids.new_id("bln"))
    audit.note(work, "bank_line.kept", row.line_id, after={"line": row.new_line_id}, why=reason)
    _decide(work, row, CorrectionState.DECLINED, reason)
    work.nudge(Task.TIE_BANK_LINES)


def _open(work: Work, correction_id: str, rev: int | None) -> BankCorrection:
    row = store.lock(work.session, correction_id)
    if row is None:
        raise NotFound(f"there is no correction {correction_id}")
    if row.state != CorrectionState.OPEN or (rev is not None and row.rev != rev):
        raise Conflict("this correction was decided meanwhile")
    return row


def _decide(work: Work, row: BankCorrection, state: CorrectionState, why: str | None) -> None:
    row.state, row.why = state.value, why
    row.decided_by, row.decided_at = work.cause.id, work.now
    row.rev += 1
    work.session.add(row)
    work.session.flush()
