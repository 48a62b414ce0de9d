"""What people here are told by mail: a client has answered a proposal.

Whoever may act on it is written to, unless they have turned it off for themselves. Somebody of ours
who noted an answer knows it already.
"""

import sqlalchemy as sa

from reconciler.books.mail import MessageKind
from reconciler.books.people import Role
from reconciler.services import audit, mail, people
from reconciler.services.mail import NewMessage
from reconciler.store.proposals import Proposal
from reconciler.work import Work

_WHO_MAY = (Role.RECONCILER.value, Role.APPROVER.value, Role.ADMIN.value)
_TO = sa.text(
    """select id, email, name from user_account
    where disabled_at is null and wants_answers and role = any(:roles) order by id"""
)


def of_answer(work: Work, proposal: Proposal) -> None:
    """A mail to each of them that a client has accepted or declined, once for each version."""
    if work.is_past or work.cause.kind == "person":
        return
    for person in work.session.execute(_TO, {"roles": list(_WHO_MAY)}).all():
        new = NewMessage(
            kind=MessageKind.PROPOSAL_ANSWERED,
            to=person.email,
            to_name=person.name,
            about=proposal.id,
            once=f"proposal_answered/{proposal.id}/{proposal.version}/{person.id}",
        )
        mail.write(work, new)


def want(work: Work, user_id: str, *, answers: bool) -> None:
    """Somebody wants to be told of clients' answers by mail, or not. Raises NotFound."""
    user = people.locked(work, user_id)
    before = {"answers": user.wants_answers}
    user.wants_answers = answers
    work.session.flush()
    audit.note(work, "person.mail_changed", user_id, before=before, after={"answers": answers})
