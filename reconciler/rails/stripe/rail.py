"""Stripe as a rail: the protocol, Stripe's way.

The SDK costs a web process 30 MB that it never needs, so it is imported with the first call.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler import currencies
from reconciler.books.observations import PaymentFacts, RailEvent, RefundFact, RefundStage
from reconciler.books.pay_links import CheckoutOrder
from reconciler.books.payout_lines import PayoutLook
from reconciler.books.payouts import PayoutFacts
from reconciler.errors import Invalid, NotFound, OutcomeUnknown, Refused, Unavailable
from reconciler.ids import new_id
from reconciler.rails.protocol import (
    CaseTold,
    Checkout,
    Found,
    KeyRefused,
    Page,
    RefundOrder,
    Remark,
    Sighting,
    Turn,
)
from reconciler.rails.stripe import checkouts, objects, observe, parts, remarks
from reconciler.rails.stripe.envelope import OWN_ACCOUNT, RAIL, read_envelope
from reconciler.rails.stripe.evidence import metadata_keys
from reconciler.rails.stripe.fields import (
    Obj,
    amount,
    currency,
    mapping,
    rows,
    seconds,
    signed_amount,
    text,
)
from reconciler.rails.stripe.listing import Reading, list_page
from reconciler.rails.stripe.order import missing_before
from reconciler.rails.stripe.payouts import row_facts
from reconciler.rails.stripe.signature import signers, verify_signature
from reconciler.settings import Settings
from reconciler.timestamps import to_epoch

if TYPE_CHECKING:
    from reconciler.rails.stripe.client import StripeApi

WINDOW_ROWS_MAX = 2_000  # events held at once while turning newest-first into oldest-first

# Stripe's word where it has one. `fraudulent` puts the card on a block list: it is never guessed.
_REASONS = {"duplicate": "duplicate", "fraudulent": "fraudulent"}
_REASON_ELSE = "requested_by_customer"

# Where an id is looked up, by how it begins. Anything else is taken for a charge.
_LOOKUPS: tuple[tuple[tuple[str, ...], str, str, Callable[[Obj, int], Sighting]], ...] = (
    (("re_", "pyr_"), "refund", "refunds", parts.refund_facts),
    (("dp_", "du_"), "dispute", "disputes", parts.dispute_facts),
    (("txn_",), "balance_transaction", "balance_transactions", lambda row, _: row_facts(row)),
    (("cs_",), "checkout.session", "checkout/sessions", objects.session_facts),
    (("",), "charge", "charges", objects.charge_facts),
)


class StripeRail:
    """One Stripe account, in one mode."""

    name = RAIL

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        api: "StripeApi | None" = None,
        turn: Turn | None = None,
    ) -> None:
        self._settings = settings
        self._secrets = tuple(s.reveal().encode() for s in settings.stripe_webhook_secrets)
        self._keys = metadata_keys(settings.metadata_keys)
        self._clock = clock
        self._known_api = api
        self._turn = turn
        self._account_id: str | None = None

    def verify(self, body: bytes, signature: str | None, now: datetime) -> RailEvent:
        """Prove who speaks and read the envelope. Raises Invalid."""
        tolerance = self._settings.stripe_webhook_tolerance_seconds
        verify_signature(body, signature, self._secrets, tolerance, to_epoch(now))
        return read_envelope(body, self._account_id)

    def signers(self, body: bytes, signature: str | None) -> tuple[int, ...]:
        """Which of our signing secrets, by their place in the settings, signed this, whenever."""
        return signers(body, signature, self._secrets)

    def missing_before(self, kind: str, arrived: Collection[str]) -> tuple[str, ...]:
        """Types of events that Stripe sends before one of this type, and that have not arrived."""
        return missing_before(kind, arrived)

    def is_ours(self, event: RailEvent) -> str | None:
        """None for an event of our account and mode, else why it is quarantined.

        Asks Stripe for our account's id, once, and only for an event that names an account.
        """
        if event.livemode is not self._settings.is_live:
            seen, ours = ("live", "test") if event.livemode else ("test", "live")
            return f"an event of {seen} mode, and our key is of {ours} mode"
        if event.account == OWN_ACCOUNT:
            return None
        try:
            is_own = event.account == self._own_account_id()
        except (KeyRefused, NotFound):
            return "an event that names an account, and our key may not read which is ours"
        return None if is_own else "an event of an account that is not ours"

    def event_of(self, event: Mapping[str, Any]) -> RailEvent:
        """An event that Stripe listed, as if it had been delivered. Raises Invalid."""
        return read_envelope(json.dumps(event).encode(), self._account_id)

    def sighting(self, body: bytes) -> Sighting:
        """Read facts out of a stored event's body. Pure. Raises Invalid."""
        return observe.sighting(body, self._keys)

    def remark(self, body: bytes, refund_id: str) -> Remark | None:
        """What a stored event's body says about why a refund was made. Pure. Raises Invalid."""
        return remarks.of_refund(body, refund_id)

    def case_told(self, body: bytes, dispute_id: str) -> CaseTold | None:
        """What a stored event's body says of a dispute beside its money. Pure. Raises Invalid."""
        return remarks.of_dispute(body, dispute_id)

    def payment_of(self, object_id: str, account: str) -> str | None:
        """The intent, or else the charge, that an object of another kind belongs to."""
        if account != OWN_ACCOUNT:
            return None
        if object_id.startswith("pi_"):
            return object_id
        begins = (row for row in _LOOKUPS if object_id.startswith(row[0]))
        _, kind, path, read = next(begins)
        try:
            seen = read(self._api.get(kind, path, object_id), 0)
        except NotFound:
            return None
        if seen.via:
            return self.payment_of(seen.via, account)
        return seen.facts.payment_id if seen.facts else None

    def fetch(self, facts: PaymentFacts) -> tuple[PaymentFacts, tuple[str, ...]]:
        """All that Stripe knows of one payment, with the aliases that lead to it."""
        from reconciler.rails.stripe.fetch import fetch_payment  # noqa: PLC0415 - imports the SDK

        seen = fetch_payment(self._api, facts, self._now(), self._keys)
        assert seen.facts is not None, "a look gives facts or raises"
        return seen.facts, seen.aliases

    def fetch_payout(self, facts: PayoutFacts) -> PayoutLook:
        """All that Stripe knows of one payout, with its members once it lists them."""
        from reconciler.rails.stripe.payout_look import (  # noqa: PLC0415 - imports the SDK
            look_at_payout,
        )

        return look_at_payout(self._api, facts, self._now(), self._keys)

    def find_refund(self, order: RefundOrder) -> Found:
        """Look for our reference among all refunds of the payment, all pages.

        Never matched by amount: two equal partial refunds of one payment are legal.
        """
        from reconciler.rails.stripe.fetch import list_refunds  # noqa: PLC0415 - imports the SDK

        charge_ids = {order.charge_id} if order.charge_id else set()
        try:
            found = list_refunds(self._api, order.payment_id, charge_ids)
            return self._found(order, found)
        except Refused as refusal:  # of the look, which says nothing about the refund itself
            raise Unavailable(f"the refunds of {order.payment_id}: {refusal}") from None

    def create_refund(self, order: RefundOrder) -> PaymentFacts:
        """Send it, once, with no retry. The facts hold the refund that Stripe made."""
        if order.amount % currencies.step(order.currency):
            raise Refused(f"Stripe takes no such fraction of {order.currency}", field="amount")
        by = "payment_intent" if order.payment_id.startswith("pi_") else "charge"
        params = {
            by: order.payment_id,
            "amount": order.amount,  # left out, Stripe would refund all that is left
            "reason": _REASONS.get(order.reason, _REASON_ELSE),
            "metadata": {
                parts.REFERENCE_KEY: order.reference,
                "reconciler_generation": str(order.generation),
            },
        }
        answer = self._api.post("refund", "refunds", params=params, key=order.key)
        fact, facts = self._made(answer, order.payment_id)
        if (fact.reference, fact.amount) != (order.reference, order.amount):
            raise OutcomeUnknown("Stripe's answer is another refund than the one asked for")
        return facts

    def cancel_refund(self, facts: PaymentFacts, rail_refund_id: str) -> PaymentFacts:
        """Ask Stripe to cancel a refund that waits for the customer."""
        # Canceling twice is harmless, and under one key a saved "not yet" would stand for a day.
        key = new_id("cancel")
        answer = self._api.post("refund", "refunds", rail_refund_id, "cancel", params={}, key=key)
        return self._made(answer, facts.payment_id)[1]

    def create_checkout(self, order: CheckoutOrder, base_url: str) -> Checkout:
        """Make a Checkout Session, once for each key."""
        return checkouts.create(self._api, order, base_url, self._keys)

    def expire_checkout(self, object_id: str, key: str) -> None:
        """End a Checkout Session. Raises Refused where it was paid or has ended."""
        checkouts.expire(self._api, object_id, key)

    def balance(self) -> dict[str, int]:
        """What Stripe holds for us, per currency in minor units, pending money included."""
        told = self._api.get("balance", "balance")
        held: dict[str, int] = {}
        for row in rows(told, "available") + rows(told, "pending"):
            held_in = currency(row) or ""
            held[held_in] = held.get(held_in, 0) + signed_amount(row, "amount")
        return held

    def list_page(
        self, kind: str, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page:
        """A page of a listing; of events only those that Stripe still keeps (30 days)."""
        window = (to_epoch(since), to_epoch(until))
        reading = Reading(self._now(), self._keys, self.event_of)
        return list_page(self._api, kind, window, cursor, reading)

    def has_event(self, event_id: str) -> bool:
        """Whether Stripe knows it: for 30 days, and of our account and mode only."""
        try:
            return self._api.get("event", "events", event_id).get("id") == event_id
        except NotFound:
            return False

    def list_events(self, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
        """Events of [since, until) that Stripe still keeps (30 days), oldest first."""
        windows = [(to_epoch(since), to_epoch(until))]
        while windows:
            start, end = windows.pop()
            events = self._events_between(start, end)
            if events is None:  # too many to hold: the older half first, then the newer
                middle = (start + end) // 2
                windows += [(middle, end), (start, middle)]
            else:
                yield from reversed(events)

    def _events_between(self, start: int, end: int) -> list[dict[str, Any]] | None:
        events: list[dict[str, Any]] = []
        for page in self._api.pages("events", {"created": {"gte": start, "lt": end}}):
            events += [event for event in page if start <= seconds(event, "created") < end]
            if len(events) > WINDOW_ROWS_MAX and end - start > 1:
                return None
        return events

    def _found(self, order: RefundOrder, found: list[Obj]) -> Found:
        at = self._now()
        seen = objects.merge(
            Sighting(facts=parts.facts_of(payment_id=order.payment_id)),
            *(parts.refund_facts(row, at, payment_id=order.payment_id) for row in found),
        )
        assert seen.facts is not None, "facts merged with facts are facts"
        refunds = seen.facts.refunds
        ours = [refund for refund in refunds.values() if refund.reference == order.reference]
        # A status that nobody has classified may mean that money left: it counts, if not as ours.
        unread = [row for row in found if row.get("id") not in refunds]
        if not ours and any(_reference(row) == order.reference for row in unread):
            raise Unavailable("our refund is there, with a status that is unknown")
        return Found(
            facts=seen.facts,
            rail_refund_id=max(ours, key=_liveliest).id if ours else None,
            refunded_total=sum(amount(row, "amount") for row in unread)
            + sum(refund.amount for refund in refunds.values() if _is_live(refund)),
        )

    def _made(self, answer: Obj, payment_id: str) -> tuple[RefundFact, PaymentFacts]:
        try:
            seen = parts.refund_facts(answer, self._now(), payment_id=payment_id)
        except Invalid as problem:  # it was made all the same
            raise OutcomeUnknown(f"Stripe's refund cannot be read: {problem}") from None
        if seen.facts is None or not seen.facts.refunds:
            raise OutcomeUnknown(seen.kept_for or "Stripe's answer is no refund of a payment")
        (fact,) = seen.facts.refunds.values()
        return fact, seen.facts

    def _own_account_id(self) -> str:
        if self._account_id is None:
            self._account_id = str(self._api.get("account", "account").get("id"))
        return self._account_id

    def _now(self) -> int:
        return to_epoch(self._clock())

    @property
    def _api(self) -> "StripeApi":
        if self._known_api is None:
            from reconciler.rails.stripe.client import StripeApi  # noqa: PLC0415 - imports the SDK

            base = self._settings.stripe_api_base or None
            key = self._settings.stripe_secret_key.reveal()
            self._known_api = StripeApi(key, base, turn=self._turn)
        return self._known_api


def _reference(refund: Obj) -> str:
    return text(mapping(refund, "metadata"), parts.REFERENCE_KEY)


def _is_live(refund: RefundFact) -> bool:
    return refund.stage <= RefundStage.LEFT and not refund.is_released


def _liveliest(refund: RefundFact) -> tuple[bool, int, str]:
    """Of several refunds with our reference the one that counts: a live one, else the last."""
    return _is_live(refund), refund.created, refund.id
