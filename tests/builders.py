"""Facts, documents and people for tests, each with one line of what matters."""

from datetime import date

from reconciler.books.bills import CostLine
from reconciler.books.observations import (
    BalanceFact,
    ChargeFact,
    DisputeFact,
    IntentFact,
    PaymentFacts,
    RefundFact,
    RefundStage,
)
from reconciler.services import (
    bills,
    customers,
    deposits,
    invoices,
    payments,
    prepayments,
    vendors,
)
from reconciler.services.bills import NewBill
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.prepayments import NewPrepayment
from reconciler.work import Cause

AT = 1_795_348_800  # 2026-11-22, noon
EVENT = Cause("event", "evt_1")


def facts(payment_id: str = "pi_1", currency: str | None = "USD", **known) -> PaymentFacts:
    """What the rail has said about one payment."""
    base = {"rail": "stripe", "account": "own", "payment_id": payment_id, "created": AT}
    return PaymentFacts(**base | {"currency": currency} | known)


def captured(amount: int, payment_id: str = "pi_1", **known) -> PaymentFacts:
    """A payment of one charge, all of it taken, its row known and without a fee."""
    charge = f"ch_{payment_id}"
    row = BalanceFact(
        id=f"txn_{payment_id}",
        amount=amount,
        fee=0,
        currency="USD",
        category="charge",
        source=charge,
    )
    taken = ChargeFact(
        id=charge,
        authorized=amount,
        captured=amount,
        is_final=True,
        is_whole=True,
        balance_ref=row.id,
        created=AT,
    )
    return facts(payment_id, **{"charges": {charge: taken}, "balance": {row.id: row}} | known)


def charge(charge_id: str = "ch_1", **known) -> dict[str, ChargeFact]:
    """One attempt to take money."""
    return {charge_id: ChargeFact(**{"id": charge_id, "created": AT} | known)}


def intent(**known) -> IntentFact:
    """The umbrella over the attempts."""
    return IntentFact(**known)


def refund(refund_id: str, amount: int, stage=RefundStage.LEFT, **known) -> dict[str, RefundFact]:
    """A refund that is certainly one."""
    said = {"id": refund_id, "amount": amount, "stage": stage, "is_real": True, "created": AT}
    return {refund_id: RefundFact(**said | known)}


def dispute(dispute_id: str, amount: int, **known) -> dict[str, DisputeFact]:
    """A formal dispute."""
    said = {"id": dispute_id, "amount": amount, "was_formal": True, "created": AT}
    return {dispute_id: DisputeFact(**said | known)}


def row(row_id: str, amount: int, category: str, **known) -> dict[str, BalanceFact]:
    """A movement of the rail's balance."""
    said = {"id": row_id, "amount": amount, "fee": 0, "currency": "USD", "category": category}
    return {row_id: BalanceFact(**said | known)}


def named(at: int = AT, **keys: str) -> dict[str, tuple[int, str]]:
    """Metadata as it stood at an instant."""
    return {key: (at, value) for key, value in keys.items()}


def customer(office, name: str = "Ann", rail_id: str | None = None) -> str:
    """A customer; gives our id."""
    known = {"stripe": rail_id} if rail_id else None
    return office.do(lambda work: customers.create(work, name=name, rail_customers=known))


def invoice(office, number: str, total: int, *, send: bool = True, **more) -> str:
    """An invoice that is owed; gives our id."""
    if "customer_id" not in more:
        more["customer_id"] = customer(office)
    new = NewInvoice(**{"number": number, "total": total, "currency": "USD"} | more)

    def step(work):
        made = invoices.create(work, new)
        if send:
            invoices.send(work, made)
        return made

    return office.do(step)


def deposit(office, code: str, amount: int, **more) -> str:
    """A deposit that is asked for; gives our id."""
    if "customer_id" not in more:
        more["customer_id"] = customer(office)
    new = NewDeposit(**{"code": code, "amount": amount, "currency": "USD"} | more)
    return office.do(lambda work: deposits.create(work, new))


def observe(office, *seen: PaymentFacts) -> list[str]:
    """Let the books hear of payments, all in one transaction; gives our ids."""
    found = office.do(lambda work: payments.observe(work, [(one, ()) for one in seen]), EVENT)
    return [found[one.rail, one.account, one.payment_id] for one in seen]


def paid_on(office, invoice_id: str) -> tuple[int, int, int]:
    """Paid, credited, outstanding."""
    found = office.rows(
        """select paid, credit_notes + refund_credits as credited,
          total - paid - credit_notes - refund_credits as owed from invoice where id = :id""",
        id=invoice_id,
    )[0]
    return found.paid, found.credited, found.owed


def held_on(office, deposit_id: str) -> tuple[int, int, int, int]:
    """Received, applied, refunded, remaining."""
    found = office.rows(
        """select received, applied, refunded, received - applied - refunded as remaining
        from deposit where id = :id""",
        id=deposit_id,
    )[0]
    return tuple(found)


def unapplied(office, payment_id: str) -> int:
    """What of a payment nobody has claimed."""
    return int(
        office.scalar(
            """select captured - refunded - lost - coalesce(
              (select sum(amount) from allocation where payment_id = p.id), 0)
            from payment p where id = :id""",
            id=payment_id,
        )
    )


def asked(office, payment_id: str) -> dict[str, int]:
    """The open questions about a payment, with their amounts."""
    found = office.rows(
        "select kind, amount from review_item where state = 'open' and payment_id = :id",
        id=payment_id,
    )
    return {one.kind: one.amount for one in found}


def balances(office) -> dict[str, int]:
    """The trial balance by role, in dollars or what the one currency is."""
    found = office.rows(
        """select a.role, sum(p.amount)::bigint as amount from posting p
        join ledger_account a on a.id = p.account_id group by 1 having sum(p.amount) <> 0"""
    )
    return {one.role: one.amount for one in found}


def vendor(office, name: str = "Oak Ltd") -> str:
    """A vendor; gives our id."""
    return office.do(lambda work: vendors.create(work, name=name))


def bill(office, number: str, net: int, *, open_: bool = True, **more) -> str:
    """A bill that we owe, of one line without tax unless said otherwise; gives our id."""
    if "vendor_id" not in more:
        more["vendor_id"] = vendor(office)
    line = CostLine(description="Work", unit_price=net, category="materials")
    new = NewBill(**{"number": number, "currency": "USD", "lines": (line,)} | more)

    def step(work):
        made = bills.create(work, new)
        if open_:
            bills.open_(work, made)
        return made

    return office.do(step)


def prepayment(office, amount: int, **more) -> str:
    """Money that was paid ahead; gives our id."""
    if "vendor_id" not in more:
        more["vendor_id"] = vendor(office)
    new = NewPrepayment(
        **{"amount": amount, "currency": "USD", "paid_on": date(2026, 11, 20)} | more
    )
    return office.do(lambda work: prepayments.pay(work, new))
