"""Sign-offs of a milestone: what there is, attaching a document, having one handed out."""

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Refused
from reconciler.flows import keep_file
from reconciler.reads import attachments, milestones as reads, projects
from reconciler.services import sign_offs
from reconciler.web import downloads
from reconciler.web.admin import errors
from reconciler.web.admin.attachments import chosen_file
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()


@screens.get("/milestones/<milestone_id>/sign-offs")
def show_sign_offs(desk: Desk, milestone_id: str) -> Response:
    """What a milestone was signed off by."""
    return _show(desk, milestone_id)


@screens.post("/milestones/<milestone_id>/sign-offs", Role.RECONCILER)
def attach_sign_off(desk: Desk, milestone_id: str) -> Response:
    """Attach a document by which the client signed off."""
    try:
        given, signer = chosen_file(), request.form.get("signed_by_name", "").strip()
        with keep_file.kept(desk.runtime, given.body) as file:
            desk.do(
                lambda work: sign_offs.sign_off_by_file(
                    work, milestone_id, given.name, file, signed_by=signer or None
                )
            )
    except Refused as error:
        return _show(desk, milestone_id, status=422, error=errors.sentence(error))
    return go("show_sign_offs", milestone_id=milestone_id, signed=1)


@screens.get("/milestones/<milestone_id>/sign-offs/<attachment_id>")
def hand_out_sign_off(desk: Desk, milestone_id: str, attachment_id: str) -> Response:
    """A document of a milestone, to be saved."""
    return downloads.answer(keep_file.download(desk.runtime, attachment_id, milestone_id))


def _show(desk: Desk, milestone_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        milestone = reads.one(session, milestone_id, today=desk.today)
        project = projects.one(session, milestone.project_id, today=desk.today)
        files = attachments.of(session, [milestone_id]).get(milestone_id, [])
    return desk.page(
        "sign_offs.html",
        status=status,
        milestone=milestone,
        project=project,
        files={file.id: file for file in files},
        typed=request.form.get("signed_by_name", ""),
        error=error,
        notice="The sign-off is attached." if "signed" in request.args and not error else "",
    )
