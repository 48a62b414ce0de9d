"""Stories of what came in files: a bank's statements and corrections, documents from elsewhere."""

import io
from functools import partial

from reconciler.books import accounts
from reconciler.books.bank_lines import TargetKind
from reconciler.flows.tie_bank_lines import tie_bank_lines
from reconciler.services import (
    allocations,
    applications,
    bank_corrections,
    imports,
    invoices,
    receipts_taken_back,
    short_payments,
    statements,
    suspense,
)
from reconciler.services.bank_fees import Granted
from reconciler.services.imports import Given
from reconciler.services.statements import Statement
from tests.builders import customer, invoice
from tests.flows.telling import in_cash, paid, tell
from tests.runtime import Office


def at_bank(office: Office) -> None:
    """A payout with its lines; a statement whose lines tie themselves, or are tied by people."""
    world = office.world
    for amount in (1_000, 1_200):
        world.pay(amount)
    world.other_row(-45)
    odd = world.other_row(-25, kind="hocus_pocus", category="hocus")
    office.clock.advance(days=3)
    world.pay_payout(world.payout())
    tell(office)
    day = office.clock().date()
    out = office.scalar("select amount from payout where status = 'paid'")
    for number, amount in (("BK-1", 5_000), ("BK-2", 5_000), ("BK-3", 700), ("BK-4", 800)):
        in_cash(office, invoice(office, number, amount))
    rows = [
        (out, "STRIPE"), (5_000, "Transfer"), (1_500, "Two of them"), (-350, "Coffee"),
        (690, "Less a fee"),
        (-360, "Tea"),
    ]  # fmt: skip
    body = "Date,Amount,Currency,Description\n" + "".join(
        f"{day},{amount / 100:.2f},USD,{words}\n" for amount, words in rows
    )
    given = Statement(bank_account="Giro", file_name="november.csv", body=body.encode())
    office.do(lambda w: statements.take(w, given))
    tie_bank_lines(office.runtime)
    lines = {row.text: row for row in office.rows("select id, text, state, rev from bank_line")}
    assert lines["STRIPE"].state == "tied"
    one, other, *both = (
        office.scalar(
            """select a.payment_id from allocation a join invoice i on i.id = a.invoice_id
            where i.number = :number""",
            number=f"BK-{n}",
        )
        for n in (1, 2, 3, 4)
    )
    on_line(office, "Transfer", statements.tie, TargetKind.RECEIPT, one)
    on_line(office, "Transfer", statements.untie)
    on_line(office, "Transfer", statements.tie, TargetKind.RECEIPT, other)
    if lines["Two of them"].state == "tied":
        on_line(office, "Two of them", statements.untie)
    fee = partial(statements.tie, fee=Granted("the bank took it", {"USD": 100}))
    on_line(office, "Less a fee", fee, TargetKind.RECEIPT, both[0])
    on_line(office, "Less a fee", statements.untie)
    on_line(office, "Two of them", statements.tie_sum, TargetKind.RECEIPT, both)
    on_line(office, "STRIPE", statements.untie)
    on_line(office, "Coffee", statements.set_aside, "Not ours")
    on_line(office, "Tea", statements.set_aside, "Not ours")
    on_line(office, "Tea", statements.take_up)
    sent_again(office)
    placed(office, f"stripe/movement/{odd}")


def placed(office: Office, subject: str) -> None:
    """What stands in suspense is said to be something, put back, and said to be something else."""
    office.do(lambda w: suspense.move(w, subject, accounts.PROCESSING_FEES, why="A fee"))
    office.do(lambda w: suspense.put_back(w, subject))
    for much in (2, 1):
        part = accounts.PROCESSING_FEES
        office.do(lambda w: suspense.move(w, subject, part, why="Part", amount=much))  # noqa: B023
    office.do(lambda w: suspense.put_back(w, subject, turn=3))
    to = accounts.expenses("magic")
    office.do(lambda w: suspense.move(w, subject, to, why="A wand"))


