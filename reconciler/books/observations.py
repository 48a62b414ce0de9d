"""What a rail says is so: cumulative facts, in no order.

A fact only ever grows: amounts take their maximum, flags once true stay true, sets
gain members, what can be worded twice keeps its earliest wording, and what is left again (a
dispute's end, which an appeal opens anew) is its latest word. That is what lets
`books.payments.join` merge two sightings without knowing which came first.

All amounts are minor units. `at` is a rail's own clock in whole seconds.
"""

from enum import IntEnum

import msgspec

Dated = tuple[int, str]


class RailEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A message from a rail whose signature was proved. Evidence, not an order."""

    rail: str
    account: str
    id: str
    kind: str
    livemode: bool
    api_version: str | None
    created: int
    body: bytes
    about: str | None = None  # the rail's id of the payment, where the body tells it


class RefundStage(IntEnum):
    """How far a refund has come in the part of its life that money depends on.

    A rail moves between pending, requires_action and succeeded in any order, and a refund
    that succeeded may still fail a month later; only failed and canceled are for ever.
    """

    PROMISED = 0
    LEFT = 1
    FAILED = 2
    CANCELED = 3


class ChargeFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to take money."""

    id: str
    authorized: int = 0
    pending: int = 0  # asked of a bank that has not answered: on its way, and no promise
    captured: int = 0
    is_final: bool = False  # no further capture will come
    is_whole: bool = False  # all that was authorized was captured: nothing could be released
    is_pending: bool = False
    is_failed: bool = False
    is_expired: bool = False
    refunded_hint: int = 0  # may hold a released remainder; says only "look at the refunds"
    balance_ref: str | None = None
    taken_back_at: int = 0  # people had noted money by hand that never came, and say so
    created: int = 0


class IntentFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the rail's umbrella over several attempts says."""

    authorized: int = 0
    pending: int = 0
    received: int = 0
    is_final: bool = False
    is_whole: bool = False
    is_processing: bool = False
    is_canceled: bool = False
    is_failed: bool = False
    charges: tuple[str, ...] = ()


class RefundFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money going back, or a released remainder that an old API version dressed as a refund."""

    id: str
    amount: int
    stage: int = RefundStage.PROMISED
    shown: tuple[int, int, str] = (0, 0, "pending")  # at, rank, the rail's word: display only
    charge: str | None = None
    reference: str | None = None  # our leg, from the rail's metadata
    key: str | None = None  # of the request that made it, where that was one of ours
    is_released: bool = False  # the rail's own category says: a remainder, not a refund
    is_real: bool = False  # the rail's own category says: a refund
    is_by_hand: bool = False  # people paid it; of no payment's rail will it ever be heard
    is_from_bank: bool = False  # from our account, and not out of the drawer
    balance_ref: str | None = None
    failure_ref: str | None = None
    failure_reason: str | None = None
    reason: str | None = None
    waits: tuple[int, str] = (0, "")  # at, the rail's word for what it waits for: display only
    created: int = 0


class DisputeFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The bank's claim. Its money is read from balance movements alone."""

    id: str
    amount: int
    is_inquiry: bool = False
    was_formal: bool = False  # ever more than an inquiry
    shown: tuple[int, int, str] = (0, 0, "needs_response")  # at, rank, the rail's latest word
    charge: str | None = None
    reason: str | None = None
    evidence_due: int | None = None
    created: int = 0


class BalanceFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movement of the rail's own balance for us: immutable, in the settlement currency."""

    id: str
    amount: int
    fee: int
    currency: str
    category: str
    source: str | None = None
    created: int = 0

    @property
    def net(self) -> int:
        """What the movement leaves on the rail's balance, in minor units."""
        return self.amount - self.fee


class PaymentFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a rail has said about one payment so far."""

    rail: str
    account: str
    payment_id: str
    currency: str | None = None
    intent: IntentFact | None = None
    charges: dict[str, ChargeFact] = {}
    refunds: dict[str, RefundFact] = {}
    disputes: dict[str, DisputeFact] = {}
    balance: dict[str, BalanceFact] = {}
    # Evidence of what it was paid for. The earliest wording stands, so that an edit of the
    # metadata months later cannot silently move money to another invoice.
    named: dict[str, Dated] = {}  # canonical metadata key -> value
    texts: dict[str, Dated] = {}  # description, statement text
    payer: dict[str, Dated] = {}  # customer, email, name, method
    sessions: tuple[str, ...] = ()
    rail_invoices: dict[str, int] = {}  # the rail's own invoice -> what of it this paid; 0 unknown
    # …what of it the rail's own credit for the customer paid, and what was left to pay
    rail_credits: dict[str, tuple[int, int]] = {}
    livemode: bool = False
    created: int = 0  # the earliest instant the rail tells of it
