"""The routes under /status."""

from reconciler.reads import status as reads
from reconciler.reads.status import Status
from reconciler.web.api.routes import Look, Resource

resource = Resource("status")


@resource.get("/status")
def status(look: Look) -> Status:
    """Read how the program is doing."""
    return reads.status(look.session, look.now)
