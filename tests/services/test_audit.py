"""The audit trail: written with the change or not at all, never changed, erased only openly."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import audit as reads
from reconciler.reads.pages import Wanted
from reconciler.services import audit, customers, people, switches, verification
from reconciler.services.verification import AUDIT_LAW
from reconciler.work import Cause
from tests.runtime import SOMEBODY, Office

ROOT_LINES = "select count(*) from audit_line"


def lines(office: Office, **filters) -> list[reads.AuditRow]:
    with office.runtime.read() as session:
        return reads.page(session, filters, Wanted()).data


def three_lines(office: Office) -> None:
    for reason in ("odd", "odder", "oddest"):
        office.do(lambda work, why=reason: switches.change(work, "apply", on=False, reason=why))


def test_a_line_says_who_did_what_to_what_when_with_before_after_and_why(office: Office) -> None:
    office.do(lambda work: switches.change(work, "refunds", on=False, reason="Odd ones since ten"))
    found = lines(office)[0]
    assert (found.cause, found.action, found.subject) == (
        SOMEBODY,
        "switch.turned_off",
        "refunds",
    )
    assert (found.before, found.after, found.why) == (
        {"on": True},
        {"on": False},
        "Odd ones since ten",
    )
    assert (found.at, found.id, found.is_erased) == (office.clock(), "1", False)


def test_only_what_differs_is_kept_of_a_change(office: Office) -> None:
    ann = office.do(lambda work: customers.create(work, name="Ann", email="ann@example.com"))
    office.do(lambda work: customers.patch(work, ann, {"name": "Anne", "email": "ann@example.com"}))
    found = lines(office, subject=ann, action="customer.changed")[0]
    assert (found.before, found.after) == ({"name": "Ann"}, {"name": "Anne"})


def test_what_is_rolled_back_leaves_no_line(office: Office) -> None:
    def step(work) -> None:
        customers.create(work, name="Ann")
        raise Refused("not today")

    with pytest.raises(Refused):
        office.do(step)
    assert office.scalar(ROOT_LINES) == 0


def test_a_change_whose_line_cannot_be_written_is_not_made(office: Office) -> None:
    def step(work) -> None:
        customers.create(work, name="Ann")
        work.cause = Cause("person", " ")  # the table refuses a line without a cause

    with pytest.raises(Exception, match="audit_line_names_its_cause"):
        office.do(step)
    assert office.scalar("select count(*) from customer") == 0


def test_twelve_at_once_are_written_one_after_the_other(office: Office) -> None:
    gate = threading.Barrier(12)

    def one(number: int) -> None:
        gate.wait()
        for step in range(5):
            name = f"C{number}-{step}"
            office.do(lambda work, name=name: customers.create(work, name=name))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(12)))
    assert office.scalar(ROOT_LINES) == office.scalar("select max(seq) from audit_line") == 60
    assert office.violations() == []


def test_signing_in_out_and_failing_to_are_noted_for_those_who_are_known(office: Office) -> None:
    made = {"email": "ann@example.com", "password": "seven tall herons", "role": "viewer"}
    ann = office.do(lambda work: people.create_user(work, **made))
    browser = Cause("browser", "sign-in")

    def enter(email: str, password: str):
        return office.do(
            lambda work: people.sign_in(work, email=email, password=password, address="10.0.0.1"),
            browser,
        )

    assert enter("nobody@example.com", "seven tall herons") is None
    assert enter("ann@example.com", "eight tall herons") is None
    signed_in = enter("ann@example.com", "seven tall herons")
    office.do(lambda work: people.sign_out(work, signed_in.token), browser)
    office.do(lambda work: people.sign_out(work, signed_in.token), browser)  # once is enough
    told = [(line.action, line.cause.kind, line.subject) for line in lines(office)]
    assert told == [
        ("person.signed_out", "person", ann),
        ("person.signed_in", "person", ann),
        ("person.sign_in_refused", "browser", ann),
        ("person.created", "person", ann),
    ]
    assert "herons" not in str(office.rows("select * from audit_words"))


# Walls, from the application's own login


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_line set subject = 'x'",
        "delete from audit_line",
        "truncate audit_line cascade",
        "update audit_words set body = '{}'",
        "truncate audit_words",
    ],
)
def test_the_applications_login_has_no_right_to_change_it(
    office: Office, database_url: str, statement: str
) -> None:
    three_lines(office)
    with (
        psycopg.connect(database_url.replace("+psycopg", "", 1)) as line,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        line.execute(statement)


@pytest.mark.parametrize(
    ("wall", "statement"),
    [
        ("append_only", "update audit_line set subject = 'x'"),
        ("append_only", "delete from audit_line"),
        ("append_only", "truncate audit_line cascade"),
        ("append_only", "update audit_words set body = '{}'"),
        ("audit_words_are_erased_openly", "delete from audit_words where seq = 2"),
        (
            "audit_line_follows",
            """insert into audit_line select 9, at, cause_kind, cause_id, action, subject,
              request_id, words_digest, hash from audit_line where seq = 1""",
        ),
    ],
)
def test_the_owners_login_runs_into_a_trigger(
    office: Office, owner_url: str, wall: str, statement: str
) -> None:
    three_lines(office)
    with (
        psycopg.connect(owner_url.replace("+psycopg", "", 1)) as line,
        pytest.raises(psycopg.errors.CheckViolation) as ran_into,
    ):
        line.execute(statement)
        line.commit()
    assert ran_into.value.diag.constraint_name == wall


# What a check finds when somebody got past the walls


@pytest.mark.parametrize(
    ("statements", "detail"),
    [
        (["update audit_line set subject = 'refunds' where seq = 2"], "line 2 is not as it"),
        (["update audit_line set at = at + interval '1 second' where seq = 3"], "line 3 is not"),
        (["delete from audit_line where seq = 2"], "line 2 missing before line 3"),
        (["delete from audit_line where seq = 1"], "line 1 missing before line 2"),
        (
            [
                "update audit_line set seq = 9 where seq = 2",
                "update audit_line set seq = 2 where seq = 3",
                "update audit_line set seq = 3 where seq = 9",
            ],
            "line 2 is not as it was written",
        ),
        (["update audit_words set body = '{}' where seq = 1"], "the words of line 1 are not as"),
        (["delete from audit_words where seq = 3"], "the words of line 3 are gone"),
    ],
)
def test_what_got_past_the_walls_is_found(
    office: Office, servers, database: str, statements: list[str], detail: str
) -> None:
    three_lines(office)
    assert office.violations() == []
    url = servers.url("postgres", database).replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("set session_replication_role = replica")
        for statement in statements:
            line.execute(statement)
    found = [one for one in office.violations() if one.invariant == AUDIT_LAW]
    assert found
    assert found[0].detail.startswith(detail)
    with office.runtime.read() as session:
        assert reads.checked(session).broken == [one.detail for one in found]


def test_a_tail_that_was_cut_off_shows_against_a_head_that_was_kept_elsewhere(
    office: Office, servers, database: str
) -> None:
    three_lines(office)
    with office.runtime.read() as session:
        kept = reads.head(session)
        assert verification.differing_head(session, kept) is None
    url = servers.url("postgres", database).replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("set session_replication_role = replica")
        line.execute("delete from audit_words where seq = 3")
        line.execute("delete from audit_line where seq = 3")
    assert office.violations() == []  # it closes in itself: that is why the head is kept elsewhere
    with office.runtime.read() as session:
        differing = verification.differing_head(session, kept)
    assert differing is not None
    assert differing.detail.startswith("line 3 is not the one")


def test_the_newest_lines_are_checked_alone(office: Office) -> None:
    three_lines(office)
    with office.runtime.read() as session:
        found = reads.checked(session, lines_max=2)
        assert (found.lines, found.is_all, found.broken) == (2, False, [])
        assert reads.checked(session).is_all


def test_nothing_done_is_whole(office: Office) -> None:
    with office.runtime.read() as session:
        found = reads.checked(session)
    assert (found.lines, found.is_all, found.broken) == (0, True, [])


# Erasing


def test_erased_words_are_gone_and_the_chain_still_closes(office: Office) -> None:
    ann = office.do(lambda work: customers.create(work, name="Ann Lee", email="ann@example.com"))
    line_id = lines(office, subject=ann)[0].id
    office.do(lambda work: audit.erase(work, line_id, why="She asked us to"))
    erased = lines(office, subject=ann)[0]
    assert (erased.is_erased, erased.before, erased.after, erased.why) == (True, {}, {}, None)
    assert (erased.action, erased.cause) == ("customer.created", SOMEBODY)
    told = lines(office, action="audit_line.erased")[0]
    assert (told.subject, told.why) == (line_id, "She asked us to")
    assert "Ann" not in str(office.rows("select * from audit_words"))
    assert office.violations() == []


def test_words_are_erased_once_with_a_reason_and_only_if_there_are_any(office: Office) -> None:
    three_lines(office)
    with pytest.raises(Invalid):
        office.do(lambda work: audit.erase(work, "1", why=" "))
    for unknown in ("4", "one", "9" * 30):
        with pytest.raises(NotFound):
            office.do(lambda work, line=unknown: audit.erase(work, line, why="x"))
    office.do(lambda work: audit.erase(work, "1", why="x"))
    with pytest.raises(Conflict):
        office.do(lambda work: audit.erase(work, "1", why="x"))
    assert office.scalar(ROOT_LINES) == 4
