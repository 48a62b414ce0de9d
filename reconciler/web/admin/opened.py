"""The payment that is opened in the queue: all that its page shows, and what comes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reconciler.books.overpayments import OverpaymentPolicy, PaidTwice
from reconciler.books.reviews import ReviewKind
from reconciler.reads import screens_unmatched
from reconciler.reads.lines_shown import LinesShown
from reconciler.reads.screens_payments import ClaimLine, PaymentLine
from reconciler.reads.screens_refunds import RefundCard
from reconciler.reads.screens_unmatched import Suggested, Target, Waiting, Wish
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.customers import POLICIES
from reconciler.web.admin.holding import Owners
from reconciler.web.admin.splitting import Split

_HAS_ALL = frozenset({"paid", "credited", "received"})  # nothing is open on it
OFFERS_MAX = 5
_KEEPS = frozenset({OverpaymentPolicy.HOLD, OverpaymentPolicy.DEPOSIT})


@dataclass(frozen=True, slots=True)
class Selected:
    """The payment on the right, and what can be done about it.

    `asked` are refunds of it that have not left: `asked_for` of what is left is spoken for.
    `short` are invoices on which it leaves so little that it may be a bank's fee; `borne` is what
    the first suggestion posts together with that fee. `what_for` says of a target what it is for,
    `lines` has the first lines of invoices; `wished` is what the payer wants done with it, where it
    is beyond what they owe; `ask_payer` opens a mail that asks them what it is for, and `asked_on`
    is the last day on which that was done.
    """

    payment: PaymentLine
    waiting: Waiting | None
    suggested: list[Suggested]
    split: Split
    claims: list[ClaimLine]
    owners: Owners | None
    twice: PaidTwice | None
    best: Foreseen
    held: Foreseen
    asked: list[RefundCard]
    short: set[str]
    borne: Foreseen
    what_for: dict[str, str]
    lines: dict[str, LinesShown]
    ask_payer: str
    wished: Wish | None
    asked_on: date | None

    @property
    def wish(self) -> str:
        """What the customer wants done with it, in words; empty unless it is too much."""
        return POLICIES[self.wished.policy] if self.wished else ""

    @property
    def policy(self) -> OverpaymentPolicy | None:
        """The same, where it is to be followed: what was paid twice nobody wished to pay ahead."""
        return self.wished.policy if self.wished and self.twice is None else None

    @property
    def is_to_be_kept(self) -> bool:
        """Whether that is to keep it for them."""
        return self.policy in _KEEPS

    @property
    def offers(self) -> list[Suggested]:
        """The suggestions that are shown: the best, and whatever the payment names."""
        return [one for n, one in enumerate(self.suggested) if n < OFFERS_MAX or one.is_named]

    @property
    def alike(self) -> list[str]:
        """The numbers of suggestions that are the same in customer, amount and day."""
        return [one.number for one in screens_unmatched.alike(self.suggested)]

    @property
    def is_alike_in_all(self) -> bool:
        """Whether those are for the same as well, as far as anything says."""
        alike = screens_unmatched.alike(self.suggested)
        return len({self.what_for.get(one.id) for one in alike}) == 1

    @property
    def refused(self) -> Target | None:
        """What the payment seems to be for and cannot pay, where nothing better is found."""
        return refused(self.suggested)

    @property
    def back_because(self) -> dict[str, str]:
        """What the form for giving it back begins with: why, as far as that stands here."""
        if self.policy is OverpaymentPolicy.REFUND:
            return {"reason": "overpayment"}
        named = self.refused
        if named is None or self.suggested[0].is_anothers:
            return {}
        if named.currency != self.payment.currency:
            why = f"Paid in {self.payment.currency}; {named.number} is in {named.currency}"
            return {"reason": "other", "note": why}
        if named.state == "void":
            return {"reason": "other", "note": f"It names {named.number}, which is void"}
        return {"reason": "overpayment"} if named.state in _HAS_ALL else {}

    @property
    def is_to_be_sent(self) -> bool:
        """Whether that is a draft in the payment's currency, of nobody but its payer."""
        named = self.refused
        if named is None or self.suggested[0].is_anothers:
            return False
        return named.state == "draft" and named.currency == self.payment.currency

    @property
    def lead(self) -> str:
        """What its one blue button does: match, give_back or hold. Empty: none is."""
        first = next((one for one in self.suggested if one.ways), None)
        if self.asked_for >= self.payment.unapplied:
            return ""
        if self.twice or self.policy is OverpaymentPolicy.REFUND:
            return "give_back"
        if self.is_to_be_kept:
            return "hold"
        if first and self.policy is OverpaymentPolicy.NEXT_INVOICE and self.split.parts():
            return "match" if self._is_split_as(first) else ""
        if first and not first.is_doubtful:
            return "" if first.is_tied else "match"
        return ""

    def _is_split_as(self, one: Suggested) -> bool:
        placed = {row.target.id: row.amount for row in self.split.rows if row.amount}
        return placed == {way.target.id: way.amount for way in one.ways}

    @property
    def asked_for(self) -> int:
        """How much of the payment somebody has asked to give back already, in minor units."""
        return sum(
            leg.amount
            for card in self.asked
            for leg in card.refund.legs
            if leg.payment_id == self.payment.id and not leg.rail_refund_id
        )


def refused(suggested: Sequence[Suggested]) -> Target | None:
    """What a payment seems to be for and cannot pay, where nothing better is found."""
    first = suggested[0] if suggested else None
    return first.shown[0] if first and not first.ways else None


def is_too_much(
    payment: PaymentLine,
    waiting: Waiting | None,
    suggested: Sequence[Suggested],
    twice: PaidTwice | None,
) -> bool:
    """Whether what is left of a payment is more than its customer owes on what it was for.

    What another customer has paid in full says nothing of that.
    """
    named = refused(suggested)
    is_done = (
        named is not None
        and not suggested[0].is_anothers
        and named.state in _HAS_ALL
        and named.currency == payment.currency
    )
    is_over = waiting is not None and waiting.kind == ReviewKind.OVERPAYMENT
    return is_over or is_done or twice is not None
