"""Bank statements as files: what bytes from a bank say, line by line, and what could not be read.

A file is a stranger's text. Each bad row is named with its number, field and reason, and the rest
is taken; a file that is no statement at all is refused whole.
"""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.books.bank_lines import LINES_MAX, BadRow, BankLine, DayOrder
from reconciler.errors import Invalid
from reconciler.services import statement_camt, statement_csv

FILE_BYTES_MAX = 10 << 20


class Form(StrEnum):
    """The forms of statement that are read."""

    CSV = "csv"
    CAMT = "camt.053"


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says."""

    form: Form
    lines: list[BankLine]
    bad: list[BadRow]


def read(body: bytes, *, currency: str | None = None, day_order: DayOrder | None = None) -> Read:
    """A bank's file, CSV or camt.053, told apart by how it begins.

    `currency` is the account's, for files that name none; `day_order` is asked for where the
    days of a file can be read two ways. Raises Invalid with the field.
    """
    if len(body) > FILE_BYTES_MAX:
        raise Invalid(f"a statement is at most {FILE_BYTES_MAX >> 20} MiB", field="file")
    if not body.strip():
        raise Invalid("the file is empty", field="file")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        form, (lines, bad) = Form.CAMT, statement_camt.read(body)
    else:
        form, (lines, bad) = Form.CSV, statement_csv.read(body, currency, day_order)
    if len(lines) > LINES_MAX:
        raise Invalid(f"a statement has at most {LINES_MAX:,} lines", field="file")
    if not lines and bad:
        raise Invalid(
            f"no line could be read; line {bad[0].number}: {bad[0].field} {bad[0].why}",
            field="file",
        )
    return Read(form, lines, bad)
