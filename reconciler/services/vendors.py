"""Vendors: whose bills we pay."""

from collections.abc import Mapping

from sqlmodel import col, select

from reconciler.books import texts
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.store.purchases import Vendor
from reconciler.work import Work

NAME_CHARS_MAX = 200
NOTES_CHARS_MAX = 4_000


def create(work: Work, *, name: str, email: str | None = None, notes: str | None = None) -> str:
    """A new vendor. Raises Invalid."""
    vendor = Vendor(id=new_id("ven"), created_at=work.now)
    _put(vendor, {"name": name, "email": email, "notes": notes})
    work.session.add(vendor)
    work.session.flush()
    audit.note(work, "vendor.created", vendor.id, after=_as_said(vendor))
    return vendor.id


def patch(
    work: Work, vendor_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change what is given. Raises NotFound, Invalid, or Conflict if `rev` is not the latest."""
    vendor = work.session.get(Vendor, vendor_id, with_for_update={"key_share": True})
    if vendor is None:
        raise NotFound(f"there is no vendor {vendor_id}")
    if rev is not None and rev != vendor.rev:
        raise Conflict(f"vendor {vendor_id} was changed meanwhile", field="rev")
    before = _as_said(vendor)
    _put(vendor, changes)
    vendor.rev += 1
    work.session.flush()
    was, became = audit.changes(before, _as_said(vendor))
    audit.note(work, "vendor.changed", vendor_id, before=was, after=became)


def must_exist(work: Work, vendor_id: str) -> None:
    """Raises Invalid, naming `vendor_id`, if there is no such vendor."""
    with work.session.no_autoflush:
        exists = select(Vendor.id).where(col(Vendor.id) == vendor_id)
        if work.session.exec(exists).first() is None:
            raise Invalid(f"there is no vendor {vendor_id}", field="vendor_id")


def _as_said(vendor: Vendor) -> dict[str, object]:
    return {name: getattr(vendor, name) for name in _CHECKS}


def _put(vendor: Vendor, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        if name not in _CHECKS:
            raise Invalid(f"{name} cannot be changed", field=name)
        setattr(vendor, name, _CHECKS[name](value))


def _name(value: object) -> str:
    return texts.line(str(value or ""), field="name", chars_max=NAME_CHARS_MAX)


def _email(value: object) -> str | None:
    return texts.mail(str(value)) if value else None


def _notes(value: object) -> str | None:
    if value is None:
        return None
    return texts.words(str(value), field="notes", chars_max=NOTES_CHARS_MAX) or None


_CHECKS = {"name": _name, "email": _email, "notes": _notes}
