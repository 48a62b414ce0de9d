"""What the rest of the program may ask of whoever moves the money."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from reconciler.books.observations import PaymentFacts, RailEvent
from reconciler.books.pay_links import CheckoutOrder
from reconciler.books.payout_lines import PayoutLook
from reconciler.books.payouts import Movement, PayoutFacts
from reconciler.books.rail_objects import Listed
from reconciler.errors import Unavailable

# A place among all processes that ask the same: for what, how many a second, how many at once after
# a rest. Gives the seconds until then, and None where nobody knows of the others.
Turn = Callable[[str, float, float], float | None]


class KeyRefused(Unavailable):
    """The rail does not take our key, or not for this. Nothing happened; a person must act."""


class Busy(Unavailable):
    """The rail did not carry out this very call; an earlier one may still be under way."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says about one payment.

    `facts` is None where the message moves no money and names none. Where the message names
    its payment only through another object (a dispute that knows just its charge), `facts`
    carries an empty payment_id and `via` is that object. `aliases` are the rail's ids that
    lead to this payment from now on. `kept_for` says why a message is kept but not applied.

    A message about a payout has `payout` instead, and a balance movement that belongs to no
    payment `movement`.
    """

    facts: PaymentFacts | None = None
    via: str | None = None
    aliases: tuple[str, ...] = ()
    kept_for: str | None = None
    payout: PayoutFacts | None = None
    movement: Movement | None = None


class RefundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a refund, as the rail is to be told of it. `amount` in minor units.

    `key` is the idempotency key and `reference` what the rail keeps in its metadata for ever:
    the rail forgets keys after a day, and only the reference can then tell that it was sent.
    """

    refund_id: str
    leg_id: str
    rail: str
    account: str
    payment_id: str  # the rail's
    charge_id: str | None
    amount: int
    currency: str
    reason: str
    key: str
    reference: str
    generation: int


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """A page that the rail made: its id there, and its address."""

    object_id: str
    url: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the rail for one refund order brought back.

    `facts` are all the refunds of the payment, ours among them if it is there: `rail_refund_id`
    is set exactly then. `refunded_total` is the rail's own total for the payment, live refunds
    only, so that a caller can tell whether the listing was complete.
    """

    facts: PaymentFacts
    rail_refund_id: str | None
    refunded_total: int


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What people wrote to something at a rail. `request` is under what its own log has it.

    `reason` is in words, `code` the rail's own word for it.
    """

    reason: str = ""
    code: str = ""
    description: str = ""
    metadata: Mapping[str, str] = {}
    request: str = ""


class CaseTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a rail says of a dispute beside its money.

    `network_code` is the card network's own word for why, `evidence` what stands in each field of
    the answer (of a file, that there is one; of a field inside another the name is a path with
    slashes), `submissions` how often an answer was handed in.
    """

    network: str = ""
    network_code: str = ""
    evidence: Mapping[str, str] = {}
    submissions: int = 0


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a listing, newest first. `cursor` leads to the next page; None: this was the last."""

    rows: tuple[Listed, ...]
    cursor: str | None


class Rail(Protocol):
    """A payment rail. Every call but those that are pure may wait for the network.

    They raise Unavailable where nothing can have happened, OutcomeUnknown where something may
    have, and Refused where the rail said no.
    """

    name: str

    def verify(self, body: bytes, signature: str | None, now: datetime) -> RailEvent:
        """Prove who speaks and read the envelope. Raises Invalid."""
        ...

    def signers(self, body: bytes, signature: str | None) -> tuple[int, ...]:
        """Which of our signing secrets, by their place in the settings, signed this, whenever."""
        ...

    def missing_before(self, kind: str, arrived: Collection[str]) -> tuple[str, ...]:
        """Types of events that come before one of this type, and are not among the arrived."""
        ...

    def is_ours(self, event: RailEvent) -> str | None:
        """None for an event of our account and mode, else why it is quarantined."""
        ...

    def sighting(self, body: bytes) -> Sighting:
        """Read facts out of a stored event's body. Pure."""
        ...

    def remark(self, body: bytes, refund_id: str) -> Remark | None:
        """What a stored event's body says about why a refund was made. Pure."""
        ...

    def case_told(self, body: bytes, dispute_id: str) -> CaseTold | None:
        """What a stored event's body says of a dispute; None where it is not about it. Pure."""
        ...

    def payment_of(self, object_id: str, account: str) -> str | None:
        """The rail's payment that a charge, session, refund or dispute belongs to."""
        ...

    def fetch(self, facts: PaymentFacts) -> tuple[PaymentFacts, tuple[str, ...]]:
        """All the rail knows of one payment, with the aliases that lead to it."""
        ...

    def fetch_payout(self, facts: PayoutFacts) -> PayoutLook:
        """All the rail knows of one payout, and all that it consists of where it can tell."""
        ...

    def find_refund(self, order: RefundOrder) -> Found:
        """Look for our reference among all refunds of the payment, all pages."""
        ...

    def create_refund(self, order: RefundOrder) -> PaymentFacts:
        """Send it, once, with no retry. The facts hold the refund the rail made."""
        ...

    def cancel_refund(self, facts: PaymentFacts, rail_refund_id: str) -> PaymentFacts:
        """Ask the rail to cancel a refund that waits for the customer."""
        ...

    def create_checkout(self, order: CheckoutOrder, base_url: str) -> Checkout:
        """Make a page to pay on, once for each key. It leads back to pages under `base_url`."""
        ...

    def expire_checkout(self, object_id: str, key: str) -> None:
        """End a page to pay on. Raises Refused where it was paid or has ended."""
        ...

    def balance(self) -> dict[str, int]:
        """What the rail holds for us, per currency in minor units, pending money included."""
        ...

    def event_of(self, event: Mapping[str, Any]) -> RailEvent:
        """An event that the rail listed, as if it had been delivered. Raises Invalid."""
        ...

    def has_event(self, event_id: str) -> bool:
        """Whether the rail made an event of this id and keeps it still."""
        ...

    def list_events(self, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
        """Events the rail still keeps, oldest first."""
        ...

    def list_page(
        self, kind: str, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page:
        """Objects of `kind` (or events, as long as the rail keeps them) made in [since, until)."""
        ...
