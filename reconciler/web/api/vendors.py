"""The routes under /vendors."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.reads import vendors as reads
from reconciler.reads.pages import Page
from reconciler.reads.vendors import VendorRow
from reconciler.services import vendors
from reconciler.web.api.fields import Body, Changes, Line255, Paged, Rev, Words4000
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("vendors")

_Name = Annotated[Line255, Field(max_length=vendors.NAME_CHARS_MAX)]
_Mail = Annotated[Line255, Field(max_length=254, examples=["books@example.com"])]


class VendorBody(Body):
    """One whose bills we pay."""

    name: _Name
    email: _Mail | None = None
    notes: Words4000 | None = None


class VendorChanges(Changes):
    """What is to be changed; what is left out stays."""

    name: _Name = ""
    email: _Mail | None = None
    notes: Words4000 | None = None
    rev: Rev


class VendorQuery(Paged):
    """Which vendors."""

    email: Line255 | None = None
    name: Annotated[Line255 | None, Field(description="A part of the name.")] = None


@resource.post("/vendors", status=HTTPStatus.CREATED)
def create(work: Work, body: VendorBody) -> VendorRow:
    """Add a vendor."""
    return _one(work, vendors.create(work, **body.model_dump()))


@resource.get("/vendors")
def listed(look: Look, query: VendorQuery) -> Page[VendorRow]:
    """List vendors, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/vendors/{vendor_id}")
def one(look: Look, vendor_id: str) -> VendorRow:
    """Read one vendor."""
    return reads.one(look.session, vendor_id, today=look.today)


@resource.patch("/vendors/{vendor_id}")
def patch(work: Work, vendor_id: str, body: VendorChanges) -> VendorRow:
    """Change a vendor."""
    vendors.patch(work, vendor_id, body.given(), rev=body.rev)
    return _one(work, vendor_id)


def _one(work: Work, vendor_id: str) -> VendorRow:
    return reads.one(work.session, vendor_id, today=work.now.date())
