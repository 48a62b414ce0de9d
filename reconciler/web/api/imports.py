"""The route that takes a file of documents over."""

import io
from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.import_kinds import ImportKind
from reconciler.services import imports
from reconciler.services.imports import Given, NotTaken, Outcome
from reconciler.web.api.fields import Body
from reconciler.web.api.routes import Resource
from reconciler.web.http import GivenFile
from reconciler.web.problems import ManyInvalid
from reconciler.work import Work

resource = Resource("imports")


class ImportForm(Body):
    """What the rows of the file are."""

    kind: Annotated[ImportKind | None, Field(description="If no column kind says it.")] = None


@resource.post("/imports", status=HTTPStatus.CREATED)
def take(work: Work, body: ImportForm, table: GivenFile) -> Outcome:
    """Take customers, documents and what was paid on them over from a file: all or none.

    The same file twice changes nothing. Each refused row is named with its line.
    """
    try:
        return imports.take(work, Given(io.BytesIO(table.body), table.name, body.kind))
    except NotTaken as error:
        rows = [(f"line {bad.line}: {bad.field}", bad.why) for bad in error.outcome.bad]
        raise ManyInvalid(rows) from None


@resource.post("/imports/preview", looks=None)
def preview(work: Work, body: ImportForm, table: GivenFile) -> Outcome:
    """What taking a file over would change. Nothing is kept."""
    work.has_only_looked = True
    inside = work.session.begin_nested()
    try:
        return imports.look(work, Given(io.BytesIO(table.body), table.name, body.kind))
    finally:
        inside.rollback()
