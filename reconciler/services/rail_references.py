"""Objects of a rail that were made for a document of ours, so that money through them is for it."""

from collections.abc import Sequence

from sqlmodel import col, select

from reconciler.books import texts
from reconciler.errors import Conflict, Invalid
from reconciler.store.invoices import RailReference
from reconciler.work import Work

REFERENCES_MAX = 50  # on one document
OBJECT_CHARS_MAX = 255
RAIL_CHARS_MAX = 32


def add(
    work: Work,
    rail: str,
    object_ids: Sequence[str],
    *,
    invoice_id: str | None = None,
    deposit_id: str | None = None,
) -> None:
    """Tie objects of a rail to an invoice or deposit; saying it again changes nothing.

    Raises Conflict for an object that stands for another document already.
    """
    rail = texts.line(rail, field="rail", chars_max=RAIL_CHARS_MAX)
    names = [
        texts.line(name, field="rail_payment_ids", chars_max=OBJECT_CHARS_MAX)
        for name in object_ids
    ]
    if len(names) > REFERENCES_MAX:
        raise Invalid(f"at most {REFERENCES_MAX} at once", field="rail_payment_ids")
    known = _known(work, rail, names)
    for name in dict.fromkeys(names):
        if name not in known:
            work.session.add(
                RailReference(
                    rail=rail, object_id=name, invoice_id=invoice_id, deposit_id=deposit_id
                )
            )
        elif known[name] != (invoice_id, deposit_id):
            raise Conflict(f"{name} stands for another document", field="rail_payment_ids")
    work.session.flush()


def _known(work: Work, rail: str, names: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
    rows = work.session.exec(
        select(RailReference).where(
            col(RailReference.rail) == rail, col(RailReference.object_id).in_(names)
        )
    )
    return {row.object_id: (row.invoice_id, row.deposit_id) for row in rows}
