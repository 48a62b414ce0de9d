"""A proposal on the client's page: read, accepted by name, tick and hash, or declined."""

from typing import Any

from flask import Response, make_response, redirect, request, url_for

from reconciler.books.portal import Scope
from reconciler.books.proposals import ProposalStatus
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import proposals as reads
from reconciler.reads.proposals import ProposalRow
from reconciler.services import proposals
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.portal.visit import Visit

_CHANGED = "This proposal was changed while you read it. Below is how it stands now."


def is_all_of(visit: Visit) -> bool:
    """Whether the link shows a proposal and nothing else: until a project is made of it."""
    return visit.link.scope is Scope.PROPOSAL and visit.link.project_id is None


def show_proposal(visit: Visit, proposal_id: str) -> Response:
    """One proposal, as it is offered or was answered. Raises NotFound."""
    return _show(visit, _theirs(visit, proposal_id))


def accept_proposal(visit: Visit, proposal_id: str) -> Response:
    """They accept what they saw: from there they go on to what is to be paid first."""
    forms.prove(request, visit.form_token, base_url=visit.runtime.settings.base_url)
    seen = request.form.get("seen", "")
    _theirs(visit, proposal_id)
    try:
        if request.form.get("agreed") != "yes":
            raise Invalid("Tick that you accept it", field="agreed")
        name = forms.text(request.form, "name", chars_max=proposals.NAME_CHARS_MAX)
        visit.do(lambda work: proposals.accept(work, proposal_id, name=name, seen=seen))
    except Conflict:
        return _show(visit, _theirs(visit, proposal_id), status=409, error=_CHANGED)
    except Refused as error:
        now = _theirs(visit, proposal_id)
        if (now.status, now.sha256) != (ProposalStatus.ACCEPTED, seen):
            return _show(visit, now, status=422, error=errors.sentence(error))
        # The second of two clicks: it is accepted, as they wanted.
    return _go(visit, "show", begun=1, _anchor="deposits")


def decline_proposal(visit: Visit, proposal_id: str) -> Response:
    """They do not want it, and may say why."""
    forms.prove(request, visit.form_token, base_url=visit.runtime.settings.base_url)
    _theirs(visit, proposal_id)
    try:
        name = forms.text(request.form, "name", chars_max=proposals.NAME_CHARS_MAX)
        why = " ".join(request.form.get("reason", "").split()) or None
        visit.do(lambda work: proposals.decline(work, proposal_id, name=name, reason=why))
    except Refused as error:
        now = _theirs(visit, proposal_id)
        if now.status is not ProposalStatus.DECLINED:
            return _show(visit, now, status=422, error=errors.sentence(error))
    return _go(visit, "show_proposal", proposal_id=proposal_id)


def _theirs(visit: Visit, proposal_id: str) -> ProposalRow:
    with visit.runtime.read() as session:
        found = reads.one(session, proposal_id, today=visit.today)
    link = visit.link
    is_shown = {
        Scope.CUSTOMER: True,
        Scope.PROJECT: found.project_id == link.project_id,
        Scope.PROPOSAL: found.id == link.subject_id,
    }[link.scope]
    was_offered = found.sent_at is not None or found.version > 1
    if found.customer_id != link.customer_id or not is_shown or not was_offered:
        raise NotFound("there is no such proposal")
    return found


def _show(visit: Visit, found: ProposalRow, *, status: int = 200, error: str = "") -> Response:
    with visit.runtime.read() as session:
        sent = reads.versions(session, found.id)
    return visit.page(
        "proposal.html",
        status=status,
        proposal=found,
        earlier=next((one for one in sent if one.version < found.version), None),
        is_alone=is_all_of(visit),
        error=error,
        typed=request.form,
    )


def _go(visit: Visit, endpoint: str, **values: str | int) -> Response:
    given: dict[str, Any] = {"token": visit.token, **values}
    return make_response(redirect(url_for(f"portal.{endpoint}", **given), 303))
