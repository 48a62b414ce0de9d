"""On what terms a deposit is given back: agreed before it is paid, and the same from then on.

What is kept is a share of what was received; what of the deposit was used on invoices is part of
it, so that nobody pays twice for the work that was done. Where nothing is forfeited yet all that
remains can be given back.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from reconciler.books import plans
from reconciler.errors import Invalid

DAYS_MAX = 3_650
WHOLE = plans.WHOLE  # hundredths of a percent


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositTerms:
    """When a deposit is forfeited, and how much of it is kept then, in hundredths of a percent.

    `once_begun`: once the work has begun. `within_days`: so many days after it was paid. With
    neither, from the first day.
    """

    once_begun: bool = False
    within_days: int | None = None
    kept: int = WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A deposit on a day, minor units. `paid_on` is when the last of it came."""

    received: int
    applied: int
    refunded: int
    paid_on: date | None
    begun_on: date | None
    today: date

    @property
    def remaining(self) -> int:
        """What is left to apply or refund."""
        return self.received - self.applied - self.refunded


def checked(terms: DepositTerms) -> DepositTerms:
    """Terms fit to be kept. Raises Invalid, naming the field."""
    if not 0 < terms.kept <= WHOLE:
        raise Invalid("what is kept is more than 0 and at most 100 percent", field="terms")
    if terms.within_days is not None and not 0 <= terms.within_days <= DAYS_MAX:
        raise Invalid(f"it is refundable within 0 to {DAYS_MAX} days", field="terms")
    return terms


def why_forfeited(terms: DepositTerms, at: Stand) -> str | None:
    """Why something of it is kept now; None while all of it can be given back."""
    if terms.once_begun and at.begun_on is not None and at.begun_on <= at.today:
        return f"work began on {at.begun_on}"
    if terms.within_days is not None and at.paid_on is not None:
        last = at.paid_on + timedelta(days=terms.within_days)
        if at.today > last:
            return f"it was refundable until {last}"
    if not terms.once_begun and terms.within_days is None:
        return "that was agreed"
    return None


def kept(terms: DepositTerms | None, at: Stand) -> int:
    """What of what remains is not given back, in minor units: what may be kept as income."""
    if terms is None or why_forfeited(terms, at) is None:
        return 0
    whole = at.received * terms.kept // WHOLE
    return max(0, min(at.remaining, whole - at.applied))


def refundable(terms: DepositTerms | None, at: Stand) -> int:
    """What of what remains may be given back, in minor units."""
    return at.remaining - kept(terms, at)


def words(terms: DepositTerms) -> str:
    """The terms as the client reads them before they pay."""
    gone = (
        "not refundable"
        if terms.kept == WHOLE
        else f"refundable but for {plans.percent(terms.kept)} %"
    )
    days = terms.within_days
    counted = f"{days} day{'' if days == 1 else 's'}"
    if terms.once_begun and days is not None:
        return (
            f"Refundable within {counted} of payment, while work has not begun; {gone} after that."
        )
    if terms.once_begun:
        return f"Refundable until work begins; {gone} once it has begun."
    if days is not None:
        return f"Refundable within {counted} of payment; {gone} after that."
    return f"{gone.capitalize()}."
