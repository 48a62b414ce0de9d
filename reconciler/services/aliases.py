"""The rail's other ids that lead to a payment."""

from collections.abc import Collection

from reconciler.store import payment_rows
from reconciler.work import Work


def payments_by_alias(
    work: Work, keys: Collection[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """The rail's payment id behind each known (rail, account, object)."""
    return payment_rows.by_alias(work.session, sorted(keys))
