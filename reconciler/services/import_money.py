"""What a file says was received or paid: booked by the services that book it for people.

Each is of its own day. Nobody is told of it: it is past where it comes from. What is done is said
by the one line of the import, because its rows are kept.
"""

from contextlib import closing
from typing import Any

from reconciler import ids
from reconciler.books.import_kinds import ImportKind
from reconciler.errors import Refused
from reconciler.services import applications, bill_payments, receipts
from reconciler.services.bill_payments import Paid
from reconciler.services.receipts import Receipt
from reconciler.store import import_rows as store
from reconciler.work import Work

_IDS = {ImportKind.RECEIPT: "pay", ImportKind.APPLICATION: "app", ImportKind.BILL_PAYMENT: "bpy"}


class RowRefused(Refused):
    """A service takes no such row. Everything before it is done, and is to be rolled back."""

    def __init__(self, line: int, error: Refused) -> None:
        super().__init__(str(error), field=error.field)
        self.line = line


def take(work: Work) -> None:
    """Book all of it, in the order of the file: receipts first. Raises RowRefused."""
    noted, was_past = len(work.notes), work.is_past
    work.is_past = True
    try:
        with closing(store.money(work.session)) as rows:
            for row in rows:
                try:
                    _book(work, row)
                except Refused as error:
                    raise RowRefused(row.line, error) from None
                del work.notes[noted:]  # at once: of very many rows they are much memory
    finally:
        work.is_past = was_past
        del work.notes[noted:]


def _book(work: Work, row: Any) -> None:  # noqa: ANN401  a row of a statement
    kind, more = ImportKind(row.kind), row.more or {}

    def known(asked: str) -> str | None:
        return str(row.id) if asked == _IDS[kind] else None

    with ids.given(known):
        if kind is ImportKind.RECEIPT:
            received = Receipt(more["source"], row.issued_on, row.amount, more.get("reference"))
            receipts.receive(work, row.of_id, received)
        elif kind is ImportKind.APPLICATION:
            applications.apply(work, row.of_id, row.to_id, row.amount, on=row.issued_on)
        else:
            paid = Paid(on=row.issued_on, amount=row.amount, reference=more.get("reference"))
            bill_payments.pay(work, row.of_id, paid)
