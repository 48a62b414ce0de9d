"""What pages look for among a million things is found by an index."""

import pytest
import sqlalchemy as sa

from reconciler.reads import suggestions, timeline
from reconciler.runtime import make_engine

_AMOUNTS = {"currencies": ["USD"], "amounts": [5_000], "limit": 20}


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (timeline._EVENTS, {"ids": ["pay_1"]}, "ix_inbox_outcome_payment"),
        (suggestions._SAME_AMOUNT, _AMOUNTS, "ix_invoice_open_amount"),
    ],
    ids=["events", "amounts"],
)
def test_it_is_found_by_an_index(
    database_url: str, statement: sa.TextClause, values: dict, index: str
) -> None:
    engine = make_engine(database_url)
    with engine.begin() as line:
        # Of a table with next to nothing in it, reading all of it is right.
        line.execute(sa.text("set local enable_seqscan = off"))
        plan = "\n".join(line.scalars(sa.text(f"explain {statement.text}"), values))
    engine.dispose()
    assert index in plan
