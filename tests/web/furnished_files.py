"""More of what a company in the middle of its work has; see `furnish` in screens.py."""

from dataclasses import replace
from datetime import date

from reconciler.flows import keep_file
from reconciler.services import attachments, statements
from reconciler.services.statements import Statement
from tests.file_samples import pdf
from tests.web import bank_deeds


def files(made) -> None:
    """A deposit with a file on it."""
    with keep_file.kept(made.office.runtime, pdf()) as file:
        made.ids["attachment"] = made.by(
            "reconciler",
            lambda work: attachments.keep_on_deposit(work, made.ids["DEP-1001"], "terms.pdf", file),
        )


def bank(made) -> None:
    """The bank's lines: money by hand that is there, a coffee, and a row nobody can read."""
    day = date(2026, 11, 20)
    body = f"Date,Amount,Currency,Description\n{day},-3.50,USD,Coffee\n"
    body += f"{day},-1.00,USD,Paper\n{day},x,USD,What\n"
    given = Statement(bank_account="Giro", file_name="november.csv", body=body.encode())
    made.ids["statement"] = made.by(
        "reconciler", lambda work: statements.take(work, given).statement_id
    )
    made.ids["bank_line"] = made.office.scalar("select id from bank_line order by number limit 1")
    again = replace(given, file_name="again.csv", body=body.replace("3.50", "4.50").encode())
    made.by("reconciler", lambda work: statements.take(work, again).statement_id)
    made.ids["corrected"] = made.office.scalar("select statement_id from bank_correction")
    made.ids["correction"] = made.office.scalar("select id from bank_correction")


def an_import(made) -> None:
    """A file of customers that waits to be taken over, and one with a row that cannot be."""
    good = b"kind,id,name\ncustomer,c-1,Ann Lee\ncustomer,c-2,Bo Ek\n"
    made.ids["import"] = bank_deeds.draft(made, good)
    made.ids["import_bad"] = bank_deeds.draft(made, good + b"customer,c-3,\n")
