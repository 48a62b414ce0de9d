"""What the rows of a file said is kept as it was, and goes only openly."""

import psycopg
import pytest

from reconciler.services import audit
from tests.runtime import SOMEBODY, Office
from tests.services.test_imports import ALL, take


def test_only_rows_that_made_or_changed_something_are_kept(office: Office) -> None:
    first = take(office, ALL).import_id
    second = take(office, ALL.replace("R-2,500", "R-2,700")).import_id
    kept = office.rows("select * from imported_row order by import_id = :id, place", id=second)
    assert [(row.import_id, row.place, row.kind, row.status) for row in kept] == [
        (first, 1, "customer", "new"), (first, 2, "project", "new"), (first, 3, "invoice", "new"),
        (first, 4, "invoice", "new"), (first, 5, "deposit", "new"),
        (second, 4, "invoice", "changed"),
    ]  # fmt: skip
    draft = office.scalar("select id from invoice where number = 'R-2'")
    assert {kept[3].subject_id, kept[5].subject_id} == {draft}
    assert (kept[3].amount, kept[5].amount) == (500, 700)
    entry = office.scalar("select id from journal_entry")
    assert [row.entry_id for row in kept] == [None, None, entry, None, None, None]


@pytest.mark.parametrize(
    ("wall", "statement"),
    [
        ("append_only", "update imported_row set name = 'x'"),
        ("append_only", "truncate imported_row"),
        ("imported_rows_are_erased_openly", "delete from imported_row where place = 2"),
    ],
)
def test_nobody_changes_them_or_takes_them_away_in_silence(
    office: Office, owner_url: str, wall: str, statement: str
) -> None:
    take(office, ALL)
    with (
        psycopg.connect(owner_url.replace("+psycopg", "", 1)) as line,
        pytest.raises(psycopg.errors.CheckViolation) as ran_into,
    ):
        line.execute(statement)
        line.commit()
    assert ran_into.value.diag.constraint_name == wall
    assert office.scalar("select count(*) from imported_row") == 5


def test_they_go_with_the_words_of_their_import_and_no_others_do(office: Office) -> None:
    first = take(office, ALL).import_id
    take(office, "kind,external_id,name\ncustomer,c-9,Cy\n")
    seq = office.scalar("select seq from audit_line where subject = :id", id=first)
    office.do(lambda work: audit.erase(work, str(seq), why="She asked"), SOMEBODY)
    assert [row.name for row in office.rows("select name from imported_row")] == ["Cy"]
    assert office.violations() == []
