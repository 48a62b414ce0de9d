"""The rows that settling works on, read under locks and written back in one go.

Locks are taken in one order everywhere, so that nobody waits in a circle: payments, then deposits,
then invoices, each by ascending id.
"""

from collections.abc import Collection, Iterable, Sequence
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
        lowered = self.credit_notes + self.refund_credits + self.write_offs
        return self.total - self.paid - lowered


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
    """select id, number, customer_id, currency, total, state, paid, credit_notes, refund_credits,
      write_offs, tax, tax_credited, rev, issued_on
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


_INSERT_ALLOCATIONS = sa.text(
    """insert into allocation (id, payment_id, invoice_id, deposit_id, wanted, gross, credited,
      reopened, written_off, amount, turns, strategy, created_at, cause_kind, cause_id)
    select a.*, :cause_kind, :cause_id from unnest(
      cast(:id as text[]), cast(:payment_id as text[]), cast(:invoice_id as text[]),
      cast(:deposit_id as text[]), cast(:wanted as bigint[]), cast(:gross as bigint[]),
      cast(:credited as bigint[]), cast(:reopened as bigint[]), cast(:written_off as bigint[]),
      cast(:amount as bigint[]), cast(:turns as bigint[]), cast(:strategy as text[]),
      cast(:created_at as timestamptz[])) as a"""
)
_CHANGED_CLAIMS = """set wanted = n.wanted, gross = n.gross, credited = n.credited,
      reopened = n.reopened, written_off = n.written_off, amount = n.amount, turns = n.turns,
      closed_at = case when n.wanted = 0 then :now end
    from unnest(cast(:id as text[]), cast(:wanted as bigint[]), cast(:gross as bigint[]),
      cast(:credited as bigint[]), cast(:reopened as bigint[]), cast(:written_off as bigint[]),
      cast(:amount as bigint[]), cast(:turns as bigint[]))
      as n(id, wanted, gross, credited, reopened, written_off, amount, turns)"""
_UPDATE_ALLOCATIONS = sa.text(f"update allocation a {_CHANGED_CLAIMS} where a.id = n.id")
_UPDATE_APPLICATIONS = sa.text(f"update application a {_CHANGED_CLAIMS} where a.id = n.id")
_INSERT_APPLICATIONS = sa.text(
    """insert into application (id, deposit_id, invoice_id, wanted, gross, credited, reopened,
      written_off, amount, turns, created_at, cause_kind, cause_id)
    values (:id, :deposit_id, :invoice_id, :wanted, :gross, :credited, :reopened, :written_off,
      :amount, :turns, :created_at, :cause_kind, :cause_id)"""
)
_UPDATE_INVOICES = sa.text(
    """update invoice i set paid = n.paid, credit_notes = n.credit_notes,
      refund_credits = n.refund_credits, write_offs = n.write_offs,
      tax_credited = n.tax_credited, rev = i.rev + 1
    from unnest(cast(:id as text[]), cast(:paid as bigint[]), cast(:credit_notes as bigint[]),
      cast(:refund_credits as bigint[]), cast(:write_offs as bigint[]),
      cast(:tax_credited as bigint[]))
      as n(id, paid, credit_notes, refund_credits, write_offs, tax_credited)
    where i.id = n.id"""
)
_UPDATE_DEPOSITS = sa.text(
    """update deposit d set received = n.received, applied = n.applied, refunded = n.refunded,
      forfeited = n.forfeited, rev = d.rev + 1
    from unnest(cast(:id as text[]), cast(:received as bigint[]), cast(:applied as bigint[]),
      cast(:refunded as bigint[]), cast(:forfeited as bigint[]))
      as n(id, received, applied, refunded, forfeited) where d.id = n.id"""
)


def write_allocations(
    session: Session, rows: Iterable[AllocationRow], *, cause: tuple[str, str], now: datetime
) -> None:
    """Insert the new ones, update the changed ones."""
    rows = list(rows)
    new = [r for r in rows if r.is_new]
    if new:
        session.execute(
            _INSERT_ALLOCATIONS,
            _claim_columns(new)
            | {
                name: [getattr(r, name) for r in new]
                for name in ("payment_id", "invoice_id", "deposit_id", "strategy", "created_at")
            }
            | {"cause_kind": cause[0], "cause_id": cause[1]},
        )
    changed = [r for r in rows if r.is_changed and not r.is_new]
    if changed:
        session.execute(_UPDATE_ALLOCATIONS, _claim_columns(changed) | {"now": now})


def write_applications(
    session: Session, rows: Iterable[ApplicationRow], *, cause: tuple[str, str], now: datetime
) -> None:
    """Insert the new ones, update the changed ones."""
    rows = list(rows)
    for r in (r for r in rows if r.is_new):
        session.execute(
            _INSERT_APPLICATIONS,
            {
                "id": r.id, "deposit_id": r.deposit_id, "invoice_id": r.invoice_id,
                "wanted": r.wanted, "gross": r.offer.gross, "credited": r.offer.credited,
                "reopened": r.offer.reopened, "written_off": r.offer.written_off,
                "amount": r.amount, "turns": r.turns,
                "created_at": r.created_at, "cause_kind": cause[0], "cause_id": cause[1],
            },
        )  # fmt: skip
    changed = [r for r in rows if r.is_changed and not r.is_new]
    if changed:
        session.execute(_UPDATE_APPLICATIONS, _claim_columns(changed) | {"now": now})


def write_invoices(session: Session, rows: Iterable[InvoiceRow]) -> None:
    """Update the amounts of the changed ones."""
    changed = [r for r in rows if r.is_changed]
    if changed:
        columns = ("id", "paid", "credit_notes", "refund_credits", "write_offs", "tax_credited")
        session.execute(_UPDATE_INVOICES, {n: [getattr(r, n) for r in changed] for n in columns})


def write_deposits(session: Session, rows: Iterable[DepositRow]) -> None:
    """Update the amounts of the changed ones."""
    changed = [r for r in rows if r.is_changed]
    if changed:
        columns = ("id", "received", "applied", "refunded", "forfeited")
        session.execute(_UPDATE_DEPOSITS, {n: [getattr(r, n) for r in changed] for n in columns})


def _claim_columns(rows: Sequence[AllocationRow] | Sequence[ApplicationRow]) -> dict[str, object]:
    return {
        "id": [r.id for r in rows],
        "wanted": [r.wanted for r in rows],
        "gross": [r.offer.gross for r in rows],
        "credited": [r.offer.credited for r in rows],
        "reopened": [r.offer.reopened for r in rows],
        "written_off": [r.offer.written_off for r in rows],
        "amount": [r.amount for r in rows],
        "turns": [r.turns for r in rows],
    }
