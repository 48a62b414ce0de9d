"""Bank statements as screens show them: what was read, what each line is, and what is not there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import bank_fees, bank_lines, bank_sums
from reconciler.books.bank_lines import BankLine, Fit, Target
from reconciler.books.bank_sums import Sum
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.store import bank_targets
from reconciler.store.statement_rows import COVERED, UNSHOWN

SUGGESTIONS_MAX = 5
MISSING_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """A file that was read. Of its `lines` it was the first to bring `new`; where those stand.

    `corrections` of lines from before wait for somebody to decide.
    """

    id: str
    bank_account: str
    file_name: str
    form: str
    lines: int
    new: int
    open: int
    tied: int
    set_aside: int
    withdrawn: int
    corrections: int
    bad: int
    bad_rows: list[dict[str, object]]
    first_on: date | None
    last_on: date | None
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """A line, what it is tied to, and what it might be. Amounts in minor units.

    `fee` is what the bank took off what it is tied to, as somebody said with `fee_why`.
    `name` is what the target is called, `document_id` the payout, payment, bill or prepayment that
    it is or belongs to. `has_failed` says that since then the rail has called the payout failed, or
    somebody took back what was paid. `also`: what else the line is the sum of, our ids.
    """

    id: str
    statement_id: str
    number: int
    booked_on: date
    amount: int
    currency: str
    text: str
    reference: str
    counterparty: str
    state: str
    target_kind: str | None
    target_id: str | None
    name: str | None
    document_id: str | None
    has_failed: bool
    also: list[str]
    tied_by: str | None
    reasons: list[str]
    fee: int
    fee_why: str | None
    why: str | None
    rev: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a target of a line is called, and the document on whose page it is shown."""

    id: str
    name: str
    document_id: str
    has_failed: bool


