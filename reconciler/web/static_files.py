"""Files that pages name: made small for browsers that take them so, which all do."""

import functools
import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from flask import Response, request, send_file, send_from_directory

_TEXTS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def handing_out(folder: Path) -> Callable[[str], Response]:
    """A view of the files in a folder. Raises werkzeug's NotFound for what is not there.

    Only files are made small. A page holds a form token beside what somebody typed, and how long
    it becomes would tell of the token (the attack called BREACH).
    """

    def static(filename: str) -> Response:
        response = send_from_directory(folder, filename)
        place = folder / filename
        if place.suffix in _TEXTS:
            if request.accept_encodings["gzip"]:
                response.close()
                response = _small(place)
            response.vary.add("Accept-Encoding")
        return response

    return static


def _small(place: Path) -> Response:
    made, digest = _made_small(place, place.stat().st_mtime_ns)
    response = send_file(io.BytesIO(made), _TEXTS[place.suffix], conditional=True, etag=digest)
    if response.status_code == 200:
        response.headers["Content-Encoding"] = "gzip"
    return response


@functools.lru_cache(maxsize=64)
def _made_small(place: Path, changed_ns: int) -> tuple[bytes, str]:
    del changed_ns  # a file that was edited is another one
    made = gzip.compress(place.read_bytes(), 9, mtime=0)
    return made, hashlib.sha256(made).hexdigest()[:16]
