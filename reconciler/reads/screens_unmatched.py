"""Payments whose money waits for a person, each with ranked ways to settle it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import matching
from reconciler.books.matching import Document, Lookup
from reconciler.books.observations import PaymentFacts
from reconciler.books.reviews import MATCHING_KINDS
from reconciler.reads import screens_payments
from reconciler.reads.screens_payments import PaymentLine
from reconciler.store import claims, documents

_WAITING = sa.text(
    """select r.id, r.kind, r.payment_id, r.amount, r.opened_at from review_item r
    where r.state = 'open' and r.payment_id is not null and r.kind = any(:kinds)
      and (cast(:before as timestamptz) is null
        or (r.opened_at, r.id) < (cast(:before as timestamptz), cast(:before_id as text)))
    order by r.opened_at desc, r.id desc limit :limit"""
)
_OF_PAYMENT = sa.text(
    """select r.id, r.kind, r.payment_id, r.amount, r.opened_at from review_item r
    where r.state = 'open' and r.payment_id = :payment and r.kind = any(:kinds)
    order by r.opened_at desc, r.id desc limit 1"""
)
_SUMS = sa.text(
    """select r.kind = 'overpayment' as is_over, coalesce(r.currency, p.currency, '') as currency,
      count(*) as number, coalesce(sum(r.amount), 0)::bigint as amount, min(r.opened_at) as oldest
    from review_item r join payment p on p.id = r.payment_id
    where r.state = 'open' and r.kind = any(:kinds)
    group by 1, 2 order by 1, 2"""
)
_FACTS = sa.text("select id, facts::text as facts, customer_id from payment where id = any(:ids)")
_BY_MAIL = sa.text("select id, lower(email) as email from customer where lower(email) = any(:mails)")
_NAMES = sa.text("select id, name from customer where id = any(:ids)")
_EQUAL = sa.text(
    """select i.id from invoice i where i.state = 'sent' and i.currency = :currency
      and i.total - i.paid - i.credit_notes - i.refund_credits = :amount
    order by i.due_on nulls last, i.id limit :limit"""
)
EQUAL_MAX = 10  # strangers' invoices of the same amount: a hint for a person, no more
CANDIDATES_MAX = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment that a person has to decide about, and since when."""

    id: str
    kind: str
    payment: PaymentLine
    amount: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Sum:
    """How much waits in one currency."""

    is_over: bool
    currency: str
    number: int
    amount: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Way:
    """One target of a suggestion, and what of the payment would go there."""

    document: Document
    customer: str
    amount: int

    @property
    def left(self) -> int:
        """What is open on it afterwards."""
        return self.document.outstanding - self.amount


@dataclass(frozen=True, slots=True)
class Suggested:
    """One way to settle a payment, with what speaks for and against it."""

    ways: Sequence[Way]
    confidence: str
    reasons: Sequence[tuple[str, str]]

    @property
    def amount(self) -> int:
        """What of the payment it uses."""
        return sum(way.amount for way in self.ways)


def waiting(
    session: Session, *, before: tuple[datetime, str] | None, limit: int
) -> list[Waiting]:
    """Open questions about payments' money, the newest first."""
    at, item_id = before or (None, None)
    given = {"kinds": _kinds(), "before": at, "before_id": item_id, "limit": limit}
    return _with_payments(session, session.execute(_WAITING, given))


def of_payment(session: Session, payment_id: str) -> Waiting | None:
    """The open question about one payment's money, if there is one."""
    rows = session.execute(_OF_PAYMENT, {"payment": payment_id, "kinds": _kinds()})
    return next(iter(_with_payments(session, rows)), None)


def sums(session: Session) -> list[Sum]:
    """How much waits, by currency, overpayments apart."""
    return [Sum(*row) for row in session.execute(_SUMS, {"kinds": _kinds()})]


def suggestions(session: Session, lines: Sequence[PaymentLine]) -> dict[str, list[Suggested]]:
    """Ways to settle each of these payments, the best first."""
    rows = session.execute(_FACTS, {"ids": [line.id for line in lines]})
    facts = {r.id: claims.decode_facts(r.facts) for r in rows}
    unapplied = {line.id: line.unapplied for line in lines}
    among = _look_up(session, facts.values())
    found = {
        payment_id: matching.rank(
            one,
            unapplied[payment_id],
            _candidates(session, one, unapplied[payment_id], among),
            among,
        )
        for payment_id, one in facts.items()
        if unapplied[payment_id] > 0
    }
    names = _names(session, (d for s in found.values() for one in s for d, _ in one.targets))
    return {
        payment_id: [
            Suggested(
                [Way(d, names.get(d.customer_id, ""), amount) for d, amount in one.targets],
                one.confidence,
                one.reasons,
            )
            for one in ranked
        ]
        for payment_id, ranked in found.items()
    }


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
        )
        for item in items
    ]


def _look_up(session: Session, facts: Iterable[PaymentFacts]) -> Lookup:
    all_facts = list(facts)
    by_name: dict[str, list[Document]] = {}
    names = {name for one in all_facts for name in matching.names_in(one)}
    for document in documents.by_names(session, names):
        for name in {matching.fold(document.number), document.id}:
            by_name.setdefault(name, []).append(document)
    customers: dict[str, str] = {}
    rail_objects: dict[str, Document] = {}
    for rail in {one.rail for one in all_facts}:
        own = [one for one in all_facts if one.rail == rail]
        payers = {one.payer["customer"][1] for one in own if "customer" in one.payer}
        customers |= documents.customers_by_rail_id(session, rail, payers)
        objects = {o for one in own for o in (one.payment_id, *one.sessions, *one.rail_invoices)}
        rail_objects |= documents.by_rail_objects(session, rail, objects)
    mails = {one.payer["email"][1].lower() for one in all_facts if "email" in one.payer}
    by_mail = {r.id for r in session.execute(_BY_MAIL, {"mails": sorted(mails)})} if mails else set()
    owed: dict[str, list[Document]] = {}
    for document in documents.open_of_customers(session, {*customers.values(), *by_mail}):
        owed.setdefault(document.customer_id, []).append(document)
    return Lookup(by_name, rail_objects, owed, customers)


def _candidates(
    session: Session, facts: PaymentFacts, amount: int, among: Lookup
) -> list[Document]:
    found: dict[str, Document] = {}
    for name in matching.names_in(facts):
        found |= {d.id: d for d in among.by_name.get(name, [])}
    for object_id in (facts.payment_id, *facts.sessions, *facts.rail_invoices):
        if object_id in among.by_rail_object:
            document = among.by_rail_object[object_id]
            found[document.id] = document
    payer = matching.payer(facts, among)
    of_mail = [] if payer or "email" not in facts.payer else _customers_of(session, facts)
    for customer_id in [payer] if payer else of_mail:
        found |= {d.id: d for d in among.open_by_customer.get(customer_id or "", [])}
    given = {"currency": facts.currency, "amount": amount, "limit": EQUAL_MAX}
    equal = session.scalars(_EQUAL, given).all()
    found |= {d.id: d for d in documents.by_names(session, [i for i in equal if i not in found])}
    return list(found.values())[:CANDIDATES_MAX]


def _customers_of(session: Session, facts: PaymentFacts) -> list[str]:
    mail = facts.payer["email"][1].lower()
    return [row.id for row in session.execute(_BY_MAIL, {"mails": [mail]})]


def _names(session: Session, found: Iterable[Document]) -> dict[str, str]:
    ids = sorted({d.customer_id for d in found})
    return {r.id: r.name for r in session.execute(_NAMES, {"ids": ids})} if ids else {}
