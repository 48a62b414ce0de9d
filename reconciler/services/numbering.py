"""Numbers given to documents that come without one: INV-1001, INV-1002, and so on."""

import sqlalchemy as sa
from sqlmodel import Session

from reconciler import ids

FIRST = 1001
_STEPS = 32  # probes a question; four or five questions find the end among millions
_REACH = 10**9

_LOCK = sa.text("select pg_advisory_xact_lock(hashtextextended(:series, 2))")
_TAKEN = {
    table: sa.text(
        f"select lower(btrim({column})) from {table} where lower(btrim({column})) = any(:names)"
    )
    for table, column in (
        ("invoice", "number"),
        ("deposit", "code"),
        ("credit_note", "number"),
        ("prepayment", "code"),
    )
}


def next_free(session: Session, table: str, prefix: str) -> str:
    """The first free number after a run of taken ones; held for this transaction.

    Found by probing the unique index in ever wider steps and closing in from there, because
    sorting all numbers by their digits would read the whole table. Who numbers at the same time
    takes turns: not always in the order in which they began, so that a past that is done over gives
    the numbers that were given then.
    """
    given = ids.given_before(prefix)
    if given is not None:
        return given
    session.execute(_LOCK, {"series": prefix})
    low, high = FIRST - 1, FIRST
    powers = [FIRST + 2**n - 1 for n in range(_REACH.bit_length())]
    low, high = _narrow(session, table, prefix, low, powers)
    while high - low > 1:
        step = max(1, (high - low) // _STEPS)
        low, high = _narrow(session, table, prefix, low, [*range(low + step, high, step), high])
    return f"{prefix}{high}"


def _narrow(
    session: Session, table: str, prefix: str, low: int, probes: list[int]
) -> tuple[int, int]:
    """The last probe before the first free one, and that one. `low` is taken, or before all."""
    names = {f"{prefix}{probe}".lower(): probe for probe in probes}
    taken = set(session.scalars(_TAKEN[table], {"names": list(names)}))
    for name, probe in names.items():
        if name not in taken:
            return low, probe
        low = probe
    raise AssertionError(f"no number is free up to {prefix}{low}")
