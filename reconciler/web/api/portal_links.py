"""The routes of links to the client's page."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.portal import Scope
from reconciler.reads import portal_links as reads
from reconciler.reads.pages import Page
from reconciler.reads.portal_links import PortalLinkRow
from reconciler.services import portal_links
from reconciler.web import http
from reconciler.web.api.fields import Body, Line128, Paged
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("portal-links")


class NewLink(Body):
    """How long a link lives."""

    days: Annotated[int, Field(ge=1, le=portal_links.DAYS_MAX)] = portal_links.DAYS_DEFAULT


class LinkQuery(Paged):
    """Which links."""

    customer_id: Line128 | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLink:
    """A new link. `url` carries the token, which is kept nowhere here.

    The same request with the same Idempotency-Key is answered with it again, nothing else is.
    """

    url: str
    link: PortalLinkRow


@resource.post("/customers/{customer_id}/portal-links", status=HTTPStatus.CREATED)
def of_customer(work: Work, call: Call, customer_id: str, body: NewLink) -> MadeLink:
    """Make a link to all that is a customer's."""
    return _make(work, call, Scope.CUSTOMER, customer_id, body)


@resource.post("/projects/{project_id}/portal-links", status=HTTPStatus.CREATED)
def of_project(work: Work, call: Call, project_id: str, body: NewLink) -> MadeLink:
    """Make a link to one project."""
    return _make(work, call, Scope.PROJECT, project_id, body)


@resource.post("/proposals/{proposal_id}/portal-links", status=HTTPStatus.CREATED)
def of_proposal(work: Work, call: Call, proposal_id: str, body: NewLink) -> MadeLink:
    """Make a link on which a proposal is read and answered; accepted, it shows its project."""
    return _make(work, call, Scope.PROPOSAL, proposal_id, body)


@resource.get("/portal-links")
def listed(look: Look, query: LinkQuery) -> Page[PortalLinkRow]:
    """List links, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, now=look.now)


@resource.get("/portal-links/{link_id}")
def one(look: Look, link_id: str) -> PortalLinkRow:
    """Read one link."""
    return reads.one(look.session, link_id, now=look.now)


@resource.post("/portal-links/{link_id}/revoke")
def revoke(work: Work, link_id: str) -> PortalLinkRow:
    """End a link: from here on it opens nothing."""
    portal_links.revoke(work, link_id)
    return reads.one(work.session, link_id, now=work.now)


def _make(work: Work, call: Call, scope: Scope, subject_id: str, body: NewLink) -> MadeLink:
    made, token = portal_links.create(
        work, scope=scope, subject_id=subject_id, days=body.days, token_of=http.sealed_token
    )
    url = f"{call.runtime.settings.base_url}/portal/{token}"
    return MadeLink(url=url, link=reads.one(work.session, made, now=work.now))
