"""Every route that writes leaves a line in the audit trail: who, what, to what, and the change."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from werkzeug.test import TestResponse

from reconciler.embedded import postgres
from reconciler.services import restores
from reconciler.work import Cause
from tests.runtime import open_office
from tests.web.access import Table
from tests.web.api import PREFIX, Api
from tests.web.deeds import DEEDS, House
from tests.web.screens import open_screens

ROWS = Table.read().rows
WRITES = {f"{method} {path}" for path, method in ROWS if method != "GET"}
EXCEPT = {
    "POST /webhooks/stripe": "nobody here does anything: the event is kept as it came, and is told",
    "POST /api/v1/review-items/<item_id>/preview": "a rehearsal: what it does is rolled back",
    "POST /api/v1/imports/preview": "what it does is rolled back",
    "POST /api/v1/restore/accept": (
        "done and noted in the name of the admin whose password it carries, not of the key"
    ),
    "POST /admin/sign-in/code": "the same door; test_admin_people.py goes through it",
    "POST /admin/account/code/confirm": (
        "who did it needs a code from then on, and the deeds after it have none: see "
        "test_admin_people.py"
    ),
    "POST /admin/account/code/paper": "only for who needs one: see test_admin_people.py",
    "POST /portal/<token>/milestones/<milestone_id>/sign-off": (
        "done by a client, who is no person here; see tests/promises/test_client_page.py"
    ),
    "POST /portal/<token>/proposals/<proposal_id>/accept": (
        "done by a client, who is no person here; see test_portal_proposals.py"
    ),
    "POST /portal/<token>/proposals/<proposal_id>/decline": (
        "done by a client, who is no person here; see test_portal_proposals.py"
    ),
    "POST /portal/<token>/pay": "done by a client, who is no person here; see test_portal_pay.py",
    "POST /admin/sign-in": "a door that is open to nobody yet; see the test of it below",
}
# Whose line says all there is to say by its name, who and when: no word before, after or why.
SAYS_IT_ALL = frozenset(
    {
        "api_key.revoked", "job.asked", "person.disabled", "person.factor_begun",
        "person.factor_off", "person.password_changed", "person.session_ended", "person.signed_in",
        "person.signed_out",
    }
)  # fmt: skip
_VARIABLE = re.compile(r"<(\w+)>")
_KEYS = {"admin_key": "admin"}


@dataclass(frozen=True)
class Done:
    """What came of a deed, and the lines that it left."""

    answer: TestResponse
    cause: tuple[str, str]
    lines: list


@pytest.fixture(scope="module")
def house(servers, module_database: str, line, stripe_api):
    """An office whose books all deeds write into, each with things of its own."""
    office = open_office(servers.url(postgres.APP, module_database), line, stripe_api)
    screens = open_screens(office)
    yield House(Api(office, screens.app.test_client()), screens)
    office.runtime.engine.dispose()


@pytest.fixture(autouse=True)
def moving(house) -> Iterator[None]:
    """Restored books are let go by a second person afterwards: the next deed finds money moving."""
    yield
    office = house.screens.office
    with office.runtime.read() as session:
        is_held = not restores.may_move_money(session)
    if is_held:
        second = Cause("person", house.screens.person("approver"))
        assert office.do(restores.accept, second), "two have looked, and still nothing moves"


def least_caller(what: str) -> str:
    """Whoever may do it with the fewest rights."""
    method, path = what.split()
    cells = ROWS[path, method]
    names = (
        ("write", "refund", "admin_key")
        if path.startswith(PREFIX)
        else ("viewer", "reconciler", "approver", "admin")
    )
    return next(name for name in names if cells[name] == "in")


def do(house: House, what: str) -> Done:
    """The deed, by the least caller that may do it."""
    method, path = what.split()
    names, sent = DEEDS[what](house)
    place = _VARIABLE.sub(lambda found: names[found[1]], path)
    caller = least_caller(what)
    office = house.screens.office
    if path.startswith(PREFIX):
        name = f"{_KEYS.get(caller, caller)} for a deed"
        house.api.key(name)
        before = newest(house)
        how = {"data": sent} if "file" in sent else {"json": sent}
        answer = house.api.call(method, place.removeprefix(PREFIX), by=name, **how)
        cause = ("api_key", office.scalar("select id from api_key where name = :n", n=name))
    else:
        somebody = house.screens.as_(caller)
        before = newest(house)
        form = sent | {"form_token": somebody.token}
        answer = somebody.client.post(place, data=form)
        cause = ("person", house.screens.known[caller])
    lines = office.rows(
        """select l.*, convert_from(w.body::text::bytea, 'UTF8')::jsonb as words
        from audit_line l left join audit_words w using (seq) where seq > :before order by seq""",
        before=before,
    )
    return Done(answer, cause, lines)


def newest(house: House) -> int:
    return house.screens.office.scalar("select coalesce(max(seq), 0) from audit_line")


def test_every_write_has_a_deed_or_a_reason_to_have_none():
    assert sorted(WRITES - DEEDS.keys() - EXCEPT.keys()) == [], "add one to tests/web/deeds.py"
    assert sorted((DEEDS.keys() | EXCEPT.keys()) - WRITES) == [], "there is no such route any more"
    assert DEEDS.keys() & EXCEPT.keys() == set()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("what", DEEDS)
def test_a_write_says_who_did_what_to_what_and_what_changed(house, what):
    done = do(house, what)
    assert done.answer.status_code < 400, done.answer.get_data(as_text=True)[-2_000:]
    assert done.lines, "it changed something and nothing says so"
    for line in done.lines:
        assert (line.cause_kind, line.cause_id) == done.cause
        assert line.subject
        assert line.request_id, "the line can be found again in the logs"
        if line.action not in SAYS_IT_ALL:
            words = line.words
            assert words["before"] or words["after"] or words["why"], line.action


def test_the_first_sign_of_somebody_is_a_line_too(house):
    before = newest(house)
    house.screens.as_("second")
    [*_, line] = house.screens.office.rows(
        "select * from audit_line where seq > :before order by seq", before=before
    )
    assert (line.action, line.cause_id) == ("person.signed_in", house.screens.known["second"])
