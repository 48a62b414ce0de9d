"""The routes under /bank-lines: what a line of a statement is, said and taken back by a program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from reconciler.books import bank_fees
from reconciler.books.bank_corrections import CorrectionState
from reconciler.books.bank_lines import Fit, TargetKind
from reconciler.books.bank_sums import Sum
from reconciler.errors import Invalid
from reconciler.reads import bank_corrections as corrected, statements as reads
from reconciler.reads.bank_corrections import CorrectionRow
from reconciler.reads.pages import Page
from reconciler.reads.statements import LineShown
from reconciler.services import bank_corrections, statements
from reconciler.services.bank_fees import Granted
from reconciler.web.api.fields import Body, Line128, Line255, Paged, Rev
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("bank-lines")

_TARGETS_MAX = 200


class TieForm(Body):
    """What a line is the bank's side of: one thing, or several that come to it exactly."""

    kind: TargetKind
    targets: Annotated[
        list[Line128],
        Field(
            min_length=1,
            max_length=_TARGETS_MAX,
            description="Ids of things of that kind: payouts, payments, payments of bills…",
        ),
    ]
    fee_why: Annotated[
        Line255 | None,
        Field(description="Why what is missing is the bank's fee. It is booked as an expense."),
    ] = None
    rev: Rev


class UntieForm(Body):
    """Which state of the line is meant."""

    rev: Rev


class AsideForm(Body):
    """Why a line is no business of these books."""

    why: Line255
    rev: Rev


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedTarget:
    """Something that a line might be the bank's side of. Minor units; `fee` is what would be one.

    Several `targets` come to it together.
    """

    kind: TargetKind
    targets: list[str]
    amount: int
    currency: str
    fee: int
    agreeing: list[str]
    disagreeing: list[str]


@resource.get("/bank-lines/{bank_line_id}")
def one(look: Look, bank_line_id: str) -> LineShown:
    """Read one line, and what it is tied to."""
    return reads.line(look.session, bank_line_id)


@resource.get("/bank-lines/{bank_line_id}/suggestions")
def suggestions(look: Look, bank_line_id: str, call: Call) -> list[SuggestedTarget]:
    """Read what an open line might be, the likeliest first."""
    shown = reads.line(look.session, bank_line_id)
    bounds = call.runtime.settings.bank_fee_max
    found = reads.suggestions(look.session, [shown], bounds)
    fits, sums = found.fits.get(bank_line_id, []), found.sums.get(bank_line_id, [])
    return [_of_fit(shown, one, bounds) for one in fits] + [_of_sum(shown, one) for one in sums]


@resource.post("/bank-lines/{bank_line_id}/tie")
def tie(work: Work, bank_line_id: str, body: TieForm, call: Call) -> LineShown:
    """Say what a line is the bank's side of. It moves no money, unless the bank took a fee.

    Another amount is refused. With `fee_why`, what is missing is booked as the bank's fee, as far
    as BANK_FEE_MAX allows it; untying takes that back.
    """
    if len(set(body.targets)) > 1:
        if body.fee_why:
            raise Invalid("goes with one target only", field="fee_why")
        statements.tie_sum(work, bank_line_id, body.kind, body.targets, rev=body.rev)
    else:
        bounds = call.runtime.settings.bank_fee_max
        fee = Granted(body.fee_why, bounds) if body.fee_why else None
        target = body.targets[0]
        statements.tie(work, bank_line_id, body.kind, target, rev=body.rev, fee=fee)
    return reads.line(work.session, bank_line_id)


@resource.post("/bank-lines/{bank_line_id}/untie")
def untie(work: Work, bank_line_id: str, body: UntieForm) -> LineShown:
    """Take a line from what it is tied to; a fee that was booked with it is reversed."""
    statements.untie(work, bank_line_id, rev=body.rev)
    return reads.line(work.session, bank_line_id)


@resource.post("/bank-lines/{bank_line_id}/set-aside")
def set_aside(work: Work, bank_line_id: str, body: AsideForm) -> LineShown:
    """Say that a line is no business of these books."""
    statements.set_aside(work, bank_line_id, body.why, rev=body.rev)
    return reads.line(work.session, bank_line_id)


@resource.post("/bank-lines/{bank_line_id}/take-up")
def take_up(work: Work, bank_line_id: str, body: UntieForm) -> LineShown:
    """Look again at a line that was set aside."""
    statements.take_up(work, bank_line_id, rev=body.rev)
    return reads.line(work.session, bank_line_id)


class CorrectionQuery(Paged):
    """Which corrections."""

    statement_id: Line128 | None = None
    state: CorrectionState | None = None


@resource.get("/bank-corrections")
def corrections(look: Look, query: CorrectionQuery) -> Page[CorrectionRow]:
    """List what banks corrected or withdrew afterwards, the last found first."""
    return corrected.page(look.session, query.filters, query.wanted)


@resource.get("/bank-corrections/{correction_id}")
def correction(look: Look, correction_id: str) -> CorrectionRow:
    """Read one correction: the line as it stands, what it is tied to, and what it would become."""
    return corrected.one(look.session, correction_id)


@resource.post("/bank-corrections/{correction_id}/take")
def take_correction(work: Work, correction_id: str, body: UntieForm) -> CorrectionRow:
    """Take a line as the bank says now. It is untied first; the line before stays, as withdrawn."""
    bank_corrections.take(work, correction_id, rev=body.rev)
    return corrected.one(work.session, correction_id)


@resource.post("/bank-corrections/{correction_id}/decline")
def decline_correction(work: Work, correction_id: str, body: AsideForm) -> CorrectionRow:
    """Keep a line as it is; what the later file has instead becomes a line of its own."""
    bank_corrections.decline(work, correction_id, body.why, rev=body.rev)
    return corrected.one(work.session, correction_id)


def _of_fit(shown: LineShown, found: Fit, bounds: Mapping[str, int]) -> SuggestedTarget:
    line = reads.as_line(shown)
    is_fee = bank_fees.fits(line, found.target, bounds)
    return SuggestedTarget(
        kind=found.target.kind,
        targets=[found.target.id],
        amount=found.target.amount,
        currency=found.target.currency,
        fee=bank_fees.difference(line, found.target) if is_fee else 0,
        agreeing=found.agreeing,
        disagreeing=found.disagreeing,
    )


def _of_sum(shown: LineShown, found: Sum) -> SuggestedTarget:
    return SuggestedTarget(
        kind=found.targets[0].kind,
        targets=[target.id for target in found.targets],
        amount=shown.amount,
        currency=shown.currency,
        fee=0,
        agreeing=found.agreeing,
        disagreeing=[],
    )
