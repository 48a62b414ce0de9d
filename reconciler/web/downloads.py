"""Files handed out: to be saved, never to be shown or run beside pages of ours."""

import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from flask import Response

from reconciler.books import file_names
from reconciler.flows.keep_file import Download

_PIECE_BYTES = 64 << 10
# Even where a browser shows it, it may run, load and send nothing, and is of no origin.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Accept-Ranges": "none",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file of any size that was made just now, and lies on the disk until it is handed out."""

    file_name: str
    content_type: str
    body: IO[bytes]
    bytes: int


def spool(pieces: Iterable[str], *, file_name: str, content_type: str) -> Spooled:
    """Write a text down before anything of it is sent.

    So a reader who takes their time holds no transaction open, and an error on the way is an
    error and not the half of a file. Memory stays flat.
    """
    body = tempfile.TemporaryFile()  # noqa: SIM115  closed when it was handed out
    text = io.TextIOWrapper(body, encoding="utf-8", newline="", write_through=True)
    try:
        text.writelines(pieces)
        text.detach()
    except BaseException:
        body.close()
        raise
    size = body.tell()
    body.seek(0)
    return Spooled(file_name, content_type, body, size)


def answer(found: Download | Spooled) -> Response:
    """The file whole, whatever part of it was asked for."""
    if isinstance(found, Spooled):
        response = Response(_parts(found.body), content_type=found.content_type)
        response.content_length = found.bytes
        response.call_on_close(found.body.close)
    else:
        response = Response(found.body, content_type=found.media_type.value)
    response.headers["Content-Disposition"] = file_names.disposition(found.file_name)
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response


def _parts(body: IO[bytes]) -> Iterator[bytes]:
    with body:
        while part := body.read(_PIECE_BYTES):
            yield part
