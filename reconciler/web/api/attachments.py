"""The routes under /attachments, and what a form with a file says beside it."""

from typing import Annotated

from pydantic import Field

from reconciler.flows import keep_file
from reconciler.flows.keep_file import Download
from reconciler.reads import attachments as reads
from reconciler.reads.attachments import AttachmentRow
from reconciler.runtime import Runtime
from reconciler.web.api.fields import Body, Line128
from reconciler.web.api.routes import Look, Resource

resource = Resource("attachments")


class AttachmentForm(Body):
    """What a file is a newer version of, if it is one."""

    replaces: Annotated[
        Line128 | None, Field(description="The id of the newest version of the same file.")
    ] = None


def _download(runtime: Runtime, attachment_id: str) -> Download:
    return keep_file.download(runtime, attachment_id)


@resource.get("/attachments/{attachment_id}")
def one(look: Look, attachment_id: str) -> AttachmentRow:
    """Read what is known of one attachment."""
    return reads.one(look.session, attachment_id)


@resource.get("/attachments/{attachment_id}/content", looks=_download)
def content(look: Look, attachment_id: str, looked: Download) -> Download:
    """Read the file itself, to be saved. Its SHA-256 was compared with the one that was kept."""
    del look, attachment_id
    return looked
