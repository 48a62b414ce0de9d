"""Payments whose money waits for a person, each with ranked ways to settle it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import ranking
from reconciler.books.overpayments import OverpaymentPolicy, PaidTwice
from reconciler.books.reviews import MATCHING_KINDS
from reconciler.reads import invoices, screens_payments, suggestions
from reconciler.reads.asked_back import IS_AMONG_ASKED
from reconciler.reads.screens_payments import PaymentLine
from reconciler.reads.suggestions import Reason, SuggestedPart, SuggestionRow
from reconciler.reads.waits_since import WAITS_SINCE
from reconciler.store import overpayments

_COLUMNS = """r.id, r.kind, r.payment_id, r.amount, r.opened_at, r.assigned_to,
    u.name as assigned_name, r.snoozed_until, coalesce(r.details -> 'reasons', '[]') as reasons"""
_FROM = "from review_item r left join user_account u on u.id = r.assigned_to"
_WAITING = f"""select {_COLUMNS}, {{column}} as place {_FROM}
    where r.state = 'open' and r.kind = any(:kinds)
      and (cast(:until as timestamptz) is null or {WAITS_SINCE} < :until)
      and (cast(:assigned_to as text) is null or r.assigned_to = :assigned_to)
      and {{in_sight}}
      and (cast(:after_id as text) is null
        or ({{column}}, r.id) {{follows}} (cast(:after as {{type}}), cast(:after_id as text)))
    order by {{column}} {{way}}, r.id {{way}} limit :limit"""
_OF_PAYMENTS = sa.text(
    f"""select distinct on (r.payment_id) {_COLUMNS}, null as place {_FROM}
    where r.state = 'open' and r.payment_id = any(:payments) and r.kind = any(:kinds)
    order by r.payment_id, r.opened_at desc, r.id desc"""
)
_TARGETS = sa.text(
    """select i.id, i.number, i.currency, false as is_deposit, c.name as customer, i.due_on,
      i.total,
      case when i.state = 'void' then 0 else i.outstanding end as outstanding,
      case when i.state <> 'sent' or i.outstanding > 0 then i.state
        when i.paid > 0 then 'paid' else 'credited' end as state
    from invoice i join customer c on c.id = i.customer_id where i.id = any(:ids)
    union all
    select d.id, d.code, d.currency, true, c.name, d.taken_on, d.amount, d.amount - d.received,
      case when d.received >= d.amount then 'received' when d.ended_at is null then 'expected'
        else 'ended' end
    from deposit d join customer c on c.id = d.customer_id where d.id = any(:ids)"""
)
_NAMED = sa.text(
    """select id from invoice where id = :name or lower(btrim(number)) = lower(:name)
    union all select id from deposit where id = :name or lower(btrim(code)) = lower(:name)"""
)
_WISH = sa.text(
    """select p.customer_id, p.currency, c.overpayment_policy as policy
    from payment p join customer c on c.id = p.customer_id where p.id = :payment"""
)


Ranked: TypeAlias = Mapping[str, Sequence[SuggestionRow]]  # by payment, the best first


class Sort(StrEnum):
    """In which order payments wait: `received` is when their money moved, `asked` when we asked."""

    OLDEST = "oldest"
    NEWEST = "newest"
    LARGEST = "largest"
    ASKED = "asked"


_RECEIVED = ("coalesce(r.happened_at, r.opened_at)", "timestamptz")
_PLACES = {
    Sort.OLDEST: (*_RECEIVED, ">", "asc"),
    Sort.NEWEST: (*_RECEIVED, "<", "desc"),
    Sort.LARGEST: ("coalesce(r.amount, 0)", "bigint", "<", "desc"),
    Sort.ASKED: ("r.opened_at", "timestamptz", "<", "desc"),
}
# By whether what is put off is looked for. As one condition of two values the planner would take it
# for half of them, and go through all payments in their order for the few that there are.
_IN_SIGHT = {
    True: "r.snoozed_until > :today",
    False: f"""(r.snoozed_until is null or r.snoozed_until <= :today)
      and ({IS_AMONG_ASKED}) = :is_asked""",
}
_SORTED = {
    (sort, is_snoozed): sa.text(
        _WAITING.format(column=column, type=kind, follows=follows, way=way, in_sight=in_sight)
    )
    for sort, (column, kind, follows, way) in _PLACES.items()
    for is_snoozed, in_sight in _IN_SIGHT.items()
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment that a person has to decide about, since when, and why.

    `place` is what it is sorted by, where it is one of a list.
    """

    id: str
    kind: str
    payment: PaymentLine
    amount: int
    opened_at: datetime
    assigned_to: str | None
    assigned_name: str | None
    snoozed_until: date | None
    reasons: Sequence[str] = ()
    place: datetime | int | None = None

    @property
    def payment_id(self) -> str:
        """Whose question it is."""
        return self.payment.id


