"""Customers: who is invoiced, and what the rails call them."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import part_payments as part_rules, texts
from reconciler.books.deposits import DepositPolicy
from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.store.customers import Customer, CustomerRailId
from reconciler.work import Task, Work

NAME_CHARS_MAX = 200
RAIL_CHARS_MAX = 32
RAIL_ID_CHARS_MAX = 255
FIELDS = frozenset(
    {"name", "email", "rail_customers", "overpayment_policy", "part_payments", "deposit_policy"}
)


def create(
    work: Work,
    *,
    name: str,
    email: str | None = None,
    rail_customers: Mapping[str, str | None] | None = None,
    **policies: str,
) -> str:
    """A new customer, with `policies` by name. Raises Invalid.

    Raises Conflict where a rail's customer is another's here.
    """
    customer = Customer(
        id=new_id("cust"),
        name=texts.line(name, field="name", chars_max=NAME_CHARS_MAX),
        email=texts.mail(email) if email else None,
        created_at=work.now,
    )
    _put_policies(customer, policies)
    work.session.add(customer)
    work.session.flush()
    if rail_customers:
        _know_as(work, customer, rail_customers)
    audit.note(work, "customer.created", customer.id, after=_as_said(work, customer))
    return customer.id


def patch(
    work: Work, customer_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change what is given. In `rail_customers` each rail named is set; null takes it away.

    Raises NotFound, Invalid, or Conflict if `rev` is not the latest.
    """
    unknown = sorted(changes.keys() - FIELDS)
    if unknown:
        raise Invalid(f"{unknown[0]} cannot be changed", field=unknown[0])
    customer = lock(work, customer_id)
    if rev is not None and rev != customer.rev:
        raise Conflict(f"customer {customer_id} was changed meanwhile", field="rev")
    before = _as_said(work, customer)
    if "name" in changes:
        customer.name = texts.line(
            str(changes["name"] or ""), field="name", chars_max=NAME_CHARS_MAX
        )
    if "email" in changes:
        customer.email = texts.mail(str(changes["email"])) if changes["email"] else None
        _seek(work, customer)
    _put_policies(customer, {name: changes[name] for name in _POLICIES if name in changes})
    rail_customers = changes.get("rail_customers")
    if isinstance(rail_customers, Mapping):
        _know_as(work, customer, rail_customers)
    customer.rev += 1
    work.session.flush()
    was, became = audit.changes(before, _as_said(work, customer))
    audit.note(work, "customer.changed", customer_id, before=was, after=became)


def must_exist(work: Work, customer_id: str) -> None:
    """Raises Invalid, naming `customer_id`, if there is no such customer."""
    exists = select(Customer.id).where(col(Customer.id) == customer_id)
    if work.session.exec(exists).first() is None:
        raise Invalid(f"there is no customer {customer_id}", field="customer_id")


def lock(work: Work, customer_id: str) -> Customer:
    """The customer's row, held for this transaction. Raises NotFound."""
    customer = work.session.get(Customer, customer_id, with_for_update={"key_share": True})
    if customer is None:
        raise NotFound(f"there is no customer {customer_id}")
    return customer


def _as_said(work: Work, customer: Customer) -> dict[str, object]:
    known_as = select(CustomerRailId).where(col(CustomerRailId.customer_id) == customer.id)
    rails = {row.rail: row.rail_customer_id for row in work.session.exec(known_as)}
    return {
        "name": customer.name,
        "email": customer.email,
        "overpayment_policy": customer.overpayment_policy,
        "part_payments": customer.part_payments,
        "deposit_policy": customer.deposit_policy,
        "rail_customers": rails,
    }


def _policy(value: object) -> str:
    if value not in set(OverpaymentPolicy):
        words = ", ".join(OverpaymentPolicy)
        raise Invalid(f"overpayment_policy is one of {words}", field="overpayment_policy")
    return OverpaymentPolicy(str(value)).value


def _parts(value: object) -> str:
    return part_rules.read(value).text


def _put_policies(customer: Customer, policies: Mapping[str, object]) -> None:
    for name, value in policies.items():
        if name not in _POLICIES:
            raise Invalid(f"there is no policy {name}", field=name)
        setattr(customer, name, _POLICIES[name](value))


def _deposit_policy(value: object) -> str:
    if value not in set(DepositPolicy):
        raise Invalid(
            f"deposit_policy is one of {', '.join(DepositPolicy)}", field="deposit_policy"
        )
    return DepositPolicy(str(value)).value


def _know_as(work: Work, customer: Customer, rail_customers: Mapping[str, str | None]) -> None:
    for name, known_as in rail_customers.items():
        rail = texts.line(name, field="rail_customers", chars_max=RAIL_CHARS_MAX)
        field = f"rail_customers.{rail}"
        rail_customer_id = None
        if known_as is not None:
            rail_customer_id = texts.line(known_as, field=field, chars_max=RAIL_ID_CHARS_MAX)
            _not_another(work, customer.id, rail, rail_customer_id)
        work.session.execute(
            sa.delete(CustomerRailId).where(
                col(CustomerRailId.rail) == rail, col(CustomerRailId.customer_id) == customer.id
            )
        )
        if rail_customer_id is not None:
            work.session.execute(
                sa.insert(CustomerRailId).values(
                    rail=rail, rail_customer_id=rail_customer_id, customer_id=customer.id
                )
            )
    _seek(work, customer)


def _not_another(work: Work, customer_id: str, rail: str, rail_customer_id: str) -> None:
    known = work.session.get(CustomerRailId, (rail, rail_customer_id))
    if known is not None and known.customer_id != customer_id:
        raise Conflict(f"{rail_customer_id} is another customer's", field=f"rail_customers.{rail}")


def _seek(work: Work, customer: Customer) -> None:
    # Money may be held here that only now can be told to be this customer's.
    customer.seeks_payment = True
    work.session.flush()
    work.nudge(Task.FIND_PAYMENTS)


_POLICIES: Mapping[str, Callable[[object], str]] = {
    "overpayment_policy": _policy,
    "part_payments": _parts,
    "deposit_policy": _deposit_policy,
}
