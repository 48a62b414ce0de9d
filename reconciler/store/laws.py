"""Many laws asked as one: to ask takes the database longer than to answer, while all is right."""

from collections.abc import Mapping

import sqlalchemy as sa


def counted_at_once(queries: Mapping[str, str]) -> sa.TextClause:
    """A statement that gives of each `law`, also of those that hold, how many things are wrong."""
    return sa.text(
        " union all ".join(
            f"select '{law}' as law, count(*) as broken from ({query}) as broken (detail)"
            for law, query in queries.items()
        )
    )


def asked_at_once(queries: Mapping[str, str], *, at_most: int | None = None) -> sa.TextClause:
    """A statement that gives `law` and `detail` of what is wrong, law by law as they are given.

    Each query gives one line of text for each thing that is wrong; of each law at most `at_most`
    are given.
    """
    limit = "" if at_most is None else f" limit {at_most:d}"
    return sa.text(
        " union all ".join(
            f"(select '{law}' as law, broken.detail from ({query}) as broken (detail){limit})"
            for law, query in queries.items()
        )
    )
