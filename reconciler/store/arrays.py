"""Lists of texts on their way into statements: most of what is written goes as such.

The driver's own way asks of each text whether it needs quotes and puts a backslash before each of
those with a pattern; payments' facts are JSON, so that was a fifth of what applying took.
"""

from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.array import ListDumper
from typing_extensions import override

_OF_TEXT = {str, type(None)}


class TextsDumper(ListDumper):
    """Gives what the driver's own gives, with quotes around every text."""

    @override
    def dump(self, obj: list[Any]) -> Buffer | None:
        if not obj or not _OF_TEXT.issuperset(map(type, obj)):
            return super().dump(obj)
        texts = ",".join("NULL" if text is None else _quoted(text) for text in obj)
        if "\0" in texts:
            return super().dump(obj)  # and raises: no column can hold it
        return f"{{{texts}}}".encode()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def are_quick(connection: psycopg.Connection) -> None:
    """Let lists of texts go this way on a connection whose encoding is UTF-8."""
    if connection.info.encoding == "utf-8":
        connection.adapters.register_dumper(list, TextsDumper)
