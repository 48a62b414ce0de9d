"""Disputes and returns as lists and screens show them, with what the books hold of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.disputes import Decision, Kind, Stage
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.timeline import Happening
from reconciler.work import Cause

SHOWN_MAX = 200  # open at once: more than that is no list to work through


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement of the rail's balance for a dispute, in minor units of what it settles in."""

    id: str
    category: str
    amount: int
    fee: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """An invoice that the disputed payment was for, as it is owed now. Minor units."""

    invoice_id: str
    number: str
    currency: str
    outstanding: int
    written_off: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedDeposit:
    """A deposit that the disputed payment was for; `missing` of it is to be paid. Minor units."""

    deposit_id: str
    code: str
    currency: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """That somebody answered it, `on …: with what`; it is over once it is asked again."""

    review_item_id: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRow:
    """What a payer's bank asks for or has taken, in minor units of `currency`.

    `amount` is what it claims, `taken` what it has now, `lost` what of that the payment lost for
    good. `evidence_days_left` counts whole days and is below 0 once it is too late. `on_hold`: the
    invoices are not to be asked for meanwhile. `url` leads to the rail's own page of it.
    """

    id: str
    payment_id: str
    rail: str
    rail_payment_id: str
    rail_dispute_id: str
    livemode: bool
    customer_id: str | None
    customer: str | None
    kind: Kind
    stage: Stage
    status: str
    reason: str | None
    amount: int
    taken: int
    lost: int
    currency: str | None
    evidence_due_at: datetime | None
    evidence_days_left: int | None
    decision: Decision
    on_hold: bool
    review_item_id: str | None
    movements: list[Movement]
    invoices: list[Touched]
    deposits: list[TouchedDeposit]
    history: list[Happening]
    opened_at: datetime
    updated_at: datetime
    rev: int
    url: str | None = None
    answer: Answer | None = None

    @property
    def is_with_the_bank(self) -> bool:
        """Whether nobody here has anything to do before the bank decides or asks again."""
        is_under_review = self.stage is Stage.UNDER_REVIEW
        return self.review_item_id is None and (is_under_review or self.answer is not None)


@dataclass(frozen=True, slots=True)
class NumbersWaiting:
    """How many wait: those in sight, and those put off until a day to come.

    Of the others nobody here has to do anything before there is news: those `with_bank` have an
    answer, and of those that are `noted` somebody closed the question with a note.
    """

    in_sight: int
    snoozed: int
    with_bank: int
    noted: int


@dataclass(frozen=True, slots=True)
class Deadlines:
    """In how many whole days the next has to be answered; None where none can be.

    `away` of those that somebody put off have such a day, the next of them in `snoozed` days.
    """

    in_sight: int | None
    snoozed: int | None
    away: int


LISTING = Listing(
    source="dispute d join payment p on p.id = d.payment_id",
    order=Order(("d.opened_at", "d.id"), ("timestamptz", "text")),
    conditions={
        "payment_id": "d.payment_id = :payment_id",
        "rail_dispute_id": "d.rail_dispute_id = :rail_dispute_id",
        "customer_id": "p.customer_id = :customer_id",
        "kind": "d.kind = :kind",
        "stage": "d.stage = :stage",
        "decision": "d.decision = :decision",
        "on_hold": "d.is_unsettled = :on_hold",
    },
)
_DISPUTES = sa.text(
    """select d.*, p.rail, p.rail_payment_id, p.livemode, p.customer_id, c.name as customer,
      (select r.id from review_item r where r.kind = 'dispute' and r.subject = d.rail_dispute_id
        and r.state = 'open') as review_item_id, a.*
    from dispute d join payment p on p.id = d.payment_id
      left join customer c on c.id = p.customer_id
      left join lateral (select r.id as answer_id, r.resolution as answered, r.resolved_by as
          answered_by, r.resolved_at as answered_at
        from (select * from review_item where kind = 'dispute' and subject = d.rail_dispute_id
          order by state = 'open' desc, resolved_at desc, id desc limit 1) r
        where r.state = 'resolved' and r.resolution like 'answered%'
          and d.stage in ('needs_response', 'under_review')) a on true
    where d.id = any(:ids)"""
)
# Somebody has to look at it, or has put that off: what the menu counts as well.
_ASKED = """d.rail_dispute_id in (select subject from review_item
      where kind = 'dispute' and state = 'open')"""
_WAITS = f"(d.is_unsettled or d.stage in ('needs_response', 'under_review') or {_ASKED})"
# Whose answer the bank has, by its word or by ours.
_WITH_BANK = """(d.stage = 'under_review' or exists (select from (select resolution
        from review_item where kind = 'dispute' and subject = d.rail_dispute_id
        order by state = 'open' desc, resolved_at desc, id desc limit 1) r
      where r.resolution like 'answered%'))"""