def sent_again(office: Office) -> None:
    """Lines that find a receipt later; a statement sent again, with lines changed and missing."""
    day, head = office.clock().date(), "Transaction ID,Date,Amount,Currency,Description\n"

    def rows(*amounts: int) -> str:
        return head + "".join(
            f"L-{n},{day},{amount}.00,USD,Line {n}\n" for n, amount in enumerate(amounts) if amount
        )

    read(office, "first.csv", rows(31, 41, 59, 26, 53, 58))
    for number, amount in enumerate((3_100, 4_100, 5_950)):
        in_cash(office, invoice(office, f"LA-{number}", amount))
    assert tie_bank_lines(office.runtime) == 2
    short = office.scalar(
        """select a.payment_id from allocation a join invoice i on i.id = a.invoice_id
        where i.number = 'LA-2'"""
    )
    fee = partial(statements.tie, fee=Granted("Wire", {"USD": 100}))
    on_line(office, "Line 2", fee, TargetKind.RECEIPT, short)
    on_line(office, "Line 1", statements.untie)
    read(office, "again.csv", rows(32, 41, 60, 26, 0, 58))
    for words, step in (
        ("Line 0", bank_corrections.take),
        ("Line 2", bank_corrections.take),
        ("Line 4", partial(bank_corrections.decline, why="It did come")),
    ):
        found = office.scalar(
            """select c.id from bank_correction c join bank_line l on l.id = c.line_id
            where l.text = :text and c.state = 'open'""",
            text=words,
        )
        office.do(lambda w: step(w, found, rev=None))  # noqa: B023  at once
    in_cash(office, invoice(office, "LA-9", 6_000))
    assert tie_bank_lines(office.runtime) == 1


def read(office: Office, name: str, body: str) -> None:
    given = Statement(bank_account="Giro", file_name=name, body=body.encode())
    office.do(lambda w: statements.take(w, given))


ROWS = """kind,external_id,customer_id,name,currency,original_price,number,total,state,code,amount,project_id
customer,i-1,,Ina,,,,,,,,
customer,i-2,,Udo,,,,,,,,
project,i-p,i-1,Loft,USD,90000,,,,,,
invoice,,i-1,,USD,,IM-1,4000,sent,,,i-p
invoice,,i-2,,EUR,,IM-2,700,draft,,,
deposit,,i-1,,USD,,,,,IM-D,3000,i-p
"""  # noqa: E501


def imported(office: Office) -> None:
    """Documents from a file, paid and used; the file again with rows that changed and are new."""
    bring(office, ROWS)
    paid(office, 3_000, deposit="IM-D")
    made, held = (
        office.scalar("select id from invoice where number = 'IM-1'"),
        office.scalar("select id from deposit where code = 'IM-D'"),
    )
    office.do(lambda w: applications.apply(w, held, made, 1_500))
    office.clock.advance(minutes=5)
    bring(office, ROWS.replace("Udo", "Ute").replace("IM-2,700", "IM-2,800"))
    draft = office.scalar("select id from invoice where number = 'IM-2'")
    office.do(lambda w: invoices.patch(w, draft, {"total": 900}))
    office.do(lambda w: invoices.send(w, draft))
    bring(office, "kind,number,customer_id,currency,total,state\ninvoice,IM-3,i-2,EUR,50,sent\n")


def bring(office: Office, text: str) -> None:
    given = Given(io.BytesIO(text.encode()), "rows.csv")
    assert office.do(lambda w: imports.take(w, given)).import_id


def on_line(office: Office, words: str, step, *given) -> None:
    row = office.rows("select id, rev from bank_line where text = :text", text=words)[0]
    office.do(lambda w: step(w, row.id, *given, rev=row.rev))


def short(office: Office) -> None:
    """Payments that came short by a bank's fee: borne, taken back, and taken back with a match."""
    ann = customer(office)
    for number, way in enumerate(("stays", "fee", "match", "receipt")):
        made = invoice(office, f"SH-{number}", 2_000, customer_id=ann)
        by_hand = way == "receipt"
        payment = (
            in_cash(office, made, 1_990) if by_hand else paid(office, 1_990, invoice=f"SH-{number}")
        )
        bear = partial(short_payments.bear, why="Wire", bounds={}, payment_id=payment)
        fee = office.do(partial(bear, invoice_id=made))
        claim = office.scalar("select id from allocation where payment_id = :p", p=payment)
        back = {
            "fee": partial(short_payments.take_back, short_id=fee, reason="None was taken"),
            "match": partial(allocations.unallocate, payment_id=payment, allocation_id=claim),
            "receipt": partial(receipts_taken_back.take_back, payment_id=payment),
        }
        if way in back:
            office.do(back[way])
