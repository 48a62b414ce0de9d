"""A month of business made up by chance: documents, and all that may befall a payment."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.world import World
from tests.oracle import Document
from tests.runtime import Clock

AMOUNTS = st.integers(1, 9).map(lambda n: n * 1_000)
PLACES = st.integers(0, 5)
_MONEY = ("pay", "pay", "hold", "capture", "refund", "refund", "move", "debit")
KINDS = (*_MONEY, "dispute", "close", "appeal", "payout", "payout", "bank", "bank")
deeds = st.lists(
    st.tuples(st.sampled_from(KINDS), PLACES, PLACES, AMOUNTS), min_size=2, max_size=12
)


@dataclass
class Life:
    """What happened in one world, and what each payment was for."""

    world: World
    documents: list[Document]
    clock: Clock
    customer_id: str = ""
    targets: dict[str, list[tuple[str, int | None]]] = field(default_factory=dict)
    charges: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)
    disputes: list[str] = field(default_factory=list)
    debits: list[str] = field(default_factory=list)
    payouts: list[str] = field(default_factory=list)

    def live(self, deeds: list[tuple[str, int, int, int]]) -> None:
        """Do all of it; what Stripe refuses did not happen."""
        ways: dict[str, Callable[[int, int, int], None]] = {
            name: getattr(self, name) for name in set(KINDS)
        }
        for kind, place, how, amount in deeds:
            try:
                ways[kind](place, how, amount)
            except StripeProblem:
                continue

    def pay(self, place: int, how: int, amount: int) -> None:
        """By card; sometimes without an intent, settled elsewhere, or for nothing that is named."""
        document, said = self._purpose(place)
        if how == 1:
            said["no_intent"] = True
        if how == 2:
            said["settle_in"] = ("gbp", 81, 100)
        if how == 3:
            document, said["metadata"] = None, {}
        currency = document.currency if document else "USD"
        self._note(self.world.pay(amount, currency, **said), document)

    def hold(self, place: int, how: int, amount: int) -> None:
        """A hold on a card, which may allow several captures or a larger one."""
        document, said = self._purpose(place)
        if how % 3 == 1:
            said["multicapture"] = True
        if how % 3 == 2:
            said["overcapture"] = amount + 2_000
        made = self.world.authorize(amount, document.currency, **said)
        self._note(made, document)
        self.held.append(made.intent)

    def capture(self, place: int, how: int, amount: int) -> None:
        """All, some or none of what is held, in either generation of the API."""
        intent = self._one_of(self.held, place)
        if how == 0:
            self.world.cancel(intent, legacy=amount > 4_000)
        elif how == 1:
            self.world.expire(intent, legacy=amount > 4_000)
        elif how == 2:
            self.world.capture(intent, amount, final=False)
        else:
            self.world.capture(intent, None if how == 3 else amount, legacy=how == 5)

    def refund(self, place: int, how: int, amount: int) -> None:
        """Some of it, or all that is left."""
        status = ("succeeded", "succeeded", "succeeded", "pending", "requires_action", "failed")[
            how
        ]
        part = None if amount == 9_000 else amount // 2
        self.refunds.append(
            self.world.refund(self._one_of(self.charges, place), part, status=status)
        )

    def move(self, place: int, how: int, amount: int) -> None:
        """A refund goes on, perhaps to its end."""
        words = ("succeeded", "failed", "canceled", "pending", "requires_action", "succeeded")
        self.world.advance_refund(self._one_of(self.refunds, place), words[how])

    def dispute(self, place: int, how: int, amount: int) -> None:
        """The bank asks or takes, sometimes more than the charge."""
        charge = self._one_of(self.charges, place)
        made = self.world.dispute(charge, amount, inquiry=how == 0, fee=how * 100)
        self.disputes.append(made)

    def close(self, place: int, how: int, amount: int) -> None:
        """However it ends, and perhaps not for good."""
        dispute = self._one_of(self.disputes, place)
        if how == 0:
            self.world.escalate(dispute)
        elif how == 1:
            self.world.close_dispute(dispute, "warning_closed")
        elif how == 2:
            self.world.close_dispute(dispute, "lost")
        elif how == 3:
            self.world.late_win(dispute)
        else:
            back = amount if how == 5 else None
            self.world.close_dispute(dispute, "won", reinstate=back and min(back, 1_000))

    def appeal(self, place: int, how: int, amount: int) -> None:
        """What was lost is contested again, a week later, and perhaps decided a week after that."""
        dispute = self._one_of(self.disputes, place)
        self.clock.advance(days=7)
        self.world.appeal(dispute)
        if how > 1:
            self.clock.advance(days=7)
            self.world.close_dispute(dispute, "lost" if how < 4 else "won")

    def debit(self, place: int, how: int, amount: int) -> None:
        """A bank debit begins, or comes to its end."""
        if how < 3:
            document, said = self._purpose(place)
            made = self.world.pay(amount, document.currency, method="delayed", **said)
            self._note(made, document)
            self.debits.append(made.charge)
        elif how < 5:
            self.world.settle_delayed(self._one_of(self.debits, place))
        else:
            self.world.fail_delayed(self._one_of(self.debits, place))

    def payout(self, place: int, how: int, amount: int) -> None:
        """All that is on the balance; or so much of another currency, perhaps from the bank.

        Half of them are at the bank at once.
        """
        for row in self.world.table("balance_transaction").values():
            row["available_on"] = min(row["available_on"], self.world.now())
        if how < 2:
            sign = -1 if place % 2 else 1
            made = self.world.payout("eur", sign * amount, automatic=False)
        else:
            made = self.world.payout(("usd", "gbp")[how == 2])
        self.payouts.append(made)
        if amount > 4_000:
            self.world.pay_payout(made)

    def bank(self, place: int, how: int, amount: int) -> None:
        """A payout is sent, arrives, or comes back."""
        payout = self._one_of(self.payouts, place)
        if how == 0:
            self.world.cancel_payout(payout)
        elif how == 1:
            self.world.send_payout(payout)
        elif how == 2:
            self.world.fail_payout(payout)
        else:
            self.world.pay_payout(payout)

    def _purpose(self, place: int) -> tuple[Document, dict]:
        document = self.documents[place % len(self.documents)]
        noun = "deposit" if document.is_deposit else "invoice"
        return document, {"metadata": {noun: document.number}}

    def _note(self, made, document: Document | None) -> None:
        self.charges.append(made.charge)
        if document is not None:
            self.targets[made.intent or made.charge] = [(document.number, None)]

    def _one_of(self, names: list[str], place: int) -> str:
        if not names:
            raise StripeProblem("There is none yet.")
        return names[place % len(names)]


def payment_of(event: dict) -> str | None:
    """The payment or payout that an event is about, if it is about one."""
    shown = event["data"]["object"]
    if shown["object"] == "payout":
        return str(shown["id"])
    if shown["object"] == "payment_intent":
        return str(shown["id"])
    if shown["object"] == "charge":
        return str(shown["payment_intent"] or shown["id"])
    return shown.get("payment_intent") or shown.get("charge")
