"""Links to the client's page: made, shown once, and ended."""

from flask import Response, request

from reconciler.books.people import Role
from reconciler.books.portal import Scope
from reconciler.errors import NotFound, Refused
from reconciler.reads import portal_links as reads
from reconciler.reads.pages import Wanted
from reconciler.services import portal_links
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.routes import Screens

screens = Screens()


@screens.get("/portal-links")
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
    wanted = Wanted(limit=PER_PAGE, cursor=request.args.get("before") or None)
    filters: dict[str, object] = {"customer_id": customer_id} if customer_id else {}
    with desk.runtime.read() as session:
        page = reads.page(session, filters, wanted, now=desk.now)
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
        older=next_page(page.next_cursor),
    )
