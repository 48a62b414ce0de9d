"""What each customer's invoices and payments come to, kept as differences to be added up.

Triggers write a row for whatever changes (migrations/sql/customer_sums.sql), so the sum over a
customer's rows is true at every moment, and nobody waits for anybody. `fold` puts rows together,
that there be few to add. A law compares the sums with the documents.
"""

import sqlalchemy as sa
from sqlmodel import Field, Session

from reconciler.store import base
from reconciler.store.base import SQLModel

_AMOUNTS = ("billed", "credited", "paid", "credit")
_COUNTS = ("invoices", "open", "part", "settled", "drafts")
_SUMS = (*_AMOUNTS, *_COUNTS)
FOLDED_MAX = 10_000  # rows at once: a fraction of a second

# The same from the documents themselves: what the sums begin with, and are held against.
_FROM_DOCUMENTS = """select customer_id, currency,
      coalesce(sum(total) filter (where state = 'sent'), 0) as billed,
      coalesce(sum(credited) filter (where state = 'sent'), 0) as credited,
      coalesce(sum(paid) filter (where state = 'sent'), 0) as paid, 0 as credit,
      count(*) as invoices,
      count(*) filter (where state = 'sent' and outstanding > 0) as open,
      count(*) filter (where state = 'sent' and outstanding > 0 and paid > 0) as part,
      count(*) filter (where state = 'sent' and outstanding = 0) as settled,
      count(*) filter (where state = 'draft') as drafts
    from invoice group by 1, 2
    union all
    select p.customer_id, p.currency, 0, 0, 0,
      sum(p.captured - p.refunded - p.lost - coalesce(a.amount, 0)), 0, 0, 0, 0, 0
    from payment p left join (select payment_id, sum(amount) as amount from allocation group by 1) a
      on a.payment_id = p.id
    where p.customer_id is not null and p.currency is not null group by 1, 2"""


def _each(words: str, between: str = ", ") -> str:
    return between.join(words.format(name) for name in _SUMS)


# What `reconciler verify` asks: each sum is what the documents come to.
LAW = f"""
    select format('customer %s: %s %s are kept for %s, the documents say %s', customer_id,
      v.kept, currency, v.name, v.found)
    from (select customer_id, currency,
        {_each("sum({0}) filter (where is_kept) as kept_{0}")},
        {_each("sum({0}) filter (where not is_kept) as found_{0}")}
      from (select customer_id, currency, {_each("{0}")}, true as is_kept from customer_sum
        union all
        select customer_id, currency, {_each("{0}")}, false from ({_FROM_DOCUMENTS}) d) b
      group by 1, 2) s
      cross join lateral (values
        {_each("('{0}', coalesce(kept_{0}, 0), coalesce(found_{0}, 0))")}) v(name, kept, found)
    where v.kept <> v.found"""

_FOLD = sa.text(
    f"""with many as (
      select customer_id, currency from customer_sum group by 1, 2 having count(*) > 1
      limit {FOLDED_MAX // 2}),
    few as (
      select s.id from many join customer_sum s using (customer_id, currency) limit {FOLDED_MAX}),
    gone as (delete from customer_sum s using few where s.id = few.id returning s.*),
    added as (
      insert into customer_sum (customer_id, currency, {_each("{0}")})
      select customer_id, currency, {_each("sum({0})")} from gone group by 1, 2)
    select count(*) from few"""
)
_LOCK = sa.text("select pg_advisory_xact_lock(hashtext('customer_sums'))")


class CustomerSum(SQLModel, table=True):
    """By how much what a customer has with us in one currency was changed, in minor units.

    `billed`, `credited` and `paid` are of invoices that were sent, `credit` is money of theirs that
    is set against nothing. The rest are numbers of invoices: all, those that owe something, of
    these the partly paid, those that owe nothing any more, and drafts.
    """

    __tablename__ = "customer_sum"
    __table_args__ = (sa.Index("ix_customer_sum_customer", "customer_id", "currency"),)

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    )
    customer_id: str = base.text()  # no reference: each would lock the customer
    currency: str = base.text()
    billed: int = base.minor_units()
    credited: int = base.minor_units()
    paid: int = base.minor_units()
    credit: int = base.minor_units()
    invoices: int = base.whole()
    open: int = base.whole()
    part: int = base.whole()
    settled: int = base.whole()
    drafts: int = base.whole()


def fold(session: Session) -> bool:
    """Put together what is of one customer and currency, some at a time; whether there is more."""
    session.execute(_LOCK)
    return bool(session.scalar(_FOLD) == FOLDED_MAX)
