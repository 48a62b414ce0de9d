"""Facts of a payment -> the journal entries still due. The README's table of what is booked.

What the ledger should hold for a payment is a function of its facts alone: a set of named
*components*, each an amount on two accounts. What is posted is the difference between the
components that the facts call for and those booked already. So a fact that arrives twice, late
or after its successor books what is missing, which may be nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.books import accounts, disputes, payments
from reconciler.books.accounts import Account, clearing
from reconciler.books.journal import JournalEntry, lines
from reconciler.books.observations import (
    BalanceFact,
    ChargeFact,
    PaymentFacts,
    RefundFact,
    RefundStage,
)
from reconciler.money import Money
from reconciler.timestamps import day_of

# What Stripe calls movements that belong to a payment (its `reporting_category`).
CHARGE_CATEGORIES = frozenset({"charge", payments.RELEASED_CATEGORY})
FEE_CATEGORIES = frozenset({"fee", "network_cost", "tax"})
KNOWN_CATEGORIES = (
    CHARGE_CATEGORIES
    | payments.REFUND_CATEGORIES
    | FEE_CATEGORIES
    | disputes.CATEGORIES
    | disputes.RETURN_CATEGORIES
)

Booked = dict[str, tuple[int, int]]  # component -> amount booked, times it has changed


@dataclass(frozen=True, slots=True)
class Component:
    """An amount that should stand between two accounts; negative is the mirror.

    `at` is when its last change happened, in the rail's seconds; 0 where nobody said.
    """

    amount: int
    currency: str
    debit: Account
    credit: Account
    at: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """What a payment comes to, in minor units of its own currency.

    `refunds` are those that count and are covered by what was captured: one that was seen
    before the capture it takes from waits until that is known. `lost` is what disputes took
    for good, as far as the payment had it to lose.
    """

    captured: int
    refunds: tuple[RefundFact, ...]
    lost: int
    disputed: int
    losses: dict[str, int]

    @property
    def refunded(self) -> int:
        """Refunds promised or gone."""
        return sum(refund.amount for refund in self.refunds)

    @property
    def kept(self) -> int:
        """What is left to allocate: captured, less refunded and lost."""
        return self.captured - self.refunded - self.lost


def position(facts: PaymentFacts) -> Position:
    """Totals of a payment from its facts."""
    captured = payments.captured(facts)
    covered: list[RefundFact] = []
    left = captured
    for refund in payments.counted_refunds(facts):
        if refund.amount <= left:
            covered.append(refund)
            left -= refund.amount
    losses: dict[str, int] = {}
    disputed = 0
    for taken in disputes.taken(facts):
        disputed += max(0, taken.presented)
        if taken.is_lost:
            losses[taken.dispute_id] = min(max(0, taken.presented), left)
            left -= losses[taken.dispute_id]
    return Position(captured, tuple(covered), sum(losses.values()), disputed, losses)


def charge_rows(charge: ChargeFact, facts: PaymentFacts) -> list[BalanceFact]:
    """The rail's movements of one attempt's own money."""
    return [
        row
        for row in facts.balance.values()
        if row.category in CHARGE_CATEGORIES | disputes.RETURN_CATEGORIES
        and (row.source == charge.id or row.id == charge.balance_ref)
    ]


def announced(facts: PaymentFacts) -> set[str]:
    """Ids of movements that tell of money which is not there, and are not booked.

    The rail lists a bank debit before it has come through. If it never does, a second movement
    takes the first one back, and both are booked with what they cost.
    """
    found: set[str] = set()
    for charge in facts.charges.values():
        if not charge.captured and (charge.is_pending or charge.is_failed):
            rows = charge_rows(charge, facts)
            if sum(row.amount for row in rows):
                found.update(row.id for row in rows)
    return found


def entries_due(
    facts: PaymentFacts, booked: Booked, *, ours: str
) -> tuple[list[JournalEntry], Booked]:
    """Entries that take the ledger from `booked` to what `facts` call for, and the new `booked`.

    No entries if it is already there. `ours` is our own id of the payment.
    """
    prefix = f"{facts.rail}/{facts.payment_id}"
    wanted = _components(facts, position(facts))
    return components_due(prefix, wanted, booked, payment_id=ours)


def components_due(
    prefix: str,
    wanted: Iterable[tuple[str, Component]],
    booked: Booked,
    *,
    payment_id: str | None = None,
    payout_id: str | None = None,
) -> tuple[list[JournalEntry], Booked]:
    """The entries between what is booked and what is wanted; their keys begin with `prefix`."""
    due: list[JournalEntry] = []
    now_booked = dict(booked)
    for name, component in wanted:
        before, turns = booked.get(name, (0, 0))
        change = component.amount - before
        if not change:
            continue
        key = f"{prefix}/{name}"
        due.append(
            JournalEntry(
                key=_key(key, component.amount, turns),
                postings=lines(
                    Money(change, component.currency),
                    debit=component.debit,
                    credit=component.credit,
                ),
                # Only an amount that was booked in one go is one entry that this one mirrors.
                reverses=_key(key, before, 0) if turns == 1 and not component.amount else None,
                payment_id=payment_id,
                payout_id=payout_id,
                on=day_of(component.at),
            )
        )
        now_booked[name] = (component.amount, turns + 1)
    return due, now_booked


def _key(prefix: str, amount: int, turns: int) -> str:
    # An amount that only grows is its own turn; one that came back to an earlier value is not.
    return f"{prefix}/{amount}" if not turns else f"{prefix}/{amount}@{turns}"


def _components(facts: PaymentFacts, at: Position) -> Iterator[tuple[str, Component]]:
    currency = facts.currency
    if currency is None:
        return
    held = clearing(facts.rail)
    untold = announced(facts)
    rows = [row for row in facts.balance.values() if row.id not in untold]
    yield (
        "captured",
        Component(at.captured, currency, held, accounts.UNAPPLIED_CASH, _captured_at(facts)),
    )
    yield from _refunds(facts, at, currency)
    yield from _movements(facts.rail, rows, _own_rows(facts, at))
    # What a bank took back of a debit that had come through is a loss, and stands below.
    returned = {one.dispute_id for one in disputes.taken(facts)}
    own = [
        r for r in rows if r.category not in disputes.RETURN_CATEGORIES or r.source not in returned
    ]
    yield from _settlement(facts.rail, own, at, currency)
    yield from _disputes(facts, at, currency)


def _captured_at(facts: PaymentFacts) -> int:
    """When the last of it was taken, or taken back: by the rail's movements, else its attempts."""
    taken = [charge for charge in facts.charges.values() if charge.captured]
    rows = [row for charge in taken for row in charge_rows(charge, facts)]
    moved = [row.created for row in rows if row.category in CHARGE_CATEGORIES]
    told = (max(charge.created, charge.taken_back_at) for charge in taken)
    return max([*moved, *told], default=0) or facts.created


