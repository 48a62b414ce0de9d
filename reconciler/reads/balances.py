"""The one true balance: what was billed, what is paid, held, left and on its way.

Everybody who shows such a figure reads it here: the API, the screens, the client's page, its
statement, reminders and papers. `tests/stories/test_one_balance.py` holds them against each other
and against the ledger.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.refunds import HOLDING, RefundStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Where an invoice, deposit, project, customer or currency stands. Minor units of `currency`.

    billed less credited less paid is `outstanding`, of which `overdue` is past its due day; drafts
    and void invoices count nowhere. `credited` is all that lowers what is owed without paying it.
    `on_its_way` is held on cards or being collected by banks: shown apart, never counted as paid.
    `deposits` is what is held of deposits and not used yet, `deposits_due` what was asked for and
    has not come. `credit` is the customer's money that is tied to nothing. `refunds` is what is
    going back to them and has not arrived.
    """

    currency: str
    billed: int = 0
    credited: int = 0
    paid: int = 0
    outstanding: int = 0
    overdue: int = 0
    on_its_way: int = 0
    deposits: int = 0
    deposits_due: int = 0
    credit: int = 0
    refunds: int = 0

    @property
    def net(self) -> int:
        """What is owed less what is held for them: what their statement closes with."""
        return self.outstanding - self.deposits - self.credit

    @property
    def to_pay(self) -> int:
        """What may still be asked for: what is left, less what is on its way already."""
        return max(0, self.outstanding + self.deposits_due - self.on_its_way)


_SUMS = tuple(field.name for field in fields(Balance))[1:]
_UNDER_WAY = HOLDING | {RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION}
_STATUSES = ", ".join(f"'{status.value}'" for status in sorted(_UNDER_WAY))


@dataclass(frozen=True, slots=True)
class _Scope:
    """How each kind of row is tied to what is asked about: the subject, and which rows."""

    invoice: tuple[str, str] | None
    deposit: tuple[str, str] | None
    payment: tuple[str, str] | None  # what is on its way; b is the document it is bound for
    leg: tuple[str, str] | None  # of a refund; t is what it is asked back from, p its payment
    credit: tuple[str, str] | None
    # Of whole customers the sums are kept; then only what is overdue is read from invoices.
    kept: tuple[str, str] | None = None


def _statement(scope: _Scope) -> sa.TextClause:
    parts = [part for part in _parts(scope) if part]
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in _SUMS)
    return sa.text(
        f"select subject, currency, {sums} from ({' union all '.join(parts)}) as x"
        f" where currency is not null group by subject, currency order by subject, currency"
    )


_IS_COMING = "p.on_its_way > 0"
# A refund that people made on the rail itself is under way until the rail has let it go.
_IS_FOREIGN = """o.kind = 'refund' and o.state = 'promised' and not exists (
  select 1 from refund_leg l where l.rail_refund_id = o.object_id)"""
_BOTH = """(select id, customer_id, project_id from invoice
  union all select id, customer_id, project_id from deposit)"""


def _parts(scope: _Scope) -> list[str]:
    return [*_of_documents(scope), *_of_money(scope), *_untied(scope), *_summed(scope)]


def _of_documents(scope: _Scope) -> list[str]:
    # A draft or void invoice says what it would come to; nothing of it is owed.
    owed = {
        name: f"case when i.state = 'sent'{more} then {amount} else 0 end"
        for name, amount, more in (
            ("billed", "i.total", ""),
            ("credited", "i.credited", ""),
            ("paid", "i.paid", ""),
            ("outstanding", "i.outstanding", ""),
            ("overdue", "i.outstanding", " and i.due_on < :today"),
        )
    }
    held = {
        "deposits": "d.received - d.applied - d.refunded",
        "deposits_due": "case when d.ended_at is null then d.amount - d.received else 0 end",
    }
    return [
        _part(scope.invoice, "i.currency", owed, "invoice i"),
        _part(scope.deposit, "d.currency", held, "deposit d"),
    ]


def _of_money(scope: _Scope) -> list[str]:
    coming = f"payment p left join {_BOTH} b on b.id = p.bound_for"
    going = f"""refund_leg l join refund r on r.id = l.refund_id
      join payment p on p.id = l.payment_id left join {_BOTH} t on t.id = l.target_id"""
    is_under_way = f"l.replaced_by is null and l.status in ({_STATUSES})"
    return [
        _part(scope.payment, "p.currency", {"on_its_way": "p.on_its_way"}, coming, _IS_COMING),
        _part(scope.leg, "r.currency", {"refunds": "l.amount"}, going, is_under_way),
    ]


def _untied(scope: _Scope) -> list[str]:
    if scope.credit is None:
        return []
    kept = {"credit": "p.captured - p.refunded - p.lost"}
    given = "allocation a join payment p on p.id = a.payment_id"
    shown = "rail_object o join payment p on p.id = o.payment_id"
    foreign = _part(scope.credit, "p.currency", {"refunds": "o.amount"}, shown, _IS_FOREIGN)
    if scope.kept:
        return [foreign]
    return [
        _part(scope.credit, "p.currency", kept, "payment p"),
        _part(scope.credit, "p.currency", {"credit": "-a.amount"}, given),
        foreign,
    ]


