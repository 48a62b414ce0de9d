"""What came in files, made anew: a bank's lines and their ties, documents from elsewhere."""

import pytest
import sqlalchemy as sa

from reconciler.books.bank_lines import TargetKind
from reconciler.flows.rebuild import rebuild
from reconciler.flows.tie_bank_lines import tie_bank_lines
from reconciler.services import audit, statements
from reconciler.services.replaying import LAW
from tests.builders import invoice
from tests.flows.bank_told import ROWS, at_bank, bring, imported, on_line, read
from tests.flows.telling import by_the_owner, from_before_ranks, in_cash
from tests.runtime import SOMEBODY, Office, may_make_a_schema

pytestmark = pytest.mark.sampled(2)

HEAD = "Date,Amount,Currency,Description\n"


@pytest.fixture(autouse=True)
def owned(office: Office, owner_url: str) -> Office:
    """Its books may be made anew."""
    return may_make_a_schema(office, owner_url)


def differing(office: Office) -> list[str]:
    return [one.detail for one in rebuild(office.runtime)[0] if one.invariant == LAW]


def two_that_tie_themselves(office: Office) -> list[str]:
    """The second is tied because the first is already; gives the receipts."""
    day = office.clock().date()
    read(office, "a.csv", HEAD + f"{day},50.00,USD,One\n")
    first = in_cash(office, invoice(office, "INV-1", 5_000))
    assert tie_bank_lines(office.runtime) == 1
    office.clock.advance(hours=1)
    read(office, "b.csv", HEAD + f"{day},50.00,USD,Two\n")
    second = in_cash(office, invoice(office, "INV-2", 5_000))
    assert tie_bank_lines(office.runtime) == 1
    office.clock.advance(hours=1)
    return [first, second]


@pytest.mark.thorough
def test_who_tied_first_ties_first_again_also_where_a_person_undid_it(office: Office) -> None:
    first, second = two_that_tie_themselves(office)
    on_line(office, "One", statements.untie)
    assert differing(office) == []
    tied = {row.text: row.target_id for row in office.rows("select * from bank_line")}
    assert tied == {"One": None, "Two": second}
    on_line(office, "One", statements.tie, TargetKind.RECEIPT, first)
    assert differing(office) == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize("undone", [False, True])
@pytest.mark.spoilt
def test_ties_from_before_they_left_a_line_are_found_again(
    office: Office, owner_url: str, undone: bool
) -> None:
    two_that_tie_themselves(office)
    if undone:
        on_line(office, "Two", statements.untie)
    ties = "(select seq from audit_line where action = 'bank_lines.tied')"
    by_the_owner(owner_url, f"delete from audit_words where seq in {ties}")
    by_the_owner(owner_url, "delete from audit_line where action = 'bank_lines.tied'")
    from_before_ranks(owner_url)
    assert differing(office) == []


# What is changed about one line, and how it is named: two that cannot be taken for each other.
PLANTED = {
    "amount, and one is gone": {
        "update bank_line set amount = 5001 where text = 'One'":
            "says something else than what was",
        "delete from bank_line where text = 'Two'": "1 lines were read as new, and 0 are there",
    },
    "day, and one is open": {
        "update bank_line set booked_on = '2020-01-01' where text = 'One'": "says something else",
        "update bank_line set state = 'open', target_kind = null, target_id = null"
        " where text = 'Two'": "/open/0 in the books",
    },
    "one is set aside": {
        "update bank_line set state = 'set_aside', target_kind = null, target_id = null, why = 'no'"
        " where text = 'Two'": "/set_aside/0/no in the books",
    },
    "what it is tied to": {
        """update bank_line l set target_id = (select x.target_id || repeat('x', l.number::int)
          from bank_line x where x.text = 'Two') where text = 'One'""": "bank line ",
    },
}  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.sampled(2)
@pytest.mark.parametrize("what", PLANTED)
def test_what_is_changed_about_a_line_is_named(office: Office, owner_url: str, what: str) -> None:
    two_that_tie_themselves(office)
    for statement in PLANTED[what]:
        by_the_owner(owner_url, statement)
    told = differing(office)
    for words in PLANTED[what].values():
        assert any(words in detail for detail in told), told


@pytest.mark.spoilt
def test_a_fee_that_nobody_booked_is_named(office: Office) -> None:
    at_bank(office)
    assert differing(office) == []
    with office.runtime.work(SOMEBODY) as work:
        work.session.execute(
            sa.text(
                """update bank_line set fee = 7, fee_why = 'mine'
                where id = (select min(id) from bank_line where tied_by is not null)"""
            )
        )
    assert any("/7/mine in the books" in detail for detail in differing(office))


@pytest.mark.thorough
def test_thousands_of_rows_are_taken_over_again(office: Office) -> None:
    rows = "".join(f"customer,c-{n},Number {n}\n" for n in range(2_500))
    bring(office, "kind,external_id,name\n" + rows)
    found, done = rebuild(office.runtime)
    assert found == []
    assert done.taken["rows of imports"] == 2_500


@pytest.mark.thorough
def test_what_an_import_made_and_somebody_changed_behind_it_is_named(
    office: Office, owner_url: str
) -> None:
    imported(office)
    assert differing(office) == []
    by_the_owner(owner_url, "update customer set name = 'Eve' where name = 'Ina'")
    by_the_owner(owner_url, "delete from imported_key where external_id = 'i-2'")
    told = differing(office)
    assert [detail.split()[0] for detail in told] == ["customer", "what"]
    assert "Eve/" in told[0]


def test_rows_that_are_judged_otherwise_are_named(office: Office, owner_url: str) -> None:
    bring(office, ROWS)
    by_the_owner(owner_url, "update imported_row set customer_key = 'nobody' where place = 4")
    told = differing(office)
    assert any("row 4 would be refused (there is no customer nobody), and was new" in d
               for d in told), told  # fmt: skip


@pytest.mark.thorough
def test_imports_from_before_their_rows_were_kept_are_taken_as_they_stand(
    office: Office, owner_url: str
) -> None:
    bring(office, ROWS)
    in_cash(office, office.scalar("select id from invoice where number = 'IM-1'"), 1_000)
    by_the_owner(owner_url, "delete from imported_row")
    assert differing(office) == []


def test_what_cannot_be_shown_of_such_an_import_is_said_where_books_differ(
    office: Office, owner_url: str
) -> None:
    bring(office, ROWS)
    office.clock.advance(minutes=5)
    bring(office, ROWS.replace("IM-2,700", "IM-2,800"))
    second = office.scalar("select id from import_file where changed_count = 1")
    by_the_owner(owner_url, f"delete from imported_row where import_id = '{second}'")
    one, why = differing(office)
    assert "IM-2" in one
    assert f"import {second} of 2026-11-22 12:05 changed 1 things" in why


def test_rows_of_an_import_whose_words_were_erased_are_gone_and_said_to_be(office: Office) -> None:
    bring(office, ROWS)
    line = office.scalar("select seq from audit_line where action = 'file.imported'")
    office.do(lambda work: audit.erase(work, str(line), why="Ina asked us to"))
    assert office.scalar("select count(*) from imported_row") == 0
    assert any("file.imported" in d and "was erased" in d for d in differing(office))
