"""One balance, wherever it is shown: each place beside the others, and all beside the ledger."""

import re
from collections import Counter
from dataclasses import fields

from reconciler.flows import remind
from reconciler.letters.words import House
from reconciler.money import shown
from reconciler.reads import (
    balances,
    client_page,
    client_statements,
    customers,
    deposits,
    exports,
    invoices,
    papers as paper_reads,
    projects,
    screens_documents,
)
from reconciler.reads.balances import Balance
from reconciler.reads.client_page import Seen
from reconciler.web.paper.papers import page as page_of_paper
from tests.runtime import Office

# Debits less credits that the journal has on what is this customer's, by account and currency.
_LEDGER = """
    select a.role, a.currency, sum(x.amount)::bigint as amount
    from posting x join journal_entry e on e.id = x.entry_id
      join ledger_account a on a.id = x.account_id
      left join invoice i on i.id = e.invoice_id left join deposit d on d.id = e.deposit_id
      left join payment p on p.id = e.payment_id
    where :customer = case a.role when 'accounts_receivable' then i.customer_id
      when 'customer_deposits' then d.customer_id else p.customer_id end
    group by 1, 2"""
_DOCUMENTS = """select id, number as name, false as is_deposit from invoice
    where customer_id = :customer
    union all select id, code, true from deposit where customer_id = :customer"""
HOUSE = House("Acme Studio", "http://here")
_IN_A_LETTER = re.compile(r"^  (Billed|Received|Credited|Left) +(.+)$", re.MULTILINE)
_IN_ITS_PAGE = re.compile(r"<th [^>]*>(Billed|Received|Credited|Left)</th><td [^>]*>([^<]*)</td>")
_ON_PAPER = re.compile(r"<dt>(Credited|Paid|Left to pay)</dt><dd>([^<]*)</dd>")
AMOUNTS = tuple(field.name for field in fields(Balance))[1:]


def all_agree(office: Office, customer_id: str, on_its_way: dict[str, int]) -> None:
    """Every place that shows what this customer owes and has says the same.

    `on_its_way` is what the rail's truth knows of, by number or code.
    """
    documents = office.rows(_DOCUMENTS, customer=customer_id)
    assert _on_its_way(office, documents) == {n: a for n, a in on_its_way.items() if a}
    stand = _by_customer(office, customer_id)
    assert _as_the_ledger_says(office, customer_id) == {
        currency: (one.outstanding, one.deposits, one.credit)
        for currency, one in stand.items()
        if one.outstanding or one.deposits or one.credit
    }
    assert _of_documents(office, documents) == {
        at: {
            name: getattr(one, name)
            for name in (
                "billed",
                "paid",
                "credited",
                "outstanding",
                "overdue",
                "deposits",
                "deposits_due",
                "on_its_way",
            )
            if getattr(one, name)
        }
        for at, one in stand.items()
    }
    _pages_say_so(office, documents)
    letters_and_papers_say_so(office, [row.id for row in documents if not row.is_deposit])
    the_client_sees_so(office, customer_id, stand)
    projects_say_so(office, customer_id)


def _by_customer(office: Office, customer_id: str) -> dict[str, Balance]:
    today = office.clock().date()
    with office.runtime.read() as session:
        stand = balances.of_customers(session, [customer_id], today=today)[customer_id]
        row = customers.one(session, customer_id, today=today)
    assert row.balances == stand
    assert row.credit == {at: one.credit for at, one in stand.items() if one.credit}
    return stand