@dataclass(frozen=True, slots=True)
class Which:
    """Which of the open questions about payments' money, as they are on the day `today`.

    `until`: only those that wait since before; `assigned_to`: only one person's; what is put off
    until later only where `is_snoozed`, and then nothing else; what is asked back whole, which is
    `asked`, only where `is_asked`.
    """

    kinds: Sequence[str]
    today: date
    asked: Sequence[str]
    until: datetime | None = None
    assigned_to: str | None = None
    is_snoozed: bool = False
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """An invoice or deposit that money may go to. Minor units of `currency`.

    `state` is that of the document, and paid, credited or received where nothing is left of it; a
    deposit that is asked for no more has ended.
    """

    id: str
    number: str
    currency: str
    is_deposit: bool
    customer: str
    due_on: date | None
    total: int
    outstanding: int
    state: str


@dataclass(frozen=True, slots=True)
class Way:
    """One target of a suggestion, and what of the payment would go there."""

    target: Target
    amount: int

    @property
    def left(self) -> int:
        """What is open on it afterwards."""
        return self.target.outstanding - self.amount


@dataclass(frozen=True, slots=True)
class Suggested:
    """One way to settle a payment, with what speaks for and against it.

    `ways` is empty where nothing can go there, only looked at (another currency, nothing open).
    """

    ways: Sequence[Way]
    shown: Sequence[Target]
    amount: int
    confidence: str
    reasons: Sequence[Reason]

    @property
    def is_tied(self) -> bool:
        """Whether another fits as well, so that a person has to choose."""
        return any(one.text == ranking.ANOTHER_FITS for one in self.reasons)

    @property
    def is_named(self) -> bool:
        """Whether the payment itself says that it is for this."""
        return any(one.text == ranking.NUMBER_IS_ON_IT for one in self.reasons)

    @property
    def is_anothers(self) -> bool:
        """Whether it would pay what another customer owes."""
        return any(one.text == ranking.ANOTHER_CUSTOMER for one in self.reasons)

    @property
    def is_doubtful(self) -> bool:
        """Whether it would pay that, or what nobody is to pay now."""
        return self.is_anothers or any(one.text.startswith(ranking.ON_HOLD) for one in self.reasons)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants done with money beyond what they owe.

    `owed`: where that is to pay what they owe next, this, the oldest due first. What is on hold is
    not among it.
    """

    policy: OverpaymentPolicy
    owed: Sequence[Target] = ()


def alike(found: Sequence[Suggested]) -> list[Target]:
    """Those that fit equally well: of one customer, amount and day, whatever they are for."""
    tied = [one.shown[0] for one in found if one.is_tied and len(one.shown) == 1]
    same = {(one.customer, one.due_on, one.outstanding, one.is_deposit) for one in tied}
    return tied if len(tied) > 1 and len(same) == 1 else []


def waiting(
    session: Session, which: Which, sort: Sort, *, after: Sequence[object] | None, limit: int
) -> list[Waiting]:
    """Open questions about payments' money, those that come `after` a known place and id."""
    place, item_id = after or (None, None)
    given = asdict(which) | {"after": place, "after_id": item_id, "limit": limit}
    return _with_payments(session, session.execute(_SORTED[sort, which.is_snoozed], given))


def places(sort: Sort) -> tuple[str, str]:
    """Of which types a place in a sorted list is: what it is sorted by, and the question's id."""
    return _PLACES[sort][1], "text"


