"""Deeds on bank lines, corrections and files for import, for every route that writes them."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from reconciler.books import accounts
from reconciler.flows import import_files
from reconciler.flows.reconcile import carry_on
from reconciler.services import import_drafts, statements, suspense
from reconciler.services.statements import Statement

Sent = tuple[dict[str, str], dict[str, Any]]
Deed = Callable[[Any], Sent]
_API = "/api/v1"
_HEAD = "Transaction ID,Date,Amount,Currency,Description\n"


def _read(house: Any, text: str, name: str) -> str:
    given = Statement(bank_account="Bank of deeds", file_name=name, body=(_HEAD + text).encode())
    return house.screens.by("reconciler", lambda work: statements.take(work, given).statement_id)


def _line(house: Any) -> tuple[str, str]:
    """An open line of 77.00, and a receipt of as much that nobody has tied."""
    number = house.scalar("select count(*) from bank_line where :id = ''", "")
    made = house.invoice()
    house.api.in_cash(made, 7_700)
    receipt = house.scalar("select payment_id from allocation where invoice_id = :id", made)
    _read(house, f"L-{number},2020-01-01,77.00,USD,Long ago\n", f"{number}.csv")
    line = house.scalar("select id from bank_line where bank_reference = :id", f"L-{number}")
    return line, receipt


def _ties(house: Any) -> Sent:
    line, receipt = _line(house)
    return {"bank_line_id": line}, {"kind": "receipt", "targets": [receipt]}


def _unties(house: Any) -> Sent:
    line, receipt = _line(house)
    house.api.make(f"/bank-lines/{line}/tie", {"kind": "receipt", "targets": [receipt]})
    return {"bank_line_id": line}, {}


def _sets_aside(house: Any) -> Sent:
    return {"bank_line_id": _line(house)[0]}, {"why": "Not ours"}


def _takes_up(house: Any) -> Sent:
    line = _line(house)[0]
    house.api.make(f"/bank-lines/{line}/set-aside", {"why": "Not ours"})
    return {"bank_line_id": line}, {}


def correction(house: Any) -> str:
    """The bank sends a line again with another amount."""
    number = house.scalar("select count(*) from bank_line where :id = ''", "")
    for amount in ("5.00", "6.00"):
        _read(house, f"C-{number},2020-01-02,{amount},USD,Fee\n", f"{number}-{amount}.csv")
    return house.scalar(
        """select c.id from bank_correction c join bank_line l on l.id = c.line_id
        where l.bank_reference = :id""",
        f"C-{number}",
    )


def _corrects(**body: Any) -> Deed:
    return lambda house: ({"correction_id": correction(house)}, body)


def _corrects_on_screen(house: Any) -> Sent:
    made = correction(house)
    return {"correction_id": made}, {"do": "take"} | house.rev("bank_correction", made)


def draft(screens: Any, body: bytes) -> str:
    """A file that was handed over and looked at."""
    runtime = screens.office.runtime
    handed = import_files.keep(runtime, body, file_name="people.csv", kind=None)
    made = screens.by("reconciler", lambda work: import_drafts.add(work, handed))
    assert import_files.import_files(runtime)
    return made


def _draft(house: Any) -> Sent:
    number = house.scalar("select count(*) from import_draft where :id = ''", "")
    made = draft(house.screens, b"kind,id,name\ncustomer,i-" + number.encode() + b",Ann\n")
    return {"draft_id": made}, house.rev("import_draft", made)


def _odd(house: Any) -> str:
    """Something that the rail took and no rule knows; gives what it is called in suspense."""
    row = house.screens.office.world.other_row(-700, kind="hocus_pocus", category="hocus")
    while carry_on(house.screens.office.runtime):
        pass  # one is under way where another deed began it
    house.screens.run()
    return f"stripe/movement/{row}"


def _moves_out(house: Any) -> Sent:
    to = {"account": "processing_fees", "why": "A fee of theirs"}
    return {}, {"subject": _odd(house)} | to


def _puts_back(house: Any) -> Sent:
    subject = _odd(house)
    to = accounts.PROCESSING_FEES
    house.screens.by("reconciler", lambda work: suspense.move(work, subject, to, why="A fee"))
    return {}, {"subject": subject}


DEEDS: dict[str, Deed] = {
    f"POST {_API}/bank-lines/<bank_line_id>/tie": _ties,
    f"POST {_API}/bank-lines/<bank_line_id>/untie": _unties,
    f"POST {_API}/bank-lines/<bank_line_id>/set-aside": _sets_aside,
    f"POST {_API}/bank-lines/<bank_line_id>/take-up": _takes_up,
    f"POST {_API}/bank-corrections/<correction_id>/take": _corrects(),
    f"POST {_API}/bank-corrections/<correction_id>/decline": _corrects(why="Both came"),
    "POST /admin/bank-corrections/<correction_id>": _corrects_on_screen,
    f"POST {_API}/ledger/suspense/move": _moves_out,
    f"POST {_API}/ledger/suspense/put-back": _puts_back,
    "POST /admin/ledger/suspense/move": _moves_out,
    "POST /admin/ledger/suspense/put-back": _puts_back,
    "POST /admin/imports": lambda _: (
        {}, {"file": (BytesIO(b"kind,id,name\ncustomer,s-1,Ann Lee\n"), "people.csv")},
    ),
    "POST /admin/imports/<draft_id>/take": _draft,
    "POST /admin/imports/<draft_id>/drop": _draft,
}  # fmt: skip
