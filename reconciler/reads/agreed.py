"""What shows that money was owed and for what: invoices sent, sign-offs, proposals, mails."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads import messages, milestones
from reconciler.reads.messages import MessageRow
from reconciler.reads.milestones import MilestoneRow

MAILS_MAX = 10  # the last of them: a customer who is reminded for years has many


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice, when it was `sent_at`; or a deposit that was asked for."""

    id: str
    number: str
    is_deposit: bool
    issued_on: date | None
    sent_at: datetime | None
    project_id: str | None
    project: str | None
    milestone_id: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A proposal that a client accepted: who by name, when, and the hash of its words."""

    id: str
    name: str
    decided_by: str | None
    decided_at: datetime
    sha256: str
    is_on_their_page: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """All of it. `milestones` with their sign-offs; `mails` that left, the last first."""

    documents: list[Document]
    milestones: list[MilestoneRow]
    proposals: list[Accepted]
    mails: list[MessageRow]


_DOCUMENTS = sa.text(
    """select i.id, i.number, false as is_deposit, i.issued_on, i.sent_at, p.id as project_id,
      p.name as project, i.milestone_id
    from invoice i left join project p on p.id = i.project_id where i.id = any(:ids)
    union all
    select d.id, d.code, true, d.taken_on, cast(null as timestamptz), p.id, p.name, d.milestone_id
    from deposit d left join milestone m on m.id = d.milestone_id
      left join project p on p.id = coalesce(d.project_id, m.project_id) where d.id = any(:ids)
    order by number"""
)
_PROPOSALS = sa.text(
    """select id, name, decided_by, decided_at, accepted_sha256 as sha256,
      decided_cause_kind = 'portal' as is_on_their_page
    from proposal where project_id = any(:projects) and state = 'accepted' order by decided_at"""
)
_MAILS = sa.text(
    """select id from message where about = any(:ids) and state = 'sent'
    order by sent_at desc, id desc limit :limit"""
)


def about(session: Session, ids: Collection[str], payment_id: str, *, today: date) -> Agreed:
    """What there is about these invoices and deposits, and the payment for them."""
    rows = session.execute(_DOCUMENTS, {"ids": list(ids)})
    documents = [Document(**row._asdict()) for row in rows]
    stages = [one.milestone_id for one in documents if one.milestone_id]
    projects = {one.project_id for one in documents if one.project_id}
    found = milestones.load(session, stages, today=today) if stages else {}
    rows = session.execute(_PROPOSALS, {"projects": sorted(projects)})
    accepted = [Accepted(**row._asdict()) for row in rows]
    spoken_of = [*ids, payment_id, *(one.id for one in accepted)]
    given = {"ids": spoken_of, "limit": MAILS_MAX}
    sent = list(session.scalars(_MAILS, given))
    told = messages.load(session, sent) if sent else {}
    return Agreed(
        documents,
        [found[one] for one in dict.fromkeys(stages) if one in found],
        accepted,
        [told[one] for one in sent if one in told],
    )
