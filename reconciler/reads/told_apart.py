"""What documents are for, so that two of the same amount and day can be told apart."""

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.sign_offs import NEEDS_NONE
from reconciler.reads import milestones

_OF = sa.text(
    """select i.id, p.name as project, btrim(coalesce(i.description, '')) as description,
      (select string_agg(l.description, '; ' order by l.place) from invoice_line l
        where l.invoice_id = i.id) as lines
    from invoice i left join project p on p.id = i.project_id where i.id = any(:ids)
    union all
    select d.id, p.name, btrim(coalesce(d.notes, '')), null
    from deposit d left join milestone m on m.id = d.milestone_id
      left join project p on p.id = m.project_id where d.id = any(:ids)"""
)


def told(session: Session, ids: Collection[str], *, today: date) -> dict[str, str]:
    """For each of these invoices and deposits in one line what it is for; empty if it says nothing.

    Of a milestone that wants a sign-off it says whether there is one.
    """
    billed = milestones.of_invoices(session, list(ids), today=today)
    found = {}
    for row in session.execute(_OF, {"ids": list(ids)}):
        stage = billed.get(row.id)
        parts = [f"project {row.project}" if row.project else ""]
        if stage:
            parts.append(f"milestone \u201c{stage.name}\u201d")
        if stage and stage.kind not in NEEDS_NONE:
            is_signed = any(one.is_current for one in stage.sign_offs)
            parts.append("signed off" if is_signed else "not signed off yet")
        is_told = stage is not None and stage.name in row.description
        parts += ["" if is_told else row.description, row.lines or ""]
        found[row.id] = ", ".join(dict.fromkeys(part for part in parts if part))
    return found


def for_client(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The same of invoices as their client may read it: without where our work stands."""
    found = {}
    for row in session.execute(_OF, {"ids": list(ids)}):
        project = f"project {row.project}" if row.project else ""
        parts = (project, row.description, row.lines or "")
        found[row.id] = ", ".join(dict.fromkeys(part for part in parts if part))
    return found
