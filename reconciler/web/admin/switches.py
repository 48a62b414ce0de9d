"""What can be turned off at once, who did, and turning it: said in words before it is done."""

from dataclasses import dataclass

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Invalid
from reconciler.reads import screens_people, status
from reconciler.services import switches
from reconciler.services.switches import REASON_CHARS_MAX, SwitchName
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A switch in words: what stops without it, and what goes on all the same."""

    title: str
    stops: str
    goes_on: str
    button: str  # of the form that turns it off


MEANINGS = {
    SwitchName.REFUNDS: Meaning(
        "Refunds",
        "No refund is sent. What is asked for and approved waits here.",
        "A refund that the payment provider has already is not called back.",
        "Stop refunds",
    ),
    SwitchName.APPLY: Meaning(
        "Applying",
        "What the payment providers tell changes no books, and nothing is matched by itself.",
        "Every event is still taken in and kept; people can still match.",
        "Stop applying",
    ),
    SwitchName.OUTBOUND: Meaning(
        "Everything that goes out",
        "Nothing leaves that changes something elsewhere: no refund, no cancellation.",
        "Events are taken in and applied, and the providers are still asked what they know.",
        "Stop all that goes out",
    ),
}


@screens.get("/switches")
def list_switches(desk: Desk) -> Response:
    """How every switch stands."""
    with desk.runtime.read() as session:
        states = switches.states(session)
        names = screens_people.names_of_causes(
            session, {s.changed_by for s in states if s.changed_by}
        )
    return desk.page("switches.html", states=states, meanings=MEANINGS, names=names)


@screens.get("/switches/<name>", Role.ADMIN)
def show_switch(desk: Desk, name: str) -> Response:
    """What turning it means, before it is turned."""
    return _show(desk, name)


@screens.post("/switches/<name>", Role.ADMIN)
def turn_switch(desk: Desk, name: str) -> Response:
    """Turn it, with a reason."""
    is_on, reason = request.form.get("on") == "yes", request.form.get("reason", "")
    try:
        desk.do(lambda work: switches.change(work, name, on=is_on, reason=reason))
    except Invalid as error:
        return _show(desk, name, status=422, error=errors.sentence(error))
    return go("list_switches")


def _show(desk: Desk, name: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        state = switches.state(session, name)
        waiting = _waiting(desk, state.name)
    return desk.page(
        "switch.html",
        status=status,
        state=state,
        meaning=MEANINGS[state.name],
        waiting=waiting,
        error=error,
        reason=request.form.get("reason", "")[:REASON_CHARS_MAX],
        reason_chars_max=REASON_CHARS_MAX,
    )


def _waiting(desk: Desk, name: SwitchName) -> tuple[int, str]:
    """What waits for the switch now: how much, and of what."""
    with desk.runtime.read() as session:
        if name is SwitchName.APPLY:
            return status.inbox(session, desk.now).pending, "event"
        return status.refunds(session).in_flight, "refund"
