"""The routes under /switches."""

from reconciler.books.people import Scope
from reconciler.reads.pages import Page
from reconciler.services import switches
from reconciler.services.switches import SwitchState
from reconciler.web.api.fields import Body, Line500
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("switches")


class SwitchBody(Body):
    """How a switch is to stand, and why."""

    on: bool
    reason: Line500


@resource.get("/switches")
def listed(look: Look) -> Page[SwitchState]:
    """List what a person can turn off at once."""
    return Page(switches.states(look.session), None)


@resource.get("/switches/{name}")
def one(look: Look, name: str) -> SwitchState:
    """Read one switch."""
    return switches.state(look.session, name)


@resource.put("/switches/{name}", scope=Scope.ADMIN)
def put(work: Work, name: str, body: SwitchBody) -> SwitchState:
    """Turn something on or off."""
    return switches.change(work, name, on=body.on, reason=body.reason)
