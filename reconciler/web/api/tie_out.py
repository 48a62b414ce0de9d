"""The route /tie-out."""

from reconciler.flows import tie_out as flow
from reconciler.flows.tie_out import RailTied
from reconciler.reads.pages import Page
from reconciler.runtime import Runtime
from reconciler.web.api.routes import Look, Resource

resource = Resource("tie-out")


PATIENCE_SECONDS = 20.0


def _asked(runtime: Runtime) -> list[RailTied]:
    return flow.tie_out_within(runtime, PATIENCE_SECONDS)


@resource.get("/tie-out", looks=_asked)
def tie_out(look: Look, looked: list[RailTied]) -> Page[RailTied]:
    """Ask each rail what it holds, and compare it with clearing, unit by unit."""
    del look
    return Page(looked, None)
