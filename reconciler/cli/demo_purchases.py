"""What the demo's business buys: one vendor paid ahead, one whose bill is late, and a draft."""

from datetime import timedelta

from reconciler.books.bills import CostLine
from reconciler.reads import bills as bill_reads
from reconciler.reads.pages import Wanted
from reconciler.services import bill_payments, bills, notes, prepayments, vendors
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.prepayments import NewPrepayment
from reconciler.work import Work

_LATE = "118/26"
_VAT = {"tax_rate": "19", "tax_name": "VAT"}


def buy(work: Work) -> None:
    """Hosting is paid ahead and absorbed by its bill; type is billed and late; a desk is a draft.

    Raises Conflict where a prepayment of another has the code.
    """
    today = work.now.date()
    hosting = vendors.create(work, name="Northwind Hosting", email="billing@northwind.example")
    ahead = prepayments.pay(
        work,
        NewPrepayment(
            vendor_id=hosting, currency="USD", amount=120_000, code="PRE-2001",
            paid_on=today - timedelta(days=25), reference="SEPA 4711", notes="A year of servers",
        ),
    )  # fmt: skip
    servers = CostLine(
        description="Servers, fourth quarter", quantity="3", unit_price=25_000,
        category="Hosting", **_VAT,
    )  # fmt: skip
    backups = CostLine(description="Backups", unit_price=6_000, category="Hosting", **_VAT)
    billed = _bill(work, hosting, "NW-2081", (servers, backups), days=10)
    bills.open_(work, billed)
    prepayments.apply(work, ahead, billed)

    type_ = vendors.create(work, name="Gill & Sons Type")
    fonts = CostLine(description="Licence of a typeface", unit_price=48_000, category="Software")
    late = _bill(work, type_, _LATE, (fonts,), days=-6)
    bills.open_(work, late)
    part = Paid(on=today - timedelta(days=2), amount=20_000, reference="SEPA 4719")
    bill_payments.pay(work, late, part)

    desk = CostLine(description="Desk, oak", unit_price=64_900, category="Office furniture", **_VAT)
    _bill(work, vendors.create(work, name="Oak & Ash"), "R-0931", (desk,), days=30)


def say_why(work: Work) -> None:
    """Why the late bill is paid in part, noted by whoever causes `work`."""
    [late] = bill_reads.page(
        work.session, {"number": _LATE}, Wanted(limit=1), today=work.now.date()
    ).data
    notes.add(work, late.id, "Two of five seats are in use: 200.00 is paid, the rest when all are")


def _bill(work: Work, vendor: str, number: str, lines: tuple[CostLine, ...], *, days: int) -> str:
    """A draft that is due in so many days."""
    today = work.now.date()
    return bills.create(
        work,
        NewBill(
            vendor_id=vendor, number=number, currency="USD", lines=lines,
            issued_on=today - timedelta(days=20), due_on=today + timedelta(days=days),
        ),
    )  # fmt: skip
