"""Restored books over the API: read how far it has come, and let go by two admins' passwords."""

import pytest

from reconciler.flows.reread_rail import reread_rail
from reconciler.services import people, restores
from reconciler.work import Cause
from tests.web.api import refused

DRILL = Cause("command", "drill")


@pytest.fixture
def held(empty_api):
    """Books that are held, with the rail read again, and two admins."""
    api = empty_api
    for name in ("ann", "ben"):
        who = {"email": f"{name}@example.com", "password": f"{name} and seven herons"}
        api.office.do(lambda work, who=who: people.create_user(work, role="admin", **who))
    api.office.do(lambda work: restores.suspect(work, "a drill"), DRILL)
    for _ in range(3):
        reread_rail(api.office.runtime)
        api.office.clock.advance(seconds=15)
    return api


def said(name: str, password: str | None = None) -> dict[str, str]:
    return {
        "email": f"{name}@example.com",
        "password": password or f"{name} and seven herons",
    }


def test_nothing_is_held_as_a_rule(empty_api):
    assert empty_api.read("/restore") == {"is_held": False, "held": None}
    refused(empty_api.post("/restore/accept", said("ann")), 403)


def test_two_admins_let_it_go_and_the_trail_has_their_names(held):
    assert held.read("/restore")["held"]["why"] == "a drill"
    first = held.make("/restore/accept", said("ann"))
    assert first["is_held"]
    assert first["held"]["accepted_by"].startswith("usr_")
    refused(held.post("/restore/accept", said("ann")), 403)
    assert held.make("/restore/accept", said("ben")) == {"is_held": False, "held": None}
    assert held.read("/status")["restore"] is None
    lines = held.office.rows("select action, cause_kind from audit_line order by seq")
    own = [(one.action, one.cause_kind) for one in lines if one.action.startswith("restore.")]
    assert own[-2:] == [("restore.accepted", "person"), ("restore.released", "person")]


def test_a_key_without_an_admin_behind_it_does_nothing(held):
    refused(held.post("/restore/accept", said("ann", "a guess")), 403)
    refused(held.post("/restore/accept", said("ann"), by="refund"), 403)
    refused(held.post("/restore/accept", {"email": "ann@example.com"}), 422, "password")
    assert held.read("/restore")["held"]["accepted_by"] is None


def test_a_password_is_in_no_kept_digest(held):
    """Two bodies that differ in nothing else are one request: the digest does not know it."""
    one = held.post("/restore/accept", said("ann", "a guess"), key="same")
    other = held.post("/restore/accept", said("ann", "another guess"), key="same")
    assert (one.status_code, other.status_code) == (403, 403)
    assert held.post("/restore/accept", said("ben"), key="same").status_code == 422