def _summed(scope: _Scope) -> list[str]:
    if scope.kept is None:
        return []
    sums = {name: f"s.{name}" for name in ("billed", "credited", "paid")}
    if scope.credit:
        sums["credit"] = "s.credit"
    sums["outstanding"] = "s.billed - s.credited - s.paid"
    of_customer, which = scope.kept
    invoice = (of_customer.replace("s.", "i."), which.replace("s.", "i."))
    is_overdue = "i.state = 'sent' and i.outstanding > 0 and i.due_on < :today"
    return [
        _part(scope.kept, "s.currency", sums, "customer_sum s"),
        _part(invoice, "i.currency", {"overdue": "i.outstanding"}, "invoice i", is_overdue),
    ]


def _part(
    scope: tuple[str, str] | None,
    currency: str,
    amounts: Mapping[str, str],
    source: str,
    when: str = "true",
) -> str:
    if scope is None:
        return ""
    subject, which = scope
    columns = ", ".join(f"({amounts.get(name, '0')})::bigint as {name}" for name in _SUMS)
    return (
        f"select {subject} as subject, {currency} as currency, {columns} from {source}"
        f" where {when} and {which}"
    )


_NAMED = "{} = any(:ids)"


def _by(invoice: str, deposit: str, payment: str, leg: str, credit: str | None) -> _Scope:
    def named(subject: str) -> tuple[str, str]:
        return subject, _NAMED.format(subject)

    return _Scope(
        named(invoice),
        named(deposit),
        named(payment),
        named(leg),
        named(credit) if credit else None,
    )


_OF_INVOICES = _statement(
    _Scope(
        invoice=("i.id", "i.id = any(:ids)"),
        deposit=None,
        payment=("p.bound_for", "p.bound_for = any(:ids)"),
        leg=("l.target_id", "l.target_id = any(:ids)"),
        credit=None,
    )
)
_OF_DEPOSITS = _statement(
    _Scope(
        invoice=None,
        deposit=("d.id", "d.id = any(:ids)"),
        payment=("p.bound_for", "p.bound_for = any(:ids)"),
        leg=("l.target_id", "l.target_id = any(:ids)"),
        credit=None,
    )
)
_OF_PROJECTS = _statement(_by("i.project_id", "d.project_id", "b.project_id", "t.project_id", None))
_CUSTOMERS = _by(
    "i.customer_id",
    "d.customer_id",
    "coalesce(p.customer_id, b.customer_id)",
    "p.customer_id",
    "p.customer_id",
)
_THEIR_SUMS = ("s.customer_id", _NAMED.format("s.customer_id"))
_OF_CUSTOMERS = _statement(replace(_CUSTOMERS, invoice=None, kept=_THEIR_SUMS))
_ALL = ("''", "true")
_OF_EVERYTHING = _statement(_Scope(_ALL, _ALL, _ALL, _ALL, _ALL))
_OF_ALL_INVOICES = _statement(_Scope(None, None, None, None, None, kept=_ALL))

ByCurrency = dict[str, Balance]


def of_invoices(session: Session, ids: Collection[str], *, today: date) -> dict[str, Balance]:
    """Each of these invoices; of drafts and void ones nothing is billed."""
    found = _of(session, _OF_INVOICES, ids, today)
    return {at: next(iter(by_currency.values())) for at, by_currency in found.items()}


def of_deposits(session: Session, ids: Collection[str]) -> dict[str, Balance]:
    """Each of these deposits."""
    found = _of(session, _OF_DEPOSITS, ids, date.min)
    return {at: next(iter(by_currency.values())) for at, by_currency in found.items()}


def of_projects(session: Session, ids: Collection[str], *, today: date) -> dict[str, ByCurrency]:
    """Each of these projects, by currency: its invoices, deposits and what is bound for them."""
    return _of(session, _OF_PROJECTS, ids, today)


def of_customers(session: Session, ids: Collection[str], *, today: date) -> dict[str, ByCurrency]:
    """Each of these customers, by currency, with their credit."""
    return _of(session, _OF_CUSTOMERS, ids, today)


def of_everything(session: Session, *, today: date) -> ByCurrency:
    """All the books, by currency. Walks every payment: not for a page that is often opened."""
    return _of(session, _OF_EVERYTHING, (), today).get("", {})


def of_all_invoices(session: Session, *, today: date) -> ByCurrency:
    """What all invoices come to, by currency, and nothing else."""
    return _of(session, _OF_ALL_INVOICES, (), today).get("", {})


def _of(
    session: Session, statement: sa.TextClause, ids: Collection[str], today: date
) -> dict[str, ByCurrency]:
    found: dict[str, ByCurrency] = {}
    for row in session.execute(statement, {"today": today, "ids": list(ids)}):
        values = row._asdict()
        of_subject = found.setdefault(values.pop("subject"), {})
        of_subject[row.currency] = Balance(**values)
    return found
