"""In which order questions are shown to people: what has a deadline at a rail first, then by age.

Each is the order of an index over all that is open, so that a page of thousands reads a page.
"""

from enum import StrEnum

from reconciler.reads.pages import Order


class Sort(StrEnum):
    """`urgent`: by the deadline, then by age. Money waits since it moved, not since we asked."""

    URGENT = "urgent"
    OLDEST = "oldest"
    NEWEST = "newest"
    LARGEST = "largest"


# Until when a bank takes an answer; what has no such end comes after it (question_order.sql).
_DEADLINE = "answer_by_epoch(r.kind, r.details)"
_SINCE = "coalesce(r.happened_at, r.opened_at)"
_BY_AGE = (_SINCE, "r.id")
_AGE = ("timestamptz", "text")

ORDERS = {
    Sort.URGENT: Order((_DEADLINE, *_BY_AGE), ("bigint", *_AGE), is_rising=True),
    Sort.OLDEST: Order(_BY_AGE, _AGE, is_rising=True),
    Sort.NEWEST: Order(_BY_AGE, _AGE),
    Sort.LARGEST: Order(("coalesce(r.amount, 0)", "r.id"), ("bigint", "text")),
}