def _refunds(facts: PaymentFacts, at: Position, currency: str) -> Iterator[tuple[str, Component]]:
    covered = {refund.id for refund in at.refunds}
    are_some_by_hand = any(refund.is_by_hand for refund in facts.refunds.values())
    for refund in facts.refunds.values():
        promised = refund.amount if refund.id in covered else 0
        # When one failed or was called off only a movement that brings it back can tell.
        back = (row.created for row in facts.balance.values() if row.source == refund.id)
        told = refund.created if promised else max(back, default=0)
        has_left = refund.stage == RefundStage.LEFT
        paid_from = _paid_from(refund, facts.rail)
        yield (
            f"refund/{refund.id}/promised",
            Component(promised, currency, accounts.UNAPPLIED_CASH, accounts.REFUNDS_PAYABLE, told),
        )
        yield (
            f"refund/{refund.id}/left",
            Component(
                promised if has_left else 0,
                currency,
                accounts.REFUNDS_PAYABLE,
                paid_from,
                told,
            ),
        )
        # Paid by hand and by the rail as well, beyond what was ever captured: the money is gone,
        # and a person has to find out who owes it back.
        if are_some_by_hand:
            beyond = refund.amount if has_left and refund.id not in covered else 0
            yield (
                f"refund/{refund.id}/beyond",
                Component(beyond, currency, accounts.SUSPENSE, paid_from, told),
            )


def _paid_from(refund: RefundFact, rail: str) -> accounts.Account:
    if refund.is_from_bank:
        return accounts.BANK
    return clearing(accounts.MANUAL_RAIL if refund.is_by_hand else rail)