def _as_the_ledger_says(office: Office, customer_id: str) -> dict[str, tuple[int, int, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in office.rows(_LEDGER, customer=customer_id):
        found.setdefault(row.currency, {})[row.role] = row.amount
    held = {
        currency: (
            roles.get("accounts_receivable", 0),
            -roles.get("customer_deposits", 0),
            -roles.get("unapplied_cash", 0),
        )
        for currency, roles in found.items()
    }
    return {currency: amounts for currency, amounts in held.items() if any(amounts)}


def _of_documents(office: Office, documents: list) -> dict[str, dict[str, int]]:
    """The single balances of invoices and deposits, added up."""
    today = office.clock().date()
    bills = [row.id for row in documents if not row.is_deposit]
    asked = [row.id for row in documents if row.is_deposit]
    with office.runtime.read() as session:
        each = [
            *balances.of_invoices(session, bills, today=today).values(),
            *balances.of_deposits(session, asked).values(),
        ]
    assert len(each) == len(documents)
    found: dict[str, Counter[str]] = {}
    for one in each:
        sums = found.setdefault(one.currency, Counter())
        sums.update({name: getattr(one, name) for name in AMOUNTS if name != "refunds"})
    return {at: {name: a for name, a in sums.items() if a} for at, sums in found.items()}


def _on_its_way(office: Office, documents: list) -> dict[str, int]:
    ids = [row.id for row in documents]
    with office.runtime.read() as session:
        each = balances.of_invoices(
            session, ids, today=office.clock().date()
        ) | balances.of_deposits(session, [row.id for row in documents if row.is_deposit])
    return {row.name: each[row.id].on_its_way for row in documents if each[row.id].on_its_way}


def _pages_say_so(office: Office, documents: list) -> None:
    """The API's rows, the screens' lines and the export, document by document."""
    today = office.clock().date()
    names = {row.id: row.name for row in documents}
    with office.runtime.read() as session:
        api = invoices.load(session, names, today=today)
        held = deposits.load(session, [row.id for row in documents if row.is_deposit])
        stand = balances.of_invoices(session, list(api), today=today)
        reserve = balances.of_deposits(session, list(held))
        found = (screens_documents.invoice(session, at) for at in api)
        lines = {line.id: line for line in found if line}
        kept = (screens_documents.deposit(session, at) for at in held)
        seen = {line.id: line for line in kept if line}
        written = {
            row["id"]: row
            for row in exports.invoices(session, exports.Window(), today=today)
            if row["id"] in api
        }
    for at, one in stand.items():
        wanted = (one.paid, one.credited, one.outstanding)
        for place in (api[at], lines[at]):
            assert (place.paid, place.credited, place.outstanding) == wanted, names[at]
        row = written[at]
        assert (row["paid"], row["credited"], row["outstanding"]) == wanted, names[at]
        assert api[at].on_its_way == one.on_its_way
        is_late = api[at].status == "overdue"
        assert one.overdue == (one.outstanding if is_late else 0)
    for at, one in reserve.items():
        assert held[at].remaining == seen[at].remaining == one.deposits, names[at]
        assert held[at].on_its_way == one.on_its_way


def letters_and_papers_say_so(office: Office, bills: list[str]) -> None:
    """What a reminder would say now, and the paper that is printed or made a PDF of."""
    now = office.clock()
    with office.runtime.read() as session:
        stand = balances.of_invoices(session, bills, today=now.date())
        told = {
            at: remind.preview(session, at, now, HOUSE).words
            for at, one in stand.items()
            if one.outstanding
        }
        papers = {at: paper_reads.invoice(session, at, today=now.date()) for at in stand}
    for at, said in told.items():
        wanted = _figures_of(stand[at], ("Billed", "Received", "Credited", "Left"))
        assert dict(_IN_A_LETTER.findall(said.text)) == wanted, at
        assert dict(_IN_ITS_PAGE.findall(said.html)) == wanted, at
    for at, paper in papers.items():
        one = stand[at]
        amounts = {"Credited": one.credited, "Paid": one.paid, "Left to pay": one.outstanding}
        found = dict(_ON_PAPER.findall(page_of_paper(paper, ())))
        assert {name: found.get(name, shown(0, one.currency)) for name in amounts} == {
            name: shown(amount, one.currency) for name, amount in amounts.items()
        }, at


def _figures_of(one: Balance, names: tuple[str, ...]) -> dict[str, str]:
    """Those that a letter mentions: all that are not nothing, and the first and last anyway."""
    amounts = zip(names, (one.billed, one.paid, one.credited, one.outstanding), strict=True)
    always = {names[0], names[-1]}
    return {name: shown(a, one.currency) for name, a in amounts if a or name in always}


def the_client_sees_so(office: Office, customer_id: str, stand: dict[str, Balance]) -> None:
    """Their page and their statement: the same balances, the same rows, the same end."""
    today = office.clock().date()
    with office.runtime.read() as session:
        page = client_page.page(session, Seen(customer_id, None), today=today)
        told = client_statements.of_customer(session, customer_id, today.replace(day=1), today)
    assert {one.currency: one for one in page.balances} == stand
    assert {row.id: (row.paid, row.credited, row.outstanding) for row in page.invoices} == {
        row.id: (row.paid, row.credited, row.outstanding)
        for row in office.rows(
            "select id, paid, credited, outstanding from invoice"
            " where customer_id = :customer and state = 'sent'",
            customer=customer_id,
        )
    }
    for statement in told:
        assert statement.opening + sum(line.amount for line in statement.lines) == statement.closing
        assert statement.opening + sum(amount for _, amount in statement.sums) == statement.closing
    closing = {one.currency: one.closing for one in told if one.closing}
    assert closing == {at: one.net for at, one in stand.items() if one.net}


def projects_say_so(office: Office, customer_id: str) -> None:
    """Each project is the sum of its documents, on its own page, its client's and its statement."""
    today = office.clock().date()
    given = {"customer": customer_id}
    for project in office.rows("select id from project where customer_id = :customer", **given):
        bills, asked = (
            office.rows(f"select * from {noun} where project_id = :id", id=project.id)
            for noun in ("invoice", "deposit")
        )
        owed = [row for row in bills if row.state == "sent"]
        sums = {
            "invoiced": sum(row.total for row in owed),
            "paid": sum(row.paid for row in owed),
            "credited": sum(row.credited for row in owed),
            "outstanding": sum(row.outstanding for row in owed),
            "held": sum(row.received - row.applied - row.refunded for row in asked),
        }
        with office.runtime.read() as session:
            shown_here = projects.one(session, project.id, today=today)
            page = client_page.page(session, Seen(customer_id, project.id), today=today)
            told = client_statements.of_project(session, project.id, today.replace(day=1), today)
        [shown_there] = page.projects
        for place in (shown_here, shown_there):
            assert {name: getattr(place, name) for name in sums} == sums
        assert sum(one.outstanding for one in page.balances) == sums["outstanding"]
        assert sum(one.deposits for one in page.balances) == sums["held"]
        assert sum(one.closing for one in told) == sums["outstanding"] - sums["held"]