@dataclass(frozen=True, slots=True)
class Suggestions:
    """By line: what it might be the bank's side of, the likeliest first, and the sum of what."""

    fits: Mapping[str, list[Fit]]
    sums: Mapping[str, list[Sum]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the books say went over the bank and no line of the bank shows: as `Named`.

    `amount` in minor units, as a line would have it; `day` is the rail's or a person's word.
    """

    kind: str
    id: str
    name: str
    document_id: str
    amount: int
    currency: str
    day: date


LISTING = Listing(
    source="bank_statement s",
    order=Order(("s.read_at", "s.id"), ("timestamptz", "text")),
    conditions={},
)
_STATEMENTS = sa.text(
    """select s.*, count(*) filter (where l.state = 'open') as open,
      count(*) filter (where l.state = 'tied') as tied,
      count(*) filter (where l.state = 'set_aside') as set_aside,
      count(*) filter (where l.state = 'withdrawn') as withdrawn,
      (select count(*) from bank_correction c where c.statement_id = s.id and c.state = 'open')
        as corrections,
      min(l.booked_on) as first_on, max(l.booked_on) as last_on
    from bank_statement s left join bank_line l on l.statement_id = s.id
    where s.id = any(:ids) group by s.id"""
)
_LINES = Listing(
    source="bank_line l",
    order=Order(("l.booked_on::text", "l.id"), ("text", "text")),
    conditions={"statement": "l.statement_id = :statement", "state": "l.state = :state"},
)
_SHOWN = sa.text(
    """select l.*, array(select t.target_id from bank_line_part t where t.line_id = l.id order by 1)
      as also
    from bank_line l where l.id = any(:ids)"""
)
# Ids say by themselves of what kind they are.
_NAMED = sa.text(
    f"""select p.id, p.rail_payout_id as name, p.id as document_id,
      coalesce(p.status in ('failed', 'canceled'), false) as has_failed
    from payout p where p.id = any(:ids)
    union all
    select p.id, coalesce((select string_agg(i.number, ', ' order by i.number)
        from allocation a join invoice i on i.id = a.invoice_id where a.payment_id = p.id),
      'Money received by hand'), p.id, false
    from payment p where p.id = any(:ids)
    union all
    select p.id, b.number || ', ' || v.name, b.id, p.closed_at is not null
    from bill_payment p join bill b on b.id = p.bill_id join vendor v on v.id = b.vendor_id
    where p.id = any(:ids)
    union all
    select p.id, p.code || ', ' || v.name, p.id, p.voided_at is not null
    from prepayment p join vendor v on v.id = p.vendor_id where p.id = any(:ids)
    union all
    select p.id, q.code || ', ' || v.name, q.id, p.closed_at is not null
    from vendor_refund p join prepayment q on q.id = p.prepayment_id
    join vendor v on v.id = q.vendor_id where p.id = any(:ids)
    union all
    select p.id, {bank_targets.REFUNDED_NAME}, p.refund_id, p.status <> 'succeeded'
    from {bank_targets.REFUNDED} where p.id = any(:ids)"""
)
_ACCOUNTS = sa.text("select distinct bank_account from bank_statement order by 1")
_SHOWN_ALREADY = """exists (select 1 from bank_line t where t.target_kind = '{0}'
        and t.target_id = p.id)
      or exists (select 1 from bank_line_part t where t.target_kind = '{0}'
        and t.target_id = p.id)"""
# Only where the account is one that such things go over, and while its statements cover the days.
_MISSING = sa.text(
    f"""with covered as (
      select l.bank_account, l.currency, min(l.booked_on) as since,
        max(l.booked_on) - cast(:late as integer) as until
      from bank_line l group by 1, 2
      having bool_or(l.target_kind in ('bill_payment', 'prepayment', 'vendor_refund',
        'refund')))
    select distinct m.* from (
      select 'payout' as kind, u.id, u.rail_payout_id as name, u.id as document_id, u.amount,
        u.currency, u.arrived_on as day
      from ({UNSHOWN}) as u
      union all
      select d.* from (
        select 'bill_payment' as kind, p.id, b.number || ', ' || v.name as name,
          b.id as document_id, -p.amount as amount, b.currency, p.paid_on as day
        from bill_payment p join bill b on b.id = p.bill_id join vendor v on v.id = b.vendor_id
        where p.closed_at is null and not ({_SHOWN_ALREADY.format("bill_payment")})
        union all
        select 'prepayment', p.id, p.code || ', ' || v.name, p.id, -p.amount, p.currency, p.paid_on
        from prepayment p join vendor v on v.id = p.vendor_id
        where p.voided_at is null and p.kind = 'paid_ahead'
          and not ({_SHOWN_ALREADY.format("prepayment")})
        union all
        select 'vendor_refund', p.id, q.code || ', ' || v.name, q.id, p.amount, q.currency,
          p.received_on
        from vendor_refund p join prepayment q on q.id = p.prepayment_id
        join vendor v on v.id = q.vendor_id
        where p.closed_at is null and not ({_SHOWN_ALREADY.format("vendor_refund")})
        union all
        select 'refund', p.id, {bank_targets.REFUNDED_NAME}, p.refund_id, -p.amount, r.currency,
          ({bank_targets.PAID_BACK_ON} at time zone 'UTC')::date
        from {bank_targets.REFUNDED}
        where {bank_targets.PAID_BACK} and p.method = 'bank_transfer'
          and not ({_SHOWN_ALREADY.format("refund")})) d
      join covered c on c.currency = d.currency and d.day between c.since and c.until) m
    order by m.day desc, m.id limit :limit"""
)


def page(session: Session, wanted: Wanted) -> Page[StatementRow]:
    """Files that were read, the last one first."""
    ids, cursor = LISTING.keys(session, {}, wanted)
    return Page(in_order(ids, _statements(session, ids)), cursor)


def one(session: Session, statement_id: str) -> StatementRow:
    """One file that was read. Raises NotFound."""
    found = _statements(session, [statement_id]).get(statement_id)
    if found is None:
        raise NotFound(f"there is no statement {statement_id}")
    return found


def lines(
    session: Session, statement_id: str, state: str | None, wanted: Wanted
) -> Page[LineShown]:
    """Lines that this file was the first to bring, the latest first."""
    ids, cursor = _LINES.keys(session, {"statement": statement_id, "state": state}, wanted)
    return Page(in_order(ids, some_lines(session, ids)), cursor)


def some_lines(session: Session, ids: list[str]) -> dict[str, LineShown]:
    """These lines, by id."""
    rows = session.execute(_SHOWN, {"ids": ids}).all()
    called = named(session, {row.target_id for row in rows if row.target_id})
    return {row.id: _line(row, called.get(row.target_id or "")) for row in rows}


def named(session: Session, ids: Collection[str]) -> dict[str, Named]:
    """What these targets of lines are called, by id."""
    if not ids:
        return {}
    rows = session.execute(_NAMED, {"ids": sorted(ids)})
    return {row.id: Named(**row._mapping) for row in rows}  # noqa: SLF001


def suggestions(
    session: Session, shown: Iterable[LineShown], bounds: Mapping[str, int] | None = None
) -> Suggestions:
    """What each open line might be the bank's side of.

    Also what came to more, by no more than a bank's fee may be: `bounds` by currency.
    """
    given = {one.id: as_line(one) for one in shown if one.state == "open"}
    if not given:
        return Suggestions({}, {})
    fits = list(bank_lines.fits(given, bank_targets.targets_near(session, sorted(given))))
    known = {(one.line_id, one.target.id) for one in fits}
    most = max((bounds or {}).values(), default=0)
    parts: list[tuple[str, Target]] = []
    for line_id, target, is_part in bank_targets.targets_around(session, sorted(given), fee=most):
        if is_part:
            parts.append((line_id, target))
        elif (line_id, target.id) not in known and bank_fees.fits(
            given[line_id], target, bounds or {}
        ):
            fits.append(bank_lines.beside(line_id, given[line_id], target))
    ranked = {name: bank_lines.ranked(of) for name, of in bank_lines.by_line(fits).items()}
    return Suggestions(
        {name: of[:SUGGESTIONS_MAX] for name, of in ranked.items()},
        {
            name: bank_sums.sums(name, given[name], targets)
            for name, targets in bank_sums.by_line(parts).items()
        },
    )


def line(session: Session, line_id: str) -> LineShown:
    """One line. Raises NotFound."""
    found = some_lines(session, [line_id])
    if line_id not in found:
        raise NotFound(f"there is no bank line {line_id}")
    return found[line_id]


def missing(session: Session) -> list[Missing]:
    """What ought to stand on the statements that were read, and does not."""
    given = {**COVERED, "limit": MISSING_MAX}
    return [Missing(**row._mapping) for row in session.execute(_MISSING, given)]  # noqa: SLF001


def accounts(session: Session) -> list[str]:
    """The bank accounts of which a statement was read."""
    return list(session.execute(_ACCOUNTS).scalars())


def _statements(session: Session, ids: list[str]) -> dict[str, StatementRow]:
    return {
        row.id: StatementRow(
            id=row.id,
            bank_account=row.bank_account,
            file_name=row.file_name,
            form=row.form,
            lines=row.line_count,
            new=row.new_count,
            open=row.open,
            tied=row.tied,
            set_aside=row.set_aside,
            withdrawn=row.withdrawn,
            corrections=row.corrections,
            bad=row.bad_count,
            bad_rows=row.bad_rows,
            first_on=row.first_on,
            last_on=row.last_on,
            read_at=row.read_at,
        )
        for row in session.execute(_STATEMENTS, {"ids": ids})
    }


def _line(row: sa.Row[tuple[object, ...]], target: Named | None) -> LineShown:
    fields = LineShown.__dataclass_fields__.keys() - {"name", "document_id", "has_failed"}
    return LineShown(
        **{name: getattr(row, name) for name in fields},
        name=target.name if target else None,
        document_id=target.document_id if target else None,
        has_failed=target is not None and target.has_failed,
    )


def as_line(shown: LineShown) -> BankLine:
    """The line as the rules know it."""
    return BankLine(
        number=shown.number,
        booked_on=shown.booked_on,
        amount=shown.amount,
        currency=shown.currency,
        text=shown.text,
        reference=shown.reference,
    )
