"""Links to the client's page: mailed, or made and shown once; and ended."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask import Response, request

from reconciler.books.mail import Words
from reconciler.books.people import Role
from reconciler.books.portal import Scope
from reconciler.errors import Invalid, NotFound, Refused
from reconciler.flows.last_look import client_page
from reconciler.flows.send_mail import house_of
from reconciler.reads import customers, portal_links as reads
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.portal_links import PortalLinkRow
from reconciler.services import mailings, portal_links
from reconciler.web import forms
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()


@dataclass(frozen=True, slots=True)
class Mailable:
    """What a mail with the link would say now; `email` is empty where none is known.

    `again_at`: they were just mailed one, and can be mailed another then.
    """

    customer: str
    email: str
    words: Words
    again_at: datetime | None


_LISTED = Listed(
    "portal-links",
    (
        "id", "scope", "subject_id", "customer_id", "customer", "project", "is_open", "created_at",
        "expires_at", "revoked_at", "last_seen_at",
    ),
)  # fmt: skip


def _rows(
    desk: Desk, session: Session, wanted: Wanted, customer_id: str | None = None
) -> Page[PortalLinkRow]:
    customer_id = customer_id or request.values.get("customer") or None
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


@screens.post("/customers/<customer_id>/mail", Role.RECONCILER)
def mail_client_page(desk: Desk, customer_id: str) -> Response:
    """Mail them a link of their own, to the address that was shown or typed."""

    def deed() -> Response:
        email = request.form.get("email", "").strip() or None
        shown = request.form.get("shown") or None
        desk.once(lambda work: mailings.of_client_page(work, customer_id, email=email, shown=shown))
        return go("list_portal_links", customer=customer_id, mailed=1)

    def again(refusal: Refused) -> Response:
        said = errors.told(refusal)
        return _list(desk, customer_id=customer_id, status=said["status"], error=said["error"])

    return errors.or_again(deed, again)


@screens.post("/portal-links/<link_id>/revoke", Role.RECONCILER)
def revoke_portal_link(desk: Desk, link_id: str) -> Response:
    """End one at once."""
    customer_id = desk.do(lambda work: portal_links.revoke(work, link_id))
    return go("list_portal_links", customer=customer_id)


def _list(
    desk: Desk,
    *,
    customer_id: str | None = None,
    status: int = 200,
    error: str = "",
    url: str = "",
) -> Response:
    customer_id = customer_id or request.values.get("customer") or None
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted(), customer_id)
        mailable = _mailable(desk, session, customer_id)
    return desk.page(
        "portal_links.html",
        status=status,
        made=page.data,
        customer_id=customer_id,
        mailable=mailable,
        is_mailed="mailed" in request.args,
        subject_id=request.values.get("subject_id", customer_id or ""),
        scope=request.values.get("scope", "customer"),
        days=portal_links.DAYS_DEFAULT,
        days_of_mail=portal_links.DAYS_OF_MAIL,
        typed=request.form.get("email", ""),
        error=error,
        url=url,
        older=paging.next_page(page.next_cursor),
    )


def _mailable(desk: Desk, session: Session, customer_id: str | None) -> Mailable | None:
    if customer_id is None or not desk.may(Role.RECONCILER):
        return None
    customer = customers.one(session, customer_id, today=desk.today)
    said = client_page(desk.now, customer.name, house_of(desk.runtime))
    email, again_at = customer.email or "", None
    with suppress(
        Invalid
    ):  # there is none, or none that can be written to: that is said when tried
        again_at = mailings.page_again_at(session, customer_id, email, now=desk.now)
    return Mailable(customer.name, email, said, again_at)
