"""The rows that settling works on, read under locks; claims_written.py writes them back.

Locks are taken in one order everywhere, so that nobody waits in a circle: payments, then deposits,
then invoices, each by ascending id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.allocations import Claim, Offer
from reconciler.books.matching import Strategy
from reconciler.books.observations import PaymentFacts
from reconciler.books.posting_rules import Booked

_facts_decoder = msgspec.json.Decoder(PaymentFacts)
_booked_decoder = msgspec.json.Decoder(dict[str, tuple[int, int]])
_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class PaymentRow:
    """A locked payment, or one about to be made (`is_new`)."""

    id: str
    facts: PaymentFacts
    booked: Booked
    customer_id: str | None = None
    bound_for: str | None = None
    strategy: str | None = None
    match_dated: int = 0
    reasons: list[str] = field(default_factory=list)
    is_held: bool = False
    clues: list[str] = field(default_factory=list)
    fetch_due_at: datetime | None = None
    fetch_attempts: int = 0
    is_new: bool = False


@dataclass(slots=True)
class AllocationRow:
    """A live claim of a payment."""

    id: str
    payment_id: str
    invoice_id: str | None
    deposit_id: str | None
    wanted: int | None
    offer: Offer
    amount: int
    turns: int
    strategy: str
    created_at: datetime
    is_new: bool = False
    is_changed: bool = False

    @property
    def target(self) -> str:
        """The invoice or deposit it is for."""
        return self.invoice_id or self.deposit_id or ""

    @property
    def as_claim(self) -> Claim:
        """The same for the rules."""
        return Claim(self.id, self.target, self.deposit_id is not None, self.wanted)

    @property
    def place(self) -> tuple[bool, float, str]:
        """Where it stands among those of its payment.

        Those of people by age; before them those of the program, whose order must not be the one
        in which the rail happened to tell of them. Of one age, the newer document comes later.
        """
        is_a_persons = self.strategy == Strategy.PERSON
        return is_a_persons, self.created_at.timestamp() if is_a_persons else 0.0, self.target


@dataclass(slots=True)
class ApplicationRow:
    """A live use of a deposit on an invoice; without one, what of it is kept as income."""

    id: str
    deposit_id: str
    invoice_id: str | None
    wanted: int
    offer: Offer
    amount: int
    turns: int
    created_at: datetime
    is_new: bool = False
    is_changed: bool = False
    on: date | None = None  # the day on which it is to be booked, where a person named one

    @property
    def as_claim(self) -> Claim:
        """The same for the rules."""
        return Claim(self.id, self.invoice_id or "", is_deposit=False, wanted=self.wanted)


@dataclass(slots=True)
class InvoiceRow:
    """A locked invoice."""

    id: str
    number: str
    customer_id: str
    currency: str
    total: int
    state: str
    paid: int
    credit_notes: int
    bank_fees: int
    refund_credits: int
    write_offs: int
    tax: int
    tax_credited: int
    rev: int
    issued_on: date | None = None
    is_changed: bool = False

    @property
    def outstanding(self) -> int:
        """What is still owed."""
        return self.total - self.paid - self.credit_notes - self.refund_credits - self.write_offs

    @property
    def credited_by_notes(self) -> int:
        """What credit notes lowered: what people lowered, less a bank's fee that we bear."""
        return self.credit_notes - self.bank_fees


@dataclass(slots=True)
class DepositRow:
    """A locked deposit."""

    id: str
    code: str
    customer_id: str
    currency: str
    amount: int
    received: int
    applied: int
    refunded: int
    rev: int
    forfeited: int = 0
    is_changed: bool = False


def encode_facts(facts: PaymentFacts) -> str:
    """Facts as the JSON that is stored."""
    return _encoder.encode(facts).decode()


def decode_facts(text: str) -> PaymentFacts:
    """Facts from stored JSON."""
    return _facts_decoder.decode(text)


_PAYMENT_COLUMNS = """id, facts::text as facts, booked::text as booked, customer_id, bound_for,
    strategy, match_dated, reasons, is_held, clues, fetch_due_at, fetch_attempts"""
_LOCK_PAYMENTS = sa.text(
    f"select {_PAYMENT_COLUMNS} from payment where id = any(:ids) order by id for no key update"
)
_LOCK_PAYMENTS_BY_RAIL_ID = sa.text(
    f"""select {_PAYMENT_COLUMNS} from payment where id in (
      select p.id from payment p join unnest(cast(:rails as text[]), cast(:accounts as text[]),
        cast(:payments as text[])) as k(rail, account, payment)
      on p.rail = k.rail and p.account = k.account and p.rail_payment_id = k.payment)
    order by id for no key update"""
)
_ALLOCATION_COLUMNS = """id, payment_id, invoice_id, deposit_id, wanted, gross, credited, reopened,
    written_off, amount, turns, strategy, created_at"""
