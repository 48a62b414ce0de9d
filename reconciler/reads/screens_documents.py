"""What the screens show of invoices and deposits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import deposits as deposit_rules, invoices as invoice_rules
from reconciler.books.invoices import InvoiceState
from reconciler.errors import NotFound
from reconciler.store.holds import ON_HOLD

_INVOICE = """i.id, i.number, i.customer_id, c.name as customer, i.project_id, i.description,
    i.currency, i.total, i.tax, i.state, i.paid, i.credit_notes, i.refund_credits, i.write_offs,
    i.credited, case when i.state = 'void' then 0 else i.outstanding end as outstanding,
    i.issued_on, i.due_on, i.created_at, i.sent_at, i.voided_at, i.rev"""
_FROM_INVOICE = "from invoice i join customer c on c.id = i.customer_id"
# Each view is a statement of its own, so that a view of few finds them by its index.
_IS_OPEN = "i.state = 'sent' and i.outstanding > 0"
_VIEWS = {
    "open": _IS_OPEN,
    "part": f"{_IS_OPEN} and i.paid > 0",
    "overdue": f"{_IS_OPEN} and i.due_on < :today and not {ON_HOLD}",
    "paid": "i.state = 'sent' and i.outstanding = 0",
    "draft": "i.state = 'draft'",
}
_ONE_INVOICE = sa.text(
    f"""select {_INVOICE} {_FROM_INVOICE}
    where i.id = :name or lower(btrim(i.number)) = lower(btrim(:name)) limit 1"""
)
_NUMBERS = """select
      coalesce(sum(invoices), 0)::bigint as all, coalesce(sum(open), 0)::bigint as open,
      coalesce(sum(part), 0)::bigint as part,
      (select count(*) from invoice
        where state = 'sent' and outstanding > 0 and due_on < :today{of}) as overdue,
      coalesce(sum(settled), 0)::bigint as paid, coalesce(sum(drafts), 0)::bigint as draft
    from customer_sum where true{of}"""
_ALL_NUMBERS = sa.text(_NUMBERS.format(of=""))
_THEIR_NUMBERS = sa.text(_NUMBERS.format(of=" and customer_id = :customer"))
_PAID_BY = sa.text(
    """select 'payment' as kind, a.id, a.payment_id as source_id, p.rail_payment_id as source,
      a.amount, a.gross, a.credited, a.reopened, a.strategy, a.created_at, a.closed_at,
      a.cause_kind, p.rail, u.name as person, p.occurred_at as paid_at
    from allocation a join payment p on p.id = a.payment_id
      left join user_account u on a.cause_kind = 'person' and u.id = a.cause_id
    where a.invoice_id = :id
    union all
    select 'deposit', u.id, u.deposit_id, d.code, u.amount, u.gross, u.credited, u.reopened, '',
      u.created_at, u.closed_at, u.cause_kind, '', w.name, u.created_at
    from application u join deposit d on d.id = u.deposit_id
      left join user_account w on u.cause_kind = 'person' and w.id = u.cause_id
    where u.invoice_id = :id
    order by created_at, id"""
)
_CREDIT_NOTES = sa.text(
    """select n.id, n.number, n.amount, n.tax, n.reason, n.created_at, n.cause_kind,
      u.name as person, t.created_at as taken_back_at, strpos(substr(n.id, 4), '_') = 0 as is_ours
    from credit_note n left join user_account u on n.cause_kind = 'person' and u.id = n.cause_id
      left join credit_note_taken_back t on t.credit_note_id = n.id
    where n.invoice_id = :id order by n.created_at, n.id"""
)
_LINES = sa.text(
    """select description, quantity, unit_price, tax_rate, tax_name, net, tax from invoice_line
    where invoice_id = :id order by place"""
)
_OF_NOTE = sa.text("select invoice_id from credit_note where id = :id")
_IS_PAYMENT = sa.text("select exists (select 1 from payment where id = :id)")
_TAXES = sa.text(
    """select min(tax_rate) as rate, tax_name as name, sum(net)::bigint as net,
      sum(tax)::bigint as tax
    from invoice_line where invoice_id = :id group by tax_rate::numeric, tax_name
    having tax_rate::numeric > 0 or tax_name is not null
    order by tax_rate::numeric desc, tax_name nulls first"""
)
_DEPOSIT = """d.id, d.code, d.customer_id, c.name as customer, d.project_id, d.taken_on,
    d.currency, d.amount, d.received, d.applied, d.forfeited, d.refunded, d.received_into, d.notes,
    d.created_at, d.rev, d.due_on, d.expires_on, d.work_began_on, d.ended_at, d.ended_why,
    d.forfeit_kept, d.forfeit_once_begun, d.forfeit_within_days"""
_FROM_DEPOSIT = "from deposit d join customer c on c.id = d.customer_id"
_DEPOSITS = sa.text(
    f"""select {_DEPOSIT} {_FROM_DEPOSIT}
    where (cast(:before as timestamptz) is null
        or (d.created_at, d.id) < (cast(:before as timestamptz), cast(:before_id as text)))
      and (cast(:customer as text) is null or d.customer_id = :customer)
      and case :view when 'left' then d.received - d.applied - d.refunded > 0
        when 'unpaid' then d.received < d.amount and d.ended_at is null else true end
    order by d.created_at desc, d.id desc limit :limit"""
)
_ONE_DEPOSIT = sa.text(
    f"""select {_DEPOSIT} {_FROM_DEPOSIT}
    where d.id = :name or lower(btrim(d.code)) = lower(btrim(:name)) limit 1"""
)
_RECEIVED_BY = sa.text(
    """select a.id, a.payment_id, p.rail_payment_id, a.amount, a.strategy, a.created_at,
      a.closed_at, u.name as person
    from allocation a join payment p on p.id = a.payment_id
      left join user_account u on a.cause_kind = 'person' and u.id = a.cause_id
    where a.deposit_id = :id order by a.created_at, a.id"""
)
_USES = sa.text(
    """select x.id, x.invoice_id, i.number, x.amount, x.created_at, x.closed_at, u.name as person,
      i.outstanding
    from application x left join invoice i on i.id = x.invoice_id
      left join user_account u on x.cause_kind = 'person' and u.id = x.cause_id
    where x.deposit_id = :id order by x.created_at, x.id"""
)
_OPEN_INVOICES = sa.text(
    f"""select {_INVOICE} {_FROM_INVOICE}
    where i.customer_id = :customer and i.currency = :currency and i.state = 'sent'
      and i.outstanding > 0
    order by i.due_on nulls last, i.created_at, i.id limit 20"""
)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """An invoice as a list shows it. Minor units of `currency`."""

    id: str
    number: str
    customer_id: str
    customer: str
    project_id: str | None
    description: str | None
    currency: str
    total: int
    tax: int
    state: str
    paid: int
    credit_notes: int
    refund_credits: int
    write_offs: int
    credited: int
    outstanding: int
    issued_on: date | None
    due_on: date | None
    created_at: datetime
    sent_at: datetime | None
    voided_at: datetime | None
    rev: int

    def status(self, today: date) -> str:
        """The word that everybody sees."""
        return invoice_rules.status(
            InvoiceState(self.state),
            total=self.total,
            paid=self.paid,
            credited=self.credited,
            refunded=self.refund_credits,
            written_off=self.write_offs,
            due_on=self.due_on,
            today=today,
        ).value


@dataclass(frozen=True, slots=True)
class PaidBy:
    """What pays an invoice: part of a payment or of a deposit. `gross` before any went back."""

    kind: str
    id: str
    source_id: str
    source: str
    amount: int
    gross: int
    credited: int
    reopened: int
    strategy: str
    created_at: datetime
    closed_at: datetime | None
    cause_kind: str
    rail: str
    person: str | None
    paid_at: datetime  # by the payer; of a deposit when it was applied


@dataclass(frozen=True, slots=True)
class CreditNoteLine:
    """A credit note; of `amount`, the tax office is owed `tax` less, until it is taken back.

    One that is not ours follows credit of the rail, and is corrected there.
    """

    id: str
    number: str | None
    amount: int
    tax: int
    reason: str
    created_at: datetime
    cause_kind: str
    person: str | None
    taken_back_at: datetime | None
    is_ours: bool


@dataclass(frozen=True, slots=True)
class DepositLine:
    """A deposit as a list shows it. Minor units of `currency`."""

    id: str
    code: str
    customer_id: str
    customer: str
    project_id: str | None
    taken_on: date
    currency: str
    amount: int
    received: int
    applied: int
    forfeited: int
    refunded: int
    received_into: str | None
    notes: str | None
    created_at: datetime
    rev: int
    due_on: date | None
    expires_on: date | None
    work_began_on: date | None
    ended_at: datetime | None
    ended_why: str | None
    forfeit_kept: int | None
    forfeit_once_begun: bool
    forfeit_within_days: int | None

    @property
    def remaining(self) -> int:
        """What is left to apply or refund."""
        return deposit_rules.remaining(
            received=self.received, applied=self.applied, refunded=self.refunded
        )

    @property
    def status(self) -> str:
        """One word: whether the money came, and how much of it is used."""
        if not self.received:
            return "ended" if self.ended_at else deposit_rules.PaymentStatus.PENDING.value
        if self.refunded == self.received:
            return "refunded"
        return deposit_rules.applied_status(
            received=self.received, applied=self.applied, refunded=self.refunded
        ).value

    @property
    def was_held(self) -> bool:
        """Whether it was made to hold money that is off it again: nobody was ever asked for it."""
        return self.status == "ended" and self.ended_why == deposit_rules.HELD_NO_MORE


@dataclass(frozen=True, slots=True)
class ReceivedBy:
    """A payment that a deposit was received with."""

    id: str
    payment_id: str
    rail_payment_id: str
    amount: int
    strategy: str
    created_at: datetime
    closed_at: datetime | None
    person: str | None


@dataclass(frozen=True, slots=True)
class UseLine:
    """A deposit's use on an invoice; without one, what of it is kept as income."""

    id: str
    invoice_id: str | None
    number: str | None
    amount: int
    created_at: datetime
    closed_at: datetime | None
    person: str | None
    outstanding: int | None


