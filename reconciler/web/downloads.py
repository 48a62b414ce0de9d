"""Files handed out: to be saved, never to be shown or run beside pages of ours."""

from flask import Response

from reconciler.books import file_names
from reconciler.flows.keep_file import Download

# Even where a browser shows it, it may run, load and send nothing, and is of no origin.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Accept-Ranges": "none",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def answer(found: Download) -> Response:
    """The file whole, whatever part of it was asked for."""
    response = Response(found.body, content_type=found.media_type.value)
    response.headers["Content-Disposition"] = file_names.disposition(found.file_name)
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
