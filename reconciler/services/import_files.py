"""Files for import, CSV or JSON, as rows one after the other: never a whole file in memory.

A line that cannot be read as text, or that is longer than any row is, ends the reading there.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from reconciler.books import imports as rules
from reconciler.books.import_kinds import ImportKind, Taken
from reconciler.errors import Invalid

LINE_BYTES_MAX = 256 << 10
CELLS_MAX = 100
ROWS_MAX = 1_000_000
_CHUNK_CHARS = 64 << 10


class Source(Protocol):
    """A file of bytes, as far as it is needed."""

    def read(self, size: int = -1, /) -> bytes:
        """Some bytes, or all."""

    def readline(self, size: int = -1, /) -> bytes:
        """One line, at most so long."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go there."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is refused: the line of the file, the column, and why."""

    line: int
    field: str
    why: str


def rows(file: Source, kind: ImportKind | None) -> Iterator[tuple[int, Taken] | BadRow]:
    """What each row says, or why it cannot be taken. Raises Invalid for what is no table at all."""
    start = file.read(1 << 10)
    file.seek(0)
    if not start.strip():
        raise Invalid("the file is empty", field="file")
    is_json = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))
    found = _json_rows(file) if is_json else _csv_rows(file, kind)
    known: set[tuple[str, ...]] = set()
    for number, (line, cells) in enumerate(found, 1):
        if number > ROWS_MAX:
            raise Invalid(f"a file has at most {ROWS_MAX:,} rows", field="file")
        try:
            names = tuple(cells)
            if is_json and names not in known:
                rules.columns_of(kind, list(names))
                known.add(names)
            for taken in rules.rows_of(kind, cells):
                yield line, taken
        except Invalid as error:
            yield BadRow(line, error.field or "", str(error))


def _csv_rows(file: Source, kind: ImportKind | None) -> Iterator[tuple[int, dict[str, str]]]:
    lines = _lines(file)
    head = next(lines)
    mark = max(",;\t", key=head.count)
    reader = csv.reader(_with(head, lines), delimiter=mark, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader)]
        rules.columns_of(kind, header)
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(header):
                raise Invalid(f"line {line} has more cells than the header", field="file")
            if any(cells):
                yield line, dict(zip(header, map(rules.unmarked, cells), strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid(f"line {reader.line_num}: {error}", field="file") from None


def _with(head: str, lines: Iterator[str]) -> Iterator[str]:
    yield head
    yield from lines


def _lines(file: Source) -> Iterator[str]:
    number = 0
    while raw := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > LINE_BYTES_MAX:
            raise Invalid(f"line {number} is longer than any row is", field="file")
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise Invalid(
                f"line {number} is not UTF-8; save the file as that", field="file"
            ) from None
        if "\0" in text:
            raise Invalid(f"line {number} holds a zero byte", field="file")
        yield text


def _json_rows(file: Source) -> Iterator[tuple[int, dict[str, str]]]:
    """The objects of an array, or one after the other, with the line that each begins on."""
    decoder, buffer, line = json.JSONDecoder(), "", 1
    lines = _chunks(_lines(file))
    is_over = False
    while not is_over or buffer.strip("] \t\r\n,"):
        piece = buffer.lstrip("[, \t\r\n")
        line += buffer[: len(buffer) - len(piece)].count("\n")
        try:
            found, end = decoder.raw_decode(piece)
        except json.JSONDecodeError:
            more = next(lines, None)
            if more is None and piece.strip("] \t\r\n"):
                raise Invalid(f"line {line} is no JSON object", field="file") from None
            if len(piece) > LINE_BYTES_MAX:
                raise Invalid(
                    f"line {line}: an object is longer than any row is", field="file"
                ) from None
            is_over = more is None
            buffer = piece + (more or "")
            continue
        yield line, _cells(found, line)
        line += piece[:end].count("\n")
        buffer = piece[end:]


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for text in lines:
        held.append(text)
        size += len(text)
        if size > _CHUNK_CHARS:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def _cells(found: object, line: int) -> dict[str, str]:
    if not isinstance(found, dict) or len(found) > CELLS_MAX:
        raise Invalid(f"line {line}: a row is an object", field="file")
    return {str(name): _cell(value, line) for name, value in found.items()}


def _cell(value: object, line: int) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "; ".join(value)  # as our own exports write it into a cell
    if isinstance(value, bool | float | list | dict):
        raise Invalid(f"line {line}: a value is a text or a whole number", field="file")
    return str(value)
