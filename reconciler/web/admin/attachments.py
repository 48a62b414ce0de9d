"""Files on a deposit: adding one, and having one handed out."""

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Invalid, NotFound, Refused
from reconciler.flows import keep_file
from reconciler.reads import screens_documents
from reconciler.services import attachments
from reconciler.web import downloads
from reconciler.web.admin import deposits, errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.web.http import GivenFile

screens = Screens()


@screens.post("/deposits/<name>/attachments", Role.RECONCILER)
def attach_to_deposit(desk: Desk, name: str) -> Response:
    """Attach a file to a deposit."""
    deposit_id = _deposit_id(desk, name)
    try:
        given, replaces = chosen_file(), request.form.get("replaces") or None
        with keep_file.kept(desk.runtime, given.body) as file:
            desk.do(
                lambda work: attachments.keep_on_deposit(
                    work, deposit_id, given.name, file, replaces=replaces
                )
            )
    except Refused as error:
        return deposits.show(desk, name, status=422, error=errors.sentence(error))
    return go("show_deposit", name=deposit_id, attached=1)


@screens.get("/deposits/<name>/attachments/<attachment_id>")
def hand_out_of_deposit(desk: Desk, name: str, attachment_id: str) -> Response:
    """A file of a deposit, to be saved."""
    deposit_id = _deposit_id(desk, name)
    return downloads.answer(keep_file.download(desk.runtime, attachment_id, deposit_id))


def chosen_file() -> GivenFile:
    """The file that somebody chose. Raises Invalid."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("Choose a file", field="file")
    with file.stream as stream:  # a large one lies in a temporary file
        return GivenFile(file.filename, stream.read())


def _deposit_id(desk: Desk, name: str) -> str:
    with desk.runtime.read() as session:
        deposit = screens_documents.deposit(session, name)
    if deposit is None:
        raise NotFound(f"There is no deposit {name[:80]}")
    return deposit.id