def place_of(item: Waiting, sort: Sort) -> datetime | int:
    """Where a payment stands in a list that is sorted so, whether it is in it or not."""
    if sort is Sort.LARGEST:
        return item.amount
    return item.opened_at if sort is Sort.ASKED else item.payment.occurred_at


def of_payment(session: Session, payment_id: str) -> Waiting | None:
    """The open question about one payment's money, if there is one."""
    return next(iter(of_payments(session, [payment_id])), None)


def of_payments(session: Session, ids: Sequence[str]) -> list[Waiting]:
    """The same of several, in no order."""
    given = {"payments": list(ids), "kinds": _kinds()}
    return _with_payments(session, session.execute(_OF_PAYMENTS, given))


def best(session: Session, ids: Sequence[str]) -> dict[str, SuggestionRow]:
    """The best suggestion for each of these payments; one without any is left out."""
    return best_of(suggestions.for_payments(session, ids))


def best_of(found: Ranked) -> dict[str, SuggestionRow]:
    """The same of payments for which all suggestions were looked up."""
    return {
        payment_id: ranked[0]
        for payment_id, ranked in found.items()
        if ranked and ranked[0].allocations
    }


def suggested(session: Session, payment_id: str, found: Ranked) -> list[Suggested]:
    """Ways to settle a payment, the best first; looked up where it is not among those `found`."""
    known_already = (
        found if payment_id in found else suggestions.for_payments(session, [payment_id])
    )
    ranked = known_already.get(payment_id, [])
    ids = {target_id for one in ranked for target_id in one.target.id.split("+")}
    known = targets(session, ids)
    return [_suggested(one, known) for one in ranked]


def targets(session: Session, ids: Iterable[str]) -> dict[str, Target]:
    """These invoices and deposits, by id."""
    rows = session.execute(_TARGETS, {"ids": sorted(ids)})
    return {row.id: Target(**row._asdict()) for row in rows}


def named(session: Session, name: str) -> Target | None:
    """The invoice or deposit with this number, code or id; None if none or several have it."""
    ids = session.scalars(_NAMED, {"name": name.strip()}).all()
    return targets(session, ids).get(ids[0]) if len(ids) == 1 else None


def _suggested(one: SuggestionRow, known: dict[str, Target]) -> Suggested:
    return Suggested(
        ways=[Way(known[_id(part)], part.amount) for part in one.allocations],
        shown=[known[target_id] for target_id in one.target.id.split("+")],
        amount=one.amount,
        confidence=one.confidence,
        reasons=one.evidence,
    )


def _id(part: SuggestedPart) -> str:
    return part.invoice_id or part.deposit_id or ""


def _kinds() -> list[str]:
    return sorted(kind.value for kind in MATCHING_KINDS)


def _with_payments(session: Session, rows: Iterable[sa.Row[tuple[object, ...]]]) -> list[Waiting]:
    items = [row._asdict() for row in rows]
    lines = screens_payments.payments(session, [item["payment_id"] for item in items])
    return [
        Waiting(
            item["id"],
            item["kind"],
            lines[item["payment_id"]],
            item["amount"] or lines[item["payment_id"]].unapplied,
            item["opened_at"],
            item["assigned_to"],
            item["assigned_name"],
            item["snoozed_until"],
            item["reasons"],
            item["place"],
        )
        for item in items
    ]


def wish(session: Session, payment_id: str) -> Wish | None:
    """What the payer wants done with money beyond what they owe; None for nobody we know."""
    row = session.execute(_WISH, {"payment": payment_id}).first()
    if row is None:
        return None
    policy = OverpaymentPolicy(row.policy)
    if policy is not OverpaymentPolicy.NEXT_INVOICE:
        return Wish(policy)
    owed = [one.id for one in overpayments.owed_by(session, row.customer_id, row.currency)]
    held = invoices.why_on_hold(session, owed)
    known = targets(session, owed)
    return Wish(policy, [known[one] for one in owed if one not in held])


def twice(session: Session, payment_id: str) -> PaidTwice | None:
    """If what is left of a payment is because its invoice was paid twice: by which payments."""
    return overpayments.twice(session, [payment_id]).get(payment_id)
