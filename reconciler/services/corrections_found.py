"""Corrections that a file brings, noted while it is read. Taking one is another matter."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from reconciler import ids
from reconciler.books import bank_corrections as rules
from reconciler.books.bank_lines import LINES_MAX, BankLine
from reconciler.store import correction_rows as store
from reconciler.work import Work

_NOTHING: Mapping[str, object] = {
    "identity": None, "currency": None, "booked_on": None, "amount": None, "number": 0, "text": "",
    "reference": "", "counterparty": "", "bank_reference": "",
}  # fmt: skip


def note(
    work: Work, statement_id: str, account: str, lines: Sequence[BankLine], named: Sequence[str]
) -> tuple[int, set[int]]:
    """Keep what a file says otherwise than those before it; `named` is what makes each line itself.

    Gives how many corrections are new, and the places of lines that wait with them.
    """
    if not lines:
        return 0, set()
    days = [line.booked_on for line in lines]
    references = sorted({line.bank_reference for line in lines if line.bank_reference})
    known = store.known(work.session, account, (min(days), max(days)), references, LINES_MAX)
    found = rules.corrections(known, lines, named)
    declined = store.declined(work.session, [one.line_id for one in found])
    rows: list[dict[str, object]] = []
    places: set[int] = set()
    for one in found:
        said = dict(_NOTHING)
        if one.place is not None:
            said |= asdict(lines[one.place]) | {"identity": named[one.place]}
        if (one.line_id, said["identity"]) in declined:
            continue
        if one.place is not None:
            places.add(one.place)
        rows.append(
            said
            | {
                "id": ids.new_id("bco"),
                "statement_id": statement_id,
                "line_id": one.line_id,
                "kind": one.kind.value,
                "found_at": work.now,
            }
        )
    return store.add(work.session, rows), places
