"""Cash, cheques and transfers: a rail without a wire. A refund over it is a person's task."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn

from reconciler.books.observations import PaymentFacts, RailEvent
from reconciler.books.pay_links import CheckoutOrder
from reconciler.books.payout_lines import PayoutLook
from reconciler.books.payouts import PayoutFacts
from reconciler.errors import Invalid, Refused
from reconciler.rails.protocol import (
    Checkout,
    Found,
    Page,
    RefundOrder,
    Sighting,
)


class ManualRail:
    """What was received by hand is paid back by hand."""

    name = "manual"

    def verify(self, body: bytes, signature: str | None, now: datetime) -> RailEvent:  # noqa: ARG002
        """Nobody speaks for it. Raises Invalid."""
        raise Invalid("money received by hand sends no events")

    def signers(self, body: bytes, signature: str | None) -> tuple[int, ...]:  # noqa: ARG002
        """None: nobody speaks for it."""
        return ()

    def missing_before(
        self,
        kind: str,  # noqa: ARG002
        arrived: Collection[str],  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Nothing: nobody speaks for it."""
        return ()

    def is_ours(self, event: RailEvent) -> str | None:  # noqa: ARG002
        """No event is."""
        return "money received by hand sends no events"

    def sighting(self, body: bytes) -> Sighting:  # noqa: ARG002
        """Nothing to be read."""
        return Sighting(kept_for="money received by hand sends no events")

    def remark(self, body: bytes, refund_id: str) -> None:
        """Nothing to be read."""

    def case_told(self, body: bytes, dispute_id: str) -> None:
        """Nothing to be read."""

    def payment_of(self, object_id: str, account: str) -> str | None:  # noqa: ARG002
        """Nothing leads to it but its own id."""
        return None

    def fetch(self, facts: PaymentFacts) -> tuple[PaymentFacts, tuple[str, ...]]:
        """What is known is all there is."""
        return facts, ()

    def fetch_payout(self, facts: PayoutFacts) -> PayoutLook:
        """There is none to know more of."""
        return PayoutLook(facts=facts)

    def find_refund(self, order: RefundOrder) -> Found:
        """Raises Refused: only a person knows."""
        _for_a_person(order)

    def create_refund(self, order: RefundOrder) -> PaymentFacts:
        """Raises Refused: a person pays it back."""
        _for_a_person(order)

    def cancel_refund(self, facts: PaymentFacts, rail_refund_id: str) -> PaymentFacts:  # noqa: ARG002
        """Raises Refused: only a person can."""
        raise Refused("money paid back by hand cannot be called back from here")

    def create_checkout(self, order: CheckoutOrder, base_url: str) -> Checkout:  # noqa: ARG002
        """Raises Refused: there is no page to pay cash on."""
        raise Refused("money by hand is handed over, and has no page to pay on")

    def expire_checkout(self, object_id: str, key: str) -> None:  # noqa: ARG002
        """Raises Refused: there is none."""
        raise Refused("money by hand has no page to pay on")

    def balance(self) -> dict[str, int]:
        """The rail holds nothing for us."""
        return {}

    def event_of(self, event: Mapping[str, Any]) -> RailEvent:  # noqa: ARG002
        """There is none. Raises Invalid."""
        raise Invalid("money received by hand sends no events")

    def has_event(self, event_id: str) -> bool:  # noqa: ARG002
        """None ever."""
        return False

    def list_events(self, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        """None ever."""
        return iter(())

    def list_page(
        self,
        kind: str,  # noqa: ARG002
        since: datetime,  # noqa: ARG002
        until: datetime,  # noqa: ARG002
        cursor: str | None = None,  # noqa: ARG002
    ) -> Page:
        """Nothing ever: what is known here is all there is."""
        return Page(rows=(), cursor=None)


def _for_a_person(order: RefundOrder) -> NoReturn:
    raise Refused(f"payment {order.payment_id} was received by hand, and is paid back by hand")