def _own_rows(facts: PaymentFacts, at: Position) -> set[tuple[str, str]]:
    """Movements (id, currency) that charges and refunds name as theirs: their money is booked."""
    named = [charge.balance_ref for charge in facts.charges.values() if charge.captured]
    named += [one.balance_ref for one in at.refunds if one.stage == RefundStage.LEFT]
    return {(row_id, facts.currency or "") for row_id in named if row_id}


def _movements(
    rail: str, rows: list[BalanceFact], own: set[tuple[str, str]]
) -> Iterator[tuple[str, Component]]:
    held = clearing(rail)
    for row in rows:
        cost = row.fee - (row.amount if row.category in FEE_CATEGORIES else 0)
        if cost:
            fee = Component(cost, row.currency, accounts.PROCESSING_FEES, held, row.created)
            yield f"fee/{row.id}", fee
        if row.category not in KNOWN_CATEGORIES and row.amount:
            # Whatever it is called, it is not to be booked a second time.
            amount = 0 if (row.id, row.currency) in own else row.amount
            yield (
                f"unclassified/{row.id}",
                Component(amount, row.currency, held, accounts.SUSPENSE, row.created),
            )


def _settlement(
    rail: str, rows: list[BalanceFact], at: Position, currency: str
) -> Iterator[tuple[str, Component]]:
    """Money paid out in another currency than the customer paid in.

    Each currency's leg stands against currency_conversion, whose rest is the exchange
    difference. The rail's own settled amounts are used; a rate is never applied here.
    """
    rows = [r for r in rows if r.currency != currency]
    if not rows:
        return
    held, trading = clearing(rail), accounts.CURRENCY_CONVERSION
    converted = at.captured if any(r.category in CHARGE_CATEGORIES for r in rows) else 0
    converted -= sum(r.amount for r in at.refunds if _is_settled(r, rows))
    moved = max(row.created for row in rows)
    yield "converted", Component(converted, currency, trading, held, moved)
    settled: dict[str, int] = {}
    for row in rows:
        if (
            row.category
            in CHARGE_CATEGORIES | payments.REFUND_CATEGORIES | disputes.RETURN_CATEGORIES
        ):
            settled[row.currency] = settled.get(row.currency, 0) + row.amount
    for other, amount in settled.items():
        yield f"settled/{other}", Component(amount, other, held, trading, moved)


def _is_settled(refund: RefundFact, rows: list[BalanceFact]) -> bool:
    return refund.stage == RefundStage.LEFT and any(
        row.id == refund.balance_ref or row.source == refund.id for row in rows
    )


def _disputes(facts: PaymentFacts, at: Position, currency: str) -> Iterator[tuple[str, Component]]:
    held, funds = clearing(facts.rail), accounts.DISPUTED_FUNDS
    trading = accounts.CURRENCY_CONVERSION
    for taken in disputes.taken(facts):
        name = f"dispute/{taken.dispute_id}"
        lost = at.losses.get(taken.dispute_id, 0)
        is_converted = set(taken.settled) != {currency}
        moved, decided = _taken_at(facts, taken.dispute_id)
        for settled_in, net in taken.settled.items():
            ours = _share(net, lost, taken.presented) if is_converted else lost
            # What is lost beyond what the payment still had (a dispute may bundle several
            # payments on one charge) is nobody's debt to us: it is a loss at once.
            beyond = net - ours if taken.is_lost else 0
            for what, amount, debit, credit in (
                ("withdrawn", net, funds, held),
                ("beyond", beyond, accounts.CHARGEBACK_LOSSES, funds),
                ("converted", ours if is_converted else 0, trading, funds),
            ):
                part = Component(amount, settled_in, debit, credit, moved)
                yield f"{name}/{settled_in}/{what}", part
        for what, amount, source in (
            ("lost", 0 if is_converted else lost, funds),
            ("lost_converted", lost if is_converted else 0, trading),
        ):
            part = Component(amount, currency, accounts.UNAPPLIED_CASH, source, decided)
            yield f"{name}/{what}", part


def _taken_at(facts: PaymentFacts, dispute_id: str) -> tuple[int, int]:
    """When a dispute's money last moved, and when what became of it was last told."""
    dispute = facts.disputes.get(dispute_id)
    rows = [row.created for row in facts.balance.values() if row.source == dispute_id]
    moved = max(rows, default=0) or (dispute.created if dispute else 0)
    return moved, max(moved, dispute.shown[0] if dispute else 0)


def _share(net: int, lost: int, presented: int) -> int:
    return net * lost // presented if presented > 0 else 0
