"""The payment that is opened in the queue: all that its page shows, and what comes first."""

from dataclasses import dataclass

from reconciler.books.overpayments import OverpaymentPolicy, PaidTwice
from reconciler.books.reviews import ReviewKind
from reconciler.reads import screens_unmatched
from reconciler.reads.lines_shown import LinesShown
from reconciler.reads.screens_payments import ClaimLine, PaymentLine
from reconciler.reads.screens_refunds import RefundCard
from reconciler.reads.screens_unmatched import Suggested, Target, Waiting
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.customers import POLICIES
from reconciler.web.admin.holding import Owners
from reconciler.web.admin.splitting import Split

_HAS_ALL = frozenset({"paid", "credited", "received"})  # nothing is open on it
_KEEPS = frozenset({OverpaymentPolicy.HOLD, OverpaymentPolicy.DEPOSIT})


@dataclass(frozen=True, slots=True)
class Selected:
    """The payment on the right, and what can be done about it.

    `asked` are refunds of it that have not left: `asked_for` of what is left is spoken for.
    `short` are invoices on which it leaves so little that it may be a bank's fee; `borne` is what
    the first suggestion posts together with that fee. `what_for` says of a target what it is for,
    `lines` has the first lines of invoices; `policy` is what the payer wants done with money beyond
    what they owe; `ask_payer` opens a mail that asks them what it is for.
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
    policy: OverpaymentPolicy | None

    @property
    def wish(self) -> str:
        """What the customer wants done with it, in words; empty unless it is too much."""
        refused = self.refused
        is_done = (
            refused is not None
            and refused.state in _HAS_ALL
            and refused.currency == self.payment.currency
        )
        is_over = self.waiting is not None and self.waiting.kind == ReviewKind.OVERPAYMENT
        is_too_much = is_over or is_done or self.twice is not None
        return POLICIES[self.policy] if self.policy and is_too_much else ""

    @property
    def is_to_be_kept(self) -> bool:
        """Whether that is to keep it for them. What was paid twice nobody wished to pay ahead."""
        return bool(self.wish) and self.policy in _KEEPS and self.twice is None

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
        first = self.suggested[0] if self.suggested else None
        return first.shown[0] if first and not first.ways else None

    @property
    def lead(self) -> str:
        """What its one blue button does: match, give_back or hold. Empty: none is."""
        first = next((one for one in self.suggested if one.ways), None)
        if self.asked_for >= self.payment.unapplied:
            return ""
        if self.twice:
            return "give_back"
        if self.is_to_be_kept:
            return "hold"
        if first and not first.is_doubtful:
            return "" if first.is_tied else "match"
        return "" if self.refused and self.refused.state == "draft" else "hold"

    @property
    def asked_for(self) -> int:
        """How much of the payment somebody has asked to give back already, in minor units."""
        return sum(
            leg.amount
            for card in self.asked
            for leg in card.refund.legs
            if leg.payment_id == self.payment.id and not leg.rail_refund_id
        )