# What has to be answered soonest stands first; what nobody can answer any more after that; last
# what the bank decides now, and what was closed with a note.
_TURN = f"""not {_ASKED}, d.stage <> 'needs_response', coalesce(d.evidence_due_at, 'infinity'),
      d.opened_at, d.id"""
_WAITING = sa.text(
    f"""select d.id from dispute d where {_WAITS} and (cast(:after as text) is null
      or ({_TURN}) > (select {_TURN} from dispute d where d.id = :after))
    order by {_TURN} limit :limit"""
)
# Whoever put its question off does not want to see it before that day.
_AWAY = """review_item r where r.kind = 'dispute' and r.subject = d.rail_dispute_id
      and r.state = 'open' and r.snoozed_until > :today"""
_NUMBERS_WAITING = sa.text(
    f"""select count(*) filter (where is_asked and not is_away) as in_sight,
      count(*) filter (where is_away) as snoozed,
      count(*) filter (where not is_asked and is_with_bank) as with_bank,
      count(*) filter (where not is_asked and not is_with_bank) as noted
    from (select exists (select from {_AWAY}) as is_away, {_ASKED} as is_asked,
        {_WITH_BANK} as is_with_bank
      from dispute d where {_WAITS}) w"""
)
_SNOOZED = sa.text(
    f"""select d.id, (select r.snoozed_until from {_AWAY}) as until from dispute d
    where d.id = any(:ids) and {_WAITS}"""
)
_OF_PAYMENT = sa.text(
    "select id from dispute where payment_id = :payment_id order by opened_at, id"
)
_OF_INVOICE = sa.text(
    """select d.id, d.opened_at from dispute d
    where d.payment_id in (
      select a.payment_id from allocation a
      where a.invoice_id = :invoice_id and a.closed_at is null
      union all
      select a.payment_id from application u join allocation a on a.deposit_id = u.deposit_id
      where u.invoice_id = :invoice_id and u.closed_at is null and a.closed_at is null)
    order by d.opened_at, d.id limit :limit"""
)
_NEXT_DUE = sa.text(
    f"""select min(due) filter (where not is_away) as in_sight,
      min(due) filter (where is_away) as snoozed, count(*) filter (where is_away) as away
    from (select d.evidence_due_at as due, exists (select from {_AWAY}) as is_away from dispute d
      where d.stage = 'needs_response' and d.evidence_due_at >= :now and {_ASKED}) w"""
)
_MOVEMENTS = sa.text(
    """select d.id as owner, b.key as id, b.value ->> 'category' as category,
      (b.value ->> 'amount')::bigint as amount, (b.value ->> 'fee')::bigint as fee,
      b.value ->> 'currency' as currency
    from dispute d join payment p on p.id = d.payment_id
      cross join lateral jsonb_each(coalesce(p.facts -> 'balance', '{}')) b
    where d.id = any(:ids) and b.value ->> 'source' = d.rail_dispute_id
      and (d.kind <> 'return' or (b.value ->> 'amount')::bigint < 0)
    order by coalesce((b.value ->> 'created')::bigint, 0), b.key"""
)
_INVOICES = sa.text(
    """select distinct d.id as owner, i.id as invoice_id, i.number, i.currency, i.outstanding,
      i.write_offs as written_off
    from dispute d join allocation a on a.payment_id = d.payment_id and a.closed_at is null
      left join application u on u.deposit_id = a.deposit_id and u.closed_at is null
      join invoice i on i.id = coalesce(a.invoice_id, u.invoice_id)
    where d.id = any(:ids) order by i.number"""
)
_DEPOSITS = sa.text(
    """select distinct d.id as owner, x.id as deposit_id, x.code, x.currency,
      greatest(0, x.amount - (x.received - x.refunded)) as missing
    from dispute d join allocation a on a.payment_id = d.payment_id and a.closed_at is null
      join deposit x on x.id = a.deposit_id where d.id = any(:ids) order by x.code"""
)
_STEPS = sa.text(
    """select dispute_id as owner, seq, status, stage, taken, lost, cause_kind, cause_id, at
    from dispute_step where dispute_id = any(:ids) order by seq"""
)
_DECISIONS = sa.text(
    """select d.id as owner, x.seq, x.decision, x.cause_kind, x.cause_id, x.at
    from dispute d join dispute_decision x on x.payment_id = d.payment_id
      and x.rail_dispute_id = d.rail_dispute_id
    where d.id = any(:ids) order by x.seq"""
)
_DECIDED = {
    "undecided": "the decision was taken back",
    "chase": "decided: the customer still owes it",
    "write_off": "decided: written off",
    "credit": "decided: credited",
}


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, now: datetime
) -> Page[DisputeRow]:
    """Disputes, the last opened first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids, now=now)), more)


def waiting(
    session: Session, *, now: datetime, after: str | None = None, limit: int = SHOWN_MAX
) -> list[DisputeRow]:
    """Those that are open, undecided or asked about: what has to be answered first, by its day.

    So many that come `after` the dispute with this id, wherever that stands by now.
    """
    ids = list(session.scalars(_WAITING, {"after": after, "limit": limit}))
    return in_order(ids, load(session, ids, now=now))


def numbers_waiting(session: Session, today: date) -> NumbersWaiting:
    """How many are open, undecided or asked about, by whether somebody has to look now."""
    return NumbersWaiting(*session.execute(_NUMBERS_WAITING, {"today": today}).one())


def snoozed(session: Session, ids: Collection[str], today: date) -> dict[str, date]:
    """Until when those of these disputes are out of sight that wait and were put off."""
    rows = session.execute(_SNOOZED, {"ids": list(ids), "today": today})
    return {row.id: row.until for row in rows if row.until}


def deadlines(session: Session, *, now: datetime) -> Deadlines:
    """In how many whole days the next dispute has to be answered; of those put off as well.

    Those that somebody closed with a note are not among them.
    """
    row = session.execute(_NEXT_DUE, {"now": now, "today": now.date()}).one()
    return Deadlines(
        (row.in_sight - now).days if row.in_sight else None,
        (row.snoozed - now).days if row.snoozed else None,
        row.away,
    )


def of_payment(session: Session, payment_id: str, *, now: datetime) -> list[DisputeRow]:
    """All of one payment, by their opening."""
    ids = list(session.scalars(_OF_PAYMENT, {"payment_id": payment_id}))
    return in_order(ids, load(session, ids, now=now))


def of_invoice(session: Session, invoice_id: str, *, now: datetime) -> list[DisputeRow]:
    """Those of payments that an invoice is paid by, by their opening."""
    given = {"invoice_id": invoice_id, "limit": SHOWN_MAX}
    ids = [row.id for row in session.execute(_OF_INVOICE, given)]
    return in_order(ids, load(session, ids, now=now))


def one(session: Session, dispute_id: str, *, now: datetime) -> DisputeRow:
    """One dispute. Raises NotFound."""
    found = load(session, [dispute_id], now=now)
    if not found:
        raise NotFound(f"there is no dispute {dispute_id}")
    return found[dispute_id]


def load(session: Session, ids: Collection[str], *, now: datetime) -> dict[str, DisputeRow]:
    """These disputes, by our id."""
    given = {"ids": list(ids)}
    movements: dict[str, list[Movement]] = {}
    for row in session.execute(_MOVEMENTS, given):
        values = row._asdict()
        movements.setdefault(values.pop("owner"), []).append(Movement(**values))
    invoices: dict[str, list[Touched]] = {}
    for row in session.execute(_INVOICES, given):
        values = row._asdict()
        invoices.setdefault(values.pop("owner"), []).append(Touched(**values))
    deposits: dict[str, list[TouchedDeposit]] = {}
    for row in session.execute(_DEPOSITS, given):
        values = row._asdict()
        deposits.setdefault(values.pop("owner"), []).append(TouchedDeposit(**values))
    histories = _histories(session, given)
    same = DisputeRow.__dataclass_fields__.keys()
    return {
        row.id: DisputeRow(
            **{name: value for name, value in row._asdict().items() if name in same}
            | {
                "kind": Kind(row.kind),
                "stage": Stage(row.stage),
                "decision": Decision(row.decision),
                "on_hold": row.is_unsettled,
                "evidence_days_left": _days_left(row.evidence_due_at, row.stage, now),
                "movements": movements.get(row.id, []),
                "invoices": invoices.get(row.id, []),
                "deposits": deposits.get(row.id, []),
                "history": histories.get(row.id, []),
                "answer": _answer(row),
            }
        )
        for row in session.execute(_DISPUTES, given)
    }


def _answer(row: sa.Row[tuple[object, ...]]) -> Answer | None:
    if row.answer_id is None:
        return None
    text = str(row.answered).partition(": ")[2]
    return Answer(review_item_id=row.answer_id, text=text, by=row.answered_by, at=row.answered_at)


def _days_left(due: datetime | None, stage: str, now: datetime) -> int | None:
    return (due - now).days if due and stage == Stage.NEEDS_RESPONSE else None


def _histories(session: Session, given: Mapping[str, object]) -> dict[str, list[Happening]]:
    found: dict[str, list[Happening]] = {}
    for row in session.execute(_STEPS, given):
        happening = Happening(
            at=row.at, kind="event", text=row.status.replace("_", " "), ref=str(row.seq),
            amount=row.taken, cause=Cause(row.cause_kind, row.cause_id),
        )  # fmt: skip
        found.setdefault(row.owner, []).append(happening)
    for row in session.execute(_DECISIONS, given):
        happening = Happening(
            at=row.at, kind="decision", text=_DECIDED[row.decision], ref=str(row.seq),
            cause=Cause(row.cause_kind, row.cause_id),
        )  # fmt: skip
        found.setdefault(row.owner, []).append(happening)
    for history in found.values():
        history.sort(key=lambda h: h.at)
    return found
