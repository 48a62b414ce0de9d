"""The routes under /audit: what people, programs and commands did."""

from typing import Annotated

from pydantic import Field

from reconciler.books.people import Scope
from reconciler.reads import audit as reads
from reconciler.reads.audit import AuditRow
from reconciler.reads.pages import Page
from reconciler.web.api.fields import End, Line64, Line128, Paged, Start
from reconciler.web.api.routes import Look, Resource

resource = Resource("audit")


class AuditQuery(Paged):
    """Which lines."""

    cause_kind: Annotated[
        Line64 | None, Field(description="`person`, `api_key`, `command`, `job` or `browser`.")
    ] = None
    cause_id: Annotated[Line128 | None, Field(description="Whose doings.")] = None
    action: Annotated[Line128 | None, Field(examples=["refund.approved"])] = None
    subject: Annotated[Line128 | None, Field(description="What was done to this.")] = None
    since: Start | None = None
    until: End | None = None


@resource.get("/audit", scope=Scope.ADMIN)
def listed(look: Look, query: AuditQuery) -> Page[AuditRow]:
    """List what was done, the last first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/audit/{line_id}", scope=Scope.ADMIN)
def one(look: Look, line_id: str) -> AuditRow:
    """Read one line."""
    return reads.one(look.session, line_id)
