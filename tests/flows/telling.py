"""What stories of deeds are told with."""

import sqlalchemy as sa

from reconciler.services import receipts
from reconciler.services.receipts import Receipt
from tests.runtime import Office

RANKED = (
    "inbox_outcome", "audit_line", "refund_step", "journal_entry", "payment", "payout",
    "balance_movement",
)  # fmt: skip
# What else is put in its place by the transaction that wrote it, where there is no rank.
WRITTEN = dict.fromkeys(RANKED, "rank = null") | {"bank_line": "rev = rev"}


def tell(office: Office) -> None:
    assert set(office.deliver(*office.news())) <= {200}
    office.drain()


def paid(office: Office, amount: int, **named: str) -> str:
    """A card payment; gives our id."""
    made = office.world.pay(amount, metadata=named)
    tell(office)
    return office.scalar("select id from payment where rail_payment_id = :id", id=made.intent)


def in_cash(office: Office, target: str, amount: int | None = None) -> str:
    given = Receipt("cash", office.clock().date(), amount)
    return office.do(lambda work: receipts.receive(work, target, given))


def from_before_ranks(url: str) -> None:
    """All that is there was written when the order in which things took effect was not kept.

    Each transaction's rows are written again, in the order of those: that is all there was.
    """
    engine = sa.create_engine(url)
    every = " union ".join(f"select xmin::text::bigint as xact from {one}" for one in WRITTEN)
    with engine.begin() as connection:
        for table in WRITTEN:
            connection.execute(sa.text(f"alter table {table} disable trigger user"))
        xacts = list(connection.scalars(sa.text(f"select xact from ({every}) x order by xact")))
    for xact in xacts:
        with engine.begin() as connection:
            for table, same in WRITTEN.items():
                again = f"update {table} set {same} where xmin::text = '{xact}'"
                connection.execute(sa.text(again))
    with engine.begin() as connection:
        for table in WRITTEN:
            connection.execute(sa.text(f"alter table {table} enable trigger user"))
    engine.dispose()


def by_the_owner(url: str, statement: str) -> None:
    """Something that the tables themselves would refuse."""
    table = statement.removeprefix("update ").removeprefix("delete from ").split()[0]
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"alter table {table} disable trigger user"))
        connection.execute(sa.text(statement))
        connection.execute(sa.text(f"alter table {table} enable trigger user"))
    engine.dispose()
