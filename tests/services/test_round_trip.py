"""What leaves as customers, projects, invoices and deposits comes back as the same, elsewhere."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings, strategies as st

from reconciler.books.import_kinds import ImportKind
from reconciler.reads import balances, export_text, ledger
from reconciler.reads.export_rows import Window
from reconciler.services import change_orders, customers, deposits, imports, invoices, projects
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.deposits import NewDeposit
from reconciler.services.imports import Given
from reconciler.services.invoices import NewInvoice
from reconciler.services.projects import NewProject
from tests.runtime import SOMEBODY
from tests.tiers import size

NOUNS = {
    "customers": ImportKind.CUSTOMER,
    "projects": ImportKind.PROJECT,
    "invoices": ImportKind.INVOICE,
    "deposits": ImportKind.DEPOSIT,
}
WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" ,;'\"=+-@"), max_size=12
).map(lambda text: f"x{text}".strip())
NAMES = WORDS | WORDS.map(lambda text: f"={text}") | WORDS.map(lambda text: f"''-{text}")
AMOUNTS = st.integers(1, 10**11)
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])
DAYS = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
GONE = st.none() | st.dates(date(2020, 1, 1), date(2026, 11, 22))


@dataclass(frozen=True)
class Books:
    """What is made: customers by name, and the rest by the place of whose it is."""

    customers: list[tuple[str, str | None]]
    projects: list[tuple[int, str, str, int, int | None]]
    invoices: list[tuple[int, str, int, bool, bool, str, object, object]]
    deposits: list[tuple[int, str, int, str]]


BOOKS = st.builds(
    Books,
    st.lists(st.tuples(NAMES, st.none() | st.just("ann@example.com")), min_size=1, max_size=3),
    st.lists(
        st.tuples(st.integers(0, 2), NAMES, CURRENCIES, AMOUNTS, st.none() | AMOUNTS), max_size=2
    ),
    st.lists(
        st.tuples(
            st.integers(0, 2), CURRENCIES, AMOUNTS, st.booleans(), st.booleans(), NAMES, GONE, DAYS
        ),
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(0, 2), CURRENCIES, AMOUNTS, NAMES), max_size=3),
)


def make(work, books: Books) -> None:
    ids = [customers.create(work, name=name, email=mail) for name, mail in books.customers]

    def whose(place: int) -> str:
        return ids[place % len(ids)]

    made = []
    for place, name, currency, price, moved in books.projects:
        project = projects.create(
            work,
            NewProject(
                customer_id=whose(place), name=name, currency=currency, original_price=price
            ),
        )
        if moved not in (None, price):
            change_orders.approve(
                work, project, NewChangeOrder(approved_price=moved, reason="More was wanted")
            )
        made.append((project, whose(place), currency, moved or price))
    for number, (place, currency, total, is_sent, of_project, text, issued, due) in enumerate(
        books.invoices
    ):
        found = [one for one in made if one[1:3] == (whose(place), currency) and one[3] >= total]
        project = found.pop()[0] if of_project and found and not number else None
        new = NewInvoice(
            customer_id=whose(place), currency=currency, total=total, number=f"R-{number}",
            description=text, issued_on=issued, due_on=due, project_id=project,
        )  # fmt: skip
        invoice = invoices.create(work, new)
        if is_sent:
            invoices.send(work, invoice)
    for number, (place, currency, amount, notes) in enumerate(books.deposits):
        deposits.create(
            work,
            NewDeposit(
                customer_id=whose(place), currency=currency, amount=amount, code=f"D-{number}",
                notes=notes,
            ),
        )  # fmt: skip


def stand(session, today: date):
    """All that matters of books, by what people call things: never by our ids."""
    found = session.execute(_NAMES).all()
    said = balances.of_customers(session, [row.id for row in found], today=today)
    return (
        sorted(str((row.name, row.email, said.get(row.id))) for row in found),
        sorted(map(str, session.execute(_DOCUMENTS).all())),
        ledger.trial_balance(session),
    )


_NAMES = sa.text("select id, name, email from customer")
_DOCUMENTS = sa.text("""
    select 'project', p.name, c.name, p.currency, p.approved_price::text, '', '', '', ''
    from project p join customer c on c.id = p.customer_id
    union all select 'invoice', i.number, c.name, i.currency, i.total::text, i.state,
      i.outstanding::text, concat_ws('/', i.issued_on, i.due_on, i.description), p.name
    from invoice i join customer c on c.id = i.customer_id left join project p
      on p.id = i.project_id
    union all select 'deposit', d.code, c.name, d.currency, d.amount::text, d.received::text, '',
      concat_ws('/', d.taken_on, d.notes), ''
    from deposit d join customer c on c.id = d.customer_id""")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", ["csv", "json"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=size(quick=6, full=50),
)
@given(books=BOOKS)
@example(
    books=Books(
        [("=1+1", None), ("''=2", "ann@example.com")],
        [(0, "'=x", "USD", 100, 150)],
        [(0, "USD", 120, True, True, "@a\n-b", None, date(2026, 12, 24))],
        [(1, "KWD", 1_234, "+", )],
    )
)  # fmt: skip
def test_what_is_exported_comes_back_as_the_same(office, form: str, books: Books) -> None:
    today = datetime(2026, 11, 22, tzinfo=UTC).date()

    def leave(work):
        make(work, books)
        work.session.flush()
        files = {
            noun: "".join(
                export_text.pieces(work.session, noun, form, Window(), today=today)
            ).encode()
            for noun in NOUNS
        }
        return files, stand(work.session, today)

    def come(work):
        for noun, kind in NOUNS.items():
            imports.take(work, Given(io.BytesIO(files[noun]), noun, kind))
            again = imports.take(work, Given(io.BytesIO(files[noun]), noun, kind))
            assert not again.total("new"), "twice is once"
        return stand(work.session, today)

    files, before = office.runtime.rehearse(SOMEBODY, leave)
    assert office.scalar("select count(*) from customer") == 0, "nothing of it is left"
    assert office.runtime.rehearse(SOMEBODY, come) == before
