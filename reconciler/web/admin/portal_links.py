"""Links to the client's page: made, shown once, and ended."""

from flask import Response, request

from reconciler.books.people import Role
from reconciler.books.portal import Scope
from reconciler.errors import NotFound, Refused
from reconciler.reads import portal_links as reads
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.portal_links import PortalLinkRow
from reconciler.services import portal_links
from reconciler.web import forms
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()


_LISTED = Listed(
    "portal-links",
    (
        "id", "scope", "subject_id", "customer_id", "customer", "project", "is_open", "created_at",
        "expires_at", "revoked_at", "last_seen_at",
    ),
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[PortalLinkRow]:
    customer_id = request.values.get("customer") or None
    return reads.page(session, {"customer_id": customer_id}, wanted, now=desk.now)


@screens.get("/portal-links")
@offers_csv(_LISTED, _rows)
def list_portal_links(desk: Desk) -> Response:
    """Links that were made, the newest first; of one customer if asked so."""
    return _list(desk)


@screens.post("/portal-links", Role.RECONCILER)
def make_portal_link(desk: Desk) -> Response:
    """Make one, and show it this once."""
    try:
        days = forms.whole(request.form, "days")
        scope = Scope(forms.choice(request.form, "scope", [*Scope], ask="Say what it shows"))
        subject = forms.text(request.form, "subject_id")
        _, token = desk.do(
            lambda work: portal_links.create(work, scope=scope, subject_id=subject, days=days)
        )
    except NotFound:
        raise
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return _list(desk, url=f"{desk.runtime.settings.base_url}/portal/{token}")


@screens.post("/portal-links/<link_id>/revoke", Role.RECONCILER)
def revoke_portal_link(desk: Desk, link_id: str) -> Response:
    """End one at once."""
    customer_id = desk.do(lambda work: portal_links.revoke(work, link_id))
    return go("list_portal_links", customer=customer_id)


def _list(desk: Desk, *, status: int = 200, error: str = "", url: str = "") -> Response:
    customer_id = request.values.get("customer") or None
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "portal_links.html",
        status=status,
        made=page.data,
        customer_id=customer_id,
        subject_id=request.values.get("subject_id", customer_id or ""),
        scope=request.values.get("scope", "customer"),
        days=portal_links.DAYS_DEFAULT,
        error=error,
        url=url,
        older=paging.next_page(page.next_cursor),
    )
