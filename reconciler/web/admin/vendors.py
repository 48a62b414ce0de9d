"""Vendors: whom we owe what, and what they were paid ahead."""

from collections.abc import Iterator, Mapping

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused
from reconciler.reads import bills, payees, prepayments, vendors
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.vendors import VendorRow
from reconciler.services import vendors as services
from reconciler.web import forms
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

SHOWN_MAX = 10  # of each kind; there is a link to the rest
_FIELDS = ("name", "email", "notes")


def _told(_: Desk, one: VendorRow) -> Iterator[Mapping[str, object]]:
    """A row for each currency, or one without amounts."""
    who = {"id": one.id, "name": one.name, "email": one.email}
    for balance in one.balances.values():
        yield who | {name: getattr(balance, name) for name in ("currency", *_AMOUNTS)}
    if not one.balances:
        yield who | {"currency": None} | dict.fromkeys(_AMOUNTS)


_AMOUNTS = ("billed", "paid", "outstanding", "overdue", "prepaid")
_LISTED = Listed("vendors", ("id", "name", "email", "currency", *_AMOUNTS), _AMOUNTS, told=_told)


def _looked_for() -> str | None:
    return request.args.get("name", "").strip() or None


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[VendorRow]:
    return vendors.page(session, {"name": _looked_for()}, wanted, today=desk.today)


@screens.get("/vendors")
@offers_csv(_LISTED, _rows)
def list_vendors(desk: Desk) -> Response:
    """Vendors, the newest first, with what each is owed."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "vendors.html",
        vendors=page.data,
        looked_for=_looked_for(),
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/vendors/new", Role.RECONCILER)
def new_vendor(desk: Desk) -> Response:
    """An empty form."""
    return _form(desk, None)


@screens.post("/vendors/new", Role.RECONCILER)
def add_vendor(desk: Desk) -> Response:
    """Keep a new vendor."""
    return _kept(desk, None)


@screens.get("/vendors/<vendor_id>")
def show_vendor(desk: Desk, vendor_id: str) -> Response:
    """One vendor, with their latest bills and prepayments."""
    some = Wanted(SHOWN_MAX)
    with desk.runtime.read() as session:
        vendor = vendors.one(session, vendor_id, today=desk.today)
        theirs = {"vendor_id": vendor_id}
        billed = bills.page(session, theirs, some, today=desk.today).data
        ahead = prepayments.page(session, theirs, some).data
        payee = payees.one(session, vendor_id)
    return desk.page(
        "vendor.html",
        vendor=vendor,
        bills=billed,
        prepayments=ahead,
        payee=payee,
        shown_max=SHOWN_MAX,
        notice="What is known of them is saved." if "kept" in request.args else "",
    )


@screens.get("/vendors/<vendor_id>/change", Role.RECONCILER)
def change_vendor(desk: Desk, vendor_id: str) -> Response:
    """What they are called."""
    return _form(desk, vendor_id)


@screens.post("/vendors/<vendor_id>/change", Role.RECONCILER)
def save_vendor(desk: Desk, vendor_id: str) -> Response:
    """Keep what was typed."""
    return _kept(desk, vendor_id)


def _kept(desk: Desk, vendor_id: str | None) -> Response:
    try:
        said = {
            "name": forms.text(request.form, "name"),
            "email": request.form.get("email", "").strip() or None,
            "notes": forms.words(request.form, "notes", chars_max=services.NOTES_CHARS_MAX) or None,
        }
        kept = desk.once(lambda work: _save(work, vendor_id, said))
    except NotFound:
        raise
    except Refused as error:
        return _form(desk, vendor_id, refusal=error)
    return go("show_vendor", vendor_id=kept, kept=1)


def _save(work: Work, vendor_id: str | None, said: dict[str, str | None]) -> str:
    if vendor_id is None:
        name = said["name"]
        assert name, "a form without a name was refused"
        return services.create(work, name=name, email=said["email"], notes=said["notes"])
    services.patch(work, vendor_id, said, rev=forms.whole(request.form, "rev"))
    return vendor_id


def _form(desk: Desk, vendor_id: str | None, *, refusal: Refused | None = None) -> Response:
    vendor = None
    if vendor_id is not None:
        with desk.runtime.read() as session:
            vendor = vendors.one(session, vendor_id, today=desk.today)
    typed = {name: getattr(vendor, name, None) or "" for name in _FIELDS}
    if refusal is not None:
        typed = {name: request.form.get(name, "") for name in _FIELDS}
    return desk.page(
        "vendor_form.html",
        vendor=vendor,
        typed=typed,
        **errors.told(refusal),
    )