_APPLICATION_COLUMNS = """id, deposit_id, invoice_id, wanted, gross, credited, reopened,
    written_off, amount, turns, created_at"""
_ALLOCATIONS_OF_PAYMENTS = sa.text(
    f"""select {_ALLOCATION_COLUMNS} from allocation
    where payment_id = any(:ids) and closed_at is null order by created_at, id"""
)
_ALLOCATIONS_ON_TARGETS = sa.text(
    f"""select {_ALLOCATION_COLUMNS} from allocation
    where (invoice_id = any(:invoices) or deposit_id = any(:deposits)) and closed_at is null
    order by created_at, id"""
)
_APPLICATIONS = sa.text(
    f"""select {_APPLICATION_COLUMNS} from application
    where (invoice_id = any(:invoices) or deposit_id = any(:deposits)) and closed_at is null
    order by created_at, id"""
)
_LOCK_DEPOSITS = sa.text(
    """select id, code, customer_id, currency, amount, received, applied, refunded, rev,
      forfeited
    from deposit where id = any(:ids) order by id for no key update"""
)
_LOCK_INVOICES = sa.text(
    """select id, number, customer_id, currency, total, state, paid, credit_notes, bank_fees,
      refund_credits, write_offs, tax, tax_credited, rev, issued_on
    from invoice where id = any(:ids) order by id for no key update"""
)


def lock_payments(session: Session, ids: Collection[str]) -> dict[str, PaymentRow]:
    """Hold these payments until the transaction ends."""
    found = session.execute(_LOCK_PAYMENTS, {"ids": sorted(ids)}) if ids else ()
    return {r.id: _payment(r) for r in found}


def lock_payments_by_rail_id(
    session: Session, keys: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], PaymentRow]:
    """Hold those that are known of these (rail, account, rail's payment id)."""
    rails, accounts, payments = (list(c) for c in zip(*keys, strict=True))
    found = session.execute(
        _LOCK_PAYMENTS_BY_RAIL_ID, {"rails": rails, "accounts": accounts, "payments": payments}
    )
    rows = [_payment(r) for r in found]
    return {(r.facts.rail, r.facts.account, r.facts.payment_id): r for r in rows}


def _payment(row: sa.Row[tuple[object, ...]]) -> PaymentRow:
    values = row._asdict()
    values["facts"] = _facts_decoder.decode(values["facts"])
    values["booked"] = _booked_decoder.decode(values["booked"])
    return PaymentRow(**values)


def lock_deposits(session: Session, ids: Collection[str]) -> dict[str, DepositRow]:
    """Hold these deposits until the transaction ends."""
    if not ids:
        return {}
    rows = session.execute(_LOCK_DEPOSITS, {"ids": sorted(ids)})
    return {r.id: DepositRow(*r) for r in rows}


def lock_invoices(session: Session, ids: Collection[str]) -> dict[str, InvoiceRow]:
    """Hold these invoices until the transaction ends."""
    if not ids:
        return {}
    rows = session.execute(_LOCK_INVOICES, {"ids": sorted(ids)})
    return {r.id: InvoiceRow(*r) for r in rows}


def allocations_of(session: Session, payments: Collection[str]) -> list[AllocationRow]:
    """Live claims of these payments, the oldest first."""
    if not payments:
        return []
    rows = session.execute(_ALLOCATIONS_OF_PAYMENTS, {"ids": list(payments)})
    return [_allocation(r) for r in rows]


def allocations_on(
    session: Session, invoices: Collection[str], deposits: Collection[str]
) -> list[AllocationRow]:
    """Live claims on these targets, the oldest first, whoever makes them."""
    rows = session.execute(
        _ALLOCATIONS_ON_TARGETS, {"invoices": list(invoices), "deposits": list(deposits)}
    )
    return [_allocation(r) for r in rows]


def applications_touching(
    session: Session, invoices: Collection[str], deposits: Collection[str]
) -> list[ApplicationRow]:
    """Live uses of these deposits, and of any deposit on these invoices, the oldest first."""
    if not invoices and not deposits:
        return []
    rows = session.execute(_APPLICATIONS, {"invoices": list(invoices), "deposits": list(deposits)})
    return [
        ApplicationRow(
            r.id,
            r.deposit_id,
            r.invoice_id,
            r.wanted,
            Offer(r.gross, r.credited, r.reopened, r.written_off),
            r.amount,
            r.turns,
            r.created_at,
        )
        for r in rows
    ]


def _allocation(row: sa.Row[tuple[object, ...]]) -> AllocationRow:
    r = row._asdict()
    parts = ("gross", "credited", "reopened", "written_off")
    offer = Offer(*(r.pop(part) for part in parts))
    return AllocationRow(offer=offer, **r)
