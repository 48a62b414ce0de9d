"""Consent to refunds: what an approval binds, who may give it, how much may leave in a day.

Asking is not approving, and an approval is given to what the approver saw: when anything of that
changes, it is void.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from reconciler.books.refund_routes import Route
from reconciler.books.refunds import RefundStatus
from reconciler.errors import Conflict, Forbidden, Refused
from reconciler.money import shown

# Nobody pays one payment back in more pieces than this in a day; who drains an account by the
# cent does.
OF_ONE_PAYMENT_DAILY_MAX = 20

# Nothing has left for a rail, so that what it asks for may still be changed.
CHANGEABLE = frozenset({RefundStatus.REQUESTED, RefundStatus.APPROVED})


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """The house's limits, by currency in minor units. A currency left out has none set.

    `daily_count` is how many refunds may leave in a day in all, `daily_count_per_customer` how
    many of them to one customer; None for no such limit.
    """

    approval_thresholds: Mapping[str, int] = field(default_factory=dict)
    daily_limits: Mapping[str, int] = field(default_factory=dict)
    daily_count: int | None = None
    daily_count_per_customer: int | None = None

    def needs_second_person(self, amount: int, currency: str, *, is_person: bool) -> bool:
        """Whether somebody else has to approve. With no threshold every person's request does.

        A program's key was given the right to refund by an administrator; it waits for a person
        only above a threshold that somebody took the trouble to set.
        """
        threshold = self.approval_thresholds.get(currency)
        return is_person if threshold is None else amount > threshold

    def may_ever_go(self, amount: int, currency: str) -> None:
        """Raises Refused for more than may leave on any one day."""
        limit = self.daily_limits.get(currency)
        if limit is not None and amount > limit:
            raise Refused(
                f"{shown(amount, currency)} is more than the {shown(limit, currency)} that may be "
                "refunded in a day",
                field="amount",
            )

    def why_not_today(self, amount: int, currency: str, sent: "SentToday") -> str | None:
        """Why `amount` may not leave today after what was `sent`; None if it may."""
        limit = self.daily_limits.get(currency)
        if limit is not None and sent.amount + amount > limit:
            return f"the day's limit of {shown(limit, currency)} for refunds is reached"
        if sent.of_payment >= OF_ONE_PAYMENT_DAILY_MAX:
            return f"{sent.of_payment} refunds of this one payment have left today"
        if _is_used_up(self.daily_count, sent.count):
            return f"the day's limit of {self.daily_count} refunds is reached"
        if _is_used_up(self.daily_count_per_customer, sent.of_customer):
            return f"{sent.of_customer} refunds to this customer have left today, which is the most"
        return None


@dataclass(frozen=True, slots=True)
class SentToday:
    """What has left since midnight: minor units of the currency, and numbers of refunds."""

    amount: int = 0
    count: int = 0
    of_payment: int = 0
    of_customer: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one payment is to give back, in minor units; `target_id` is what it is taken from."""

    payment_id: str
    target_id: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class Terms:
    """All that an approval of a refund binds; amounts in minor units.

    `reason` is among it because the rail is told: for one word it bars the customer's card.
    `method` is what it was asked to go by.
    """

    refund_id: str
    asked_of: str
    amount: int
    currency: str
    treatment: str
    reason: str
    parts: tuple[Part, ...]
    method: str = Route.RAIL.value

    def digest(self) -> str:
        """The terms as one short text: the same for the same terms, another for any other.

        The database makes the same of its rows (`refund_terms` in migrations/sql/refunds.sql).
        """
        head: tuple[str | int, ...] = (
            self.refund_id, self.asked_of, self.amount, self.currency, self.treatment, self.reason
        )  # fmt: skip
        if self.method != Route.RAIL:  # so that what was approved before there was a choice holds
            head += (self.method,)
        parts = sorted(f"{p.payment_id} {p.target_id or '-'} {p.amount}" for p in self.parts)
        text = "\n".join([" ".join(map(str, head)), *parts])
        return hashlib.sha256(text.encode()).hexdigest()


def approve(status: RefundStatus, *, authors: Collection[str], by: str) -> None:
    """Whether `by` may approve what `authors` asked for and changed.

    Raises Conflict for another state, Forbidden for what is one's own.
    """
    if status is not RefundStatus.REQUESTED:
        raise Conflict(f"the refund is {status.value}; only a requested one can be approved")
    if by in authors:
        raise Forbidden(
            "who asked for a refund, or changed it, cannot approve it; a second person has to"
        )


def reject(status: RefundStatus) -> None:
    """Whether it may be rejected. Raises Conflict."""
    if status is not RefundStatus.REQUESTED:
        raise Conflict(f"the refund is {status.value}; only a requested one can be rejected")


def change(status: RefundStatus, legs: Collection[RefundStatus], *, was_sent: bool) -> None:
    """Whether what a refund asks for may still be changed. Raises Conflict.

    `was_sent`: bytes of any leg of it may have left for a rail.
    """
    if was_sent or not CHANGEABLE.issuperset(legs):
        raise Conflict(
            f"the refund is {status.value}; only one of which nothing was sent can be changed"
        )


def _is_used_up(most: int | None, used: int) -> bool:
    return most is not None and used >= most
