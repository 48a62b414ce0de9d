"""Files handed over on a screen: seen first, taken over whole and once, whatever breaks off."""

import pytest

from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.failpoints import Struck, armed, strike
from reconciler.flows.import_files import import_files, keep
from reconciler.reads import imports as reads
from reconciler.services import import_drafts, waiting
from reconciler.work import Task
from tests.runtime import SOMEBODY
from tests.tiers import size

ROWS = b"""kind,external_id,name,number,customer_id,currency,total,state
customer,c-1,Ann Lee,,,,,
invoice,,,R-1,c-1,USD,40000,sent
"""

# More than is read before it is told how far that came: few and long, or many.
MANY, NAME = size(quick=(2_500, b"C" * 110), full=(12_000, b"Customer"))


@pytest.fixture
def hand(office):
    """`hand(rows)` hands a file over; gives its draft's id."""

    def over(body: bytes, kind=None) -> str:
        handed = keep(office.runtime, body, file_name="rows.csv", kind=kind)
        return office.do(lambda work: import_drafts.add(work, handed))

    return over


def seen(office, draft_id: str):
    with office.runtime.read() as session:
        return reads.one(session, draft_id)


def ask(office, draft_id: str) -> None:
    rev = seen(office, draft_id).rev
    office.do(lambda work: import_drafts.ask(work, draft_id, rev=rev))


def due(office) -> bool:
    with office.runtime.read() as session:
        return Task.IMPORT_FILES in waiting.tasks_due(session, office.clock())


def test_a_file_is_seen_then_taken_over_in_the_name_of_who_said_yes(office, hand):
    made = hand(ROWS)
    assert due(office)
    assert import_files(office.runtime) == 1
    assert not due(office)
    draft = seen(office, made)
    assert (draft.state, draft.would_change, draft.refused) == ("looked", 2, 0)
    assert office.scalar("select count(*) from customer") == 0
    ask(office, made)
    assert due(office)
    assert [import_files(office.runtime) for _ in range(2)] == [1, 0]
    draft = seen(office, made)
    assert (draft.state, draft.import_id) == ("taken", office.scalar("select id from import_file"))
    assert office.scalar("select count(*) from invoice") == 1
    causes = office.rows("select action, cause_id from audit_line order by seq")
    assert [(row.action, row.cause_id) for row in causes] == [
        (name, SOMEBODY.id) for name in ("import.begun", "import.asked", "file.imported")
    ]
    assert office.violations() == []


def test_the_same_file_again_changes_nothing(office, hand):
    for _ in range(2):
        made = hand(ROWS)
        import_files(office.runtime)
        if seen(office, made).would_change:
            ask(office, made)
            import_files(office.runtime)
    draft = seen(office, made)
    assert (draft.state, draft.imported_before, draft.would_change) == ("looked", True, 0)
    assert office.scalar("select count(*) from import_file") == 1


def test_bad_rows_are_named_and_nothing_can_be_taken_over(office, hand):
    made = hand(ROWS.replace(b"40000", b"400.00"))
    import_files(office.runtime)
    draft = seen(office, made)
    assert [(bad["line"], bad["field"]) for bad in draft.bad] == [(3, "total")]
    with pytest.raises(Refused, match="rows are refused"):
        ask(office, made)
    office.do(lambda work: import_drafts.drop(work, made, rev=draft.rev))
    assert seen(office, made).state == "dropped"
    with pytest.raises(Conflict):
        ask(office, made)
    with pytest.raises(NotFound):
        ask_none = import_drafts.ask
        office.do(lambda work: ask_none(work, "imd_none", rev=1))


def test_what_changed_between_looking_and_taking_is_refused_whole(office, hand):
    first, second = hand(ROWS), hand(ROWS.replace(b"40000", b"50000"))
    import_files(office.runtime)
    ask(office, first)
    ask(office, second)
    import_files(office.runtime)
    assert seen(office, first).state == "taken"
    draft = seen(office, second)
    assert (draft.state, draft.refused) == ("looked", 1)
    assert office.scalar("select total from invoice") == 40_000


def test_a_worker_that_dies_has_taken_nothing_and_the_next_one_does(office, hand):
    made = hand(ROWS)
    import_files(office.runtime)
    ask(office, made)
    with armed({"import.before_commit": strike}), pytest.raises(Struck):
        import_files(office.runtime)
    assert office.scalar("select count(*) from customer") == 0
    assert seen(office, made).state == "taking"
    import_files(office.runtime)
    assert seen(office, made).state == "taken"


def test_a_file_that_breaks_every_worker_is_given_up(office, hand):
    made = hand(ROWS)
    import_files(office.runtime)
    ask(office, made)
    for _ in range(import_drafts.TRIES_MAX):
        with armed({"import.before_commit": strike}), pytest.raises(Struck):
            import_files(office.runtime)
    import_files(office.runtime)
    draft = seen(office, made)
    assert (draft.state, "three times" in draft.why) == ("failed", True)


def test_what_is_no_table_or_gone_says_so(office, hand):
    made = hand(b"what,is,this\n1,2,3\n")
    import_files(office.runtime)
    assert "say what the rows are" in seen(office, made).why
    lost = hand(ROWS)
    name = office.scalar("select stored_as from import_draft where id = :id", id=lost)
    office.runtime.files.delete(name)
    import_files(office.runtime)
    assert "kept no longer" in seen(office, lost).why
    with pytest.raises(Invalid, match="empty"):
        hand(b" \n")


def test_it_says_how_far_it_has_come(office, hand):
    many = b"".join(b"customer,c-%d,%s %d,,,,,\n" % (n, NAME, n) for n in range(MANY))
    made = hand(ROWS.splitlines(keepends=True)[0] + many)
    import_files(office.runtime)
    draft = seen(office, made)
    assert 0 < draft.bytes_read <= draft.bytes
    assert draft.total("new") == MANY
