"""Milestones are signed off: by a document that somebody attaches, or by the client on their page.

What is signed is the milestone as it stands. Where it is changed later, it has to be signed again.
"""

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import sign_offs as rules, texts
from reconciler.books.milestones import MilestoneKind
from reconciler.errors import Conflict, Refused
from reconciler.ids import new_id
from reconciler.services import attachments, audit, milestones
from reconciler.services.attachments import StoredFile
from reconciler.store.invoices import Invoice
from reconciler.store.projects import Milestone
from reconciler.store.sign_offs import SignOff
from reconciler.work import Work

SIGNER_CHARS_MAX = 200
REASON_CHARS_MAX = 500


def sign_off_by_file(
    work: Work, milestone_id: str, file_name: str, file: StoredFile, *, signed_by: str | None = None
) -> str:
    """Attach the document by which a client signed off; gives the sign-off's id.

    A document that is there already stays, as an older version. Raises NotFound, Invalid, Refused.
    """
    name = (
        texts.line(signed_by, field="signed_by_name", chars_max=SIGNER_CHARS_MAX)
        if signed_by
        else None
    )
    milestone, _ = milestones.lock(work, milestone_id)
    last = _last(work, milestone_id)
    older = _newest_file(work, milestone_id)
    kept = attachments.keep(
        work, subject=milestone_id, file_name=file_name, file=file, replaces=older
    )
    made = _sign_off(work, milestone, last, signed_by=name)
    made.source, made.attachment_id, made.sha256 = "file", kept, file.sha256
    return _write(work, made)


def sign_off_by_client(work: Work, milestone_id: str, name: str, *, seen: str) -> str:
    """The client signs off on their page, with their name; gives the sign-off's id.

    `seen` is the digest of the terms that the page showed. Raises NotFound, Invalid, Conflict if
    they were changed meanwhile.
    """
    signer = texts.line(name, field="name", chars_max=SIGNER_CHARS_MAX)
    milestone, _ = milestones.lock(work, milestone_id)
    if rules.digest(terms(milestone)) != seen:
        raise Conflict("this milestone was changed meanwhile; look at it again", field="seen")
    last = _last(work, milestone_id)
    if last is not None and last.signed == terms(milestone):
        raise Conflict(f"{milestone.name} is signed off already")
    made = _sign_off(work, milestone, last, signed_by=signer)
    made.source, made.sha256 = "portal", seen
    return _write(work, made)


def terms(milestone: Milestone) -> str:
    """What is signed of a milestone, as it stands."""
    return rules.terms(
        milestone.id,
        name=milestone.name,
        description=milestone.description,
        amount=milestone.amount,
        currency=milestone.currency,
    )


def must_allow(work: Work, invoice: Invoice, why_without: str | None) -> str | None:
    """A milestone's invoice goes out once it is signed off, or with a reason why it is not.

    Gives that reason where it was needed. Raises Refused, or Invalid for a reason that is none.
    """
    if invoice.milestone_id is None:
        return None
    milestone, _ = milestones.lock(work, invoice.milestone_id)
    last = _last(work, milestone.id)
    is_signed = last is not None and last.signed == terms(milestone)
    if is_signed or MilestoneKind(milestone.kind) in rules.NEEDS_NONE:
        return None
    if not why_without:
        raise Refused(
            f"{milestone.name} is not signed off; attach the sign-off, or say why it is sent"
            " without one",
            field="without_sign_off",
        )
    return texts.line(why_without, field="without_sign_off", chars_max=REASON_CHARS_MAX)


def _last(work: Work, milestone_id: str) -> SignOff | None:
    newest = (
        select(SignOff)
        .where(col(SignOff.milestone_id) == milestone_id)
        .order_by(col(SignOff.version).desc())
        .limit(1)
    )
    return work.session.exec(newest).first()


def _newest_file(work: Work, milestone_id: str) -> str | None:
    newest = (
        sa.select(col(SignOff.attachment_id))
        .where(col(SignOff.milestone_id) == milestone_id, col(SignOff.attachment_id).is_not(None))
        .order_by(col(SignOff.version).desc())
        .limit(1)
    )
    return work.session.execute(newest).scalar()


def _sign_off(
    work: Work, milestone: Milestone, last: SignOff | None, *, signed_by: str | None
) -> SignOff:
    return SignOff(
        id=new_id("so"),
        milestone_id=milestone.id,
        version=1 if last is None else last.version + 1,
        signed_by_name=signed_by,
        signed=terms(milestone),
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        at=work.now,
    )


def _write(work: Work, made: SignOff) -> str:
    work.session.add(made)
    work.session.flush()
    said = ("source", "attachment_id", "signed_by_name", "sha256", "version")
    after = {name: getattr(made, name) for name in said} | {"sign_off": made.id}
    audit.note(work, "milestone.signed_off", made.milestone_id, after=after)
    return made.id
