"""Whether what a rail holds for us carries the refunds that wait to leave it, and what if not."""

from dataclasses import dataclass

from reconciler.money import shown


@dataclass(frozen=True, slots=True)
class Asked:
    """Refunds that wait for approval: what they would take, in minor units, and how many."""

    amount: int = 0
    number: int = 0

    def without(self, amount: int) -> "Asked":
        """The others, seen from one of them that would take so much; none of it: it is not one."""
        return Asked(self.amount - amount, self.number - 1) if amount else self


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True, kw_only=True)
class RailBalance:
    """What a rail holds for us in one currency, in minor units.

    `held` is clearing: all that the rail holds, what it does not let go yet included. `waiting` is
    what refunds will take of it that were let go and have not left.
    """

    rail: str
    currency: str
    held: int
    waiting: int = 0

    @property
    def is_below_zero(self) -> bool:
        """Whether the rail took more than it held: it is owed that."""
        return self.held < 0

    @property
    def is_short(self) -> bool:
        """Whether something waits that the rail cannot carry out, as far as is known here."""
        return self.waiting > 0 and self.held < self.waiting

    def warning(self, more: int = 0, *, asked: Asked = NOTHING_ASKED) -> str | None:
        """What to know before `more` is let go as well; None where there is enough.

        `asked` are other refunds that wait for approval: one after the other each would be carried,
        and all of them are not.
        """
        waits = self.waiting + more
        if waits + asked.amount <= max(0, self.held):
            return None
        rail = self.rail.capitalize()
        is_covered = waits <= max(0, self.held)  # what is let go first goes first
        first = "This one by itself is covered." if is_covered else "This one is not covered."
        then = (
            f"That is too little for all of them: those approved last wait at {rail} where they go"
            " back to a card, and fail where not."
            if is_covered
            else f"Until there is enough, {rail} lets a refund to a card wait, and any other one"
            " fails."
        )
        return (
            f"{first} {rail} holds {shown(self.held, self.currency)} for us by our books; with"
            f" this one, refunds of {shown(waits, self.currency)} wait to leave it"
            f"{self._and(asked, waits)}. {then} Put money on our balance there, wait for payments"
            f" to come in, or pay {'some' if is_covered else 'it'} back by bank transfer."
        )

    def after_sent(self) -> str | None:
        """What holds of a refund that was sent and has not left; None where there is enough."""
        if not self.is_short:
            return None
        rail = self.rail.capitalize()
        return (
            f"{rail} holds {shown(self.held, self.currency)} for us by our books, and refunds of"
            f" {shown(self.waiting, self.currency)} wait to leave it. This one was sent: where it"
            f" goes back to a card it waits at {rail}, and leaves by itself as soon as there is"
            " enough. Put money on our balance there, or wait for payments to come in. Paid"
            " another way as well, it would be paid twice."
        )

    def _and(self, asked: Asked, waits: int) -> str:
        if not asked.amount:
            return ""
        them = f"{asked.number} more that wait" if asked.number > 1 else "another one that waits"
        they = "come" if asked.number > 1 else "comes"
        added = f"{them} for approval {they} to {shown(asked.amount, self.currency)}"
        return f", and {added}: {shown(waits + asked.amount, self.currency)} in all"