def invoices(
    session: Session,
    *,
    view: str,
    customer_id: str | None,
    today: date,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[InvoiceLine]:
    """Invoices, the newest first."""
    given: dict[str, object] = {"limit": limit}
    clauses = [_VIEWS[view]] if view in _VIEWS else []
    if view == "overdue":
        given["today"] = today
    if customer_id is not None:
        clauses.append("i.customer_id = :customer")
        given["customer"] = customer_id
    if before is not None:
        clauses.append("(i.created_at, i.id) < (:before, :before_id)")
        given |= {"before": before[0], "before_id": before[1]}
    listed = sa.text(
        f"""select {_INVOICE} {_FROM_INVOICE} where {" and ".join(clauses) or "true"}
        order by i.created_at desc, i.id desc limit :limit"""
    )
    return [InvoiceLine(**row._asdict()) for row in session.execute(listed, given)]


def invoice(session: Session, name: str) -> InvoiceLine | None:
    """One invoice, by its id or its number."""
    row = session.execute(_ONE_INVOICE, {"name": name}).first()
    return InvoiceLine(**row._asdict()) if row else None


def the_invoice(session: Session, name: str) -> InvoiceLine:
    """The same, where an address names it. Raises NotFound."""
    found = invoice(session, name)
    if found is None:
        raise NotFound(f"There is no invoice {name[:80]}")
    return found


def invoice_views(session: Session, today: date, customer_id: str | None = None) -> dict[str, int]:
    """How many invoices each view has, of all customers or of one."""
    if customer_id is None:
        found = session.execute(_ALL_NUMBERS, {"today": today})
    else:
        found = session.execute(_THEIR_NUMBERS, {"today": today, "customer": customer_id})
    return dict(found.one()._asdict())


def paid_by(session: Session, invoice_id: str) -> list[PaidBy]:
    """What pays an invoice, in the order it came; closed ones too."""
    return [PaidBy(**row._asdict()) for row in session.execute(_PAID_BY, {"id": invoice_id})]


def credit_notes(session: Session, invoice_id: str) -> list[CreditNoteLine]:
    """The credit notes of an invoice."""
    rows = session.execute(_CREDIT_NOTES, {"id": invoice_id})
    return [CreditNoteLine(**row._asdict()) for row in rows]


def invoice_of_note(session: Session, note_id: str) -> str | None:
    """The invoice that a credit note lowers; None where there is no such note."""
    found = session.scalar(_OF_NOTE, {"id": note_id})
    return str(found) if found else None


def is_payment(session: Session, payment_id: str) -> bool:
    """Whether there is such a payment."""
    return bool(session.scalar(_IS_PAYMENT, {"id": payment_id}))


def invoice_lines(session: Session, invoice_id: str) -> Sequence[sa.Row[Any]]:
    """The lines of an invoice: as written, and what each comes to."""
    return session.execute(_LINES, {"id": invoice_id}).all()


def taxes(session: Session, invoice_id: str) -> Sequence[sa.Row[Any]]:
    """Each tax of an invoice: its rate in percent, its name, what it is taken of and comes to."""
    return session.execute(_TAXES, {"id": invoice_id}).all()


def open_invoices(session: Session, customer_id: str, currency: str) -> list[InvoiceLine]:
    """What a customer owes in a currency, the oldest due first."""
    given = {"customer": customer_id, "currency": currency}
    return [InvoiceLine(**row._asdict()) for row in session.execute(_OPEN_INVOICES, given)]


def deposits(
    session: Session,
    *,
    view: str = "",
    customer_id: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[DepositLine]:
    """Deposits, the newest first; `view` is `left` to apply, or `unpaid` and asked for."""
    at, deposit_id = before or (None, None)
    given = {
        "view": view, "customer": customer_id, "before": at, "before_id": deposit_id,
        "limit": limit,
    }  # fmt: skip
    return [DepositLine(**row._asdict()) for row in session.execute(_DEPOSITS, given)]


def deposit(session: Session, name: str) -> DepositLine | None:
    """One deposit, by its id or its code."""
    row = session.execute(_ONE_DEPOSIT, {"name": name}).first()
    return DepositLine(**row._asdict()) if row else None


def received_by(session: Session, deposit_id: str) -> list[ReceivedBy]:
    """The payments a deposit was received with."""
    rows = session.execute(_RECEIVED_BY, {"id": deposit_id})
    return [ReceivedBy(**row._asdict()) for row in rows]


def uses(session: Session, deposit_id: str) -> Sequence[UseLine]:
    """The invoices a deposit is used on; closed uses too."""
    return [UseLine(**row._asdict()) for row in session.execute(_USES, {"id": deposit_id})]
