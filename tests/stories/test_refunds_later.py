"""What may still befall a refund of ours: books, invoice, questions and words follow each turn."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from reconciler.reads import refunds
from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_alone

alone = Traps()


@pytest.mark.parametrize("trap", alone, ids=str)
def test_trap_alone(office: Office, trap: Trap) -> None:
    check_alone(office, trap)


PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""
PROMISED = """
    books    clearing 9680  refunds_payable -4000  processing_fees 320  credits 4000
    books    revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
"""
GONE = """
    books    clearing 5680  processing_fees 320  credits 4000  revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
"""
WAITS, FAILED = "asks refunds_held 4000", "asks refund_failed 4000"


@dataclass
class Asked:
    """A refund of 40.00 of 100.00, as it was sent, and what is shown of it."""

    t: Telling
    id: str = ""
    made: str = ""

    @classmethod
    def once_paid(cls, t: Telling, **plan) -> "Asked":
        """Asked for once the payment is known; `plan` is how the rail begins with it."""
        if plan:
            t.world.plan_refund(**plan)
        asked = cls(t, t.ask_back("INV-1", 4_000))
        t.office.drain()
        asked.made = list(t.world.table("refund"))[-1]
        return asked

    def becomes(self, status: str, why: str | None = None, *, days: int = 1) -> None:
        """Days later the rail says something else of it."""
        self.t.office.clock.advance(days=days)
        self.t.world.advance_refund(self.made, status, why)

    def shows(self, status: str, client: str, we: str) -> None:
        """How it stands here, what the client reads and what somebody has to do."""
        with self.t.office.runtime.read() as session:
            shown = refunds.one(session, self.id)
        assert shown.status == status
        assert client in shown.client_words
        assert we in shown.next_step


def _paid(t: Telling) -> str:
    t.invoice("INV-1", 10_000)
    return str(t.pay(10_000, "INV-1").charge)


def _hear(t: Telling) -> None:
    t.hear_of_refunds()
    assert set(t.office.deliver(*t.news())) <= {200}
    t.office.drain()


@alone.add("pending-for-lack-of-balance-and-paid-when-there-is-some", GONE)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = Asked.once_paid(t, status="pending", pending_reason="insufficient_funds")
    asked.shows("pending", "will be sent as soon as we can", "Put money on our balance")
    yield PROMISED + WAITS
    asked.becomes("succeeded")
    yield GONE
    asked.shows("succeeded", "Sent back to where you paid from", "Nothing to do")
    assert _open(t) == []


@alone.add("pending-without-a-reason-asks-nobody", PROMISED)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = Asked.once_paid(t, status="pending")
    asked.shows("pending", "On its way", "Nothing to do")
    yield PROMISED
    assert _open(t) == []


@alone.add("the-customer-has-to-act-and-does", GONE)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = Asked.once_paid(t, status="requires_action", instructions_email="ann@example.com")
    asked.shows("requires_action", "follow the e-mail", "can be called off")
    yield PROMISED + WAITS
    asked.becomes("pending")
    yield PROMISED
    asked.shows("pending", "On its way", "Nothing to do")
    assert _open(t) == []
    asked.becomes("requires_action")
    yield PROMISED + WAITS
    asked.becomes("succeeded")
    yield GONE
    assert _open(t) == []


@alone.add("canceled-at-the-rail-by-somebody", PAID + FAILED)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = Asked.once_paid(t, status="requires_action")
    asked.becomes("canceled", "merchant_request")
    yield PAID + FAILED
    asked.shows("canceled", "No money is on its way", "pay it another way or ask for it anew")
    assert _open(t) == ["refund_failed"]


@alone.add("failed-thirty-days-after-it-succeeded", PAID + FAILED)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = Asked.once_paid(t)
    yield GONE
    _hear(t)
    asked.becomes("failed", "expired_or_canceled_card", days=30)
    yield PAID + FAILED
    asked.shows("failed", "Your bank sent it back", "Pay it another way, with a second person")
    assert _open(t) == ["refund_failed"]


@alone.add(
    "failed-because-the-payment-was-disputed",
    """
    books    clearing -1820  processing_fees 1820  disputed_funds 10000  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  disputed
    asks     refund_failed 4000  dispute 10000
    """,
)
def _(t: Telling) -> Iterator[str | None]:
    charge = _paid(t)
    yield PAID
    asked = Asked.once_paid(t, status="pending")
    yield PROMISED
    t.office.clock.advance(days=1)
    t.world.dispute(charge)
    yield None
    asked.shows("failed", "The bank is deciding about this payment", "Wait for the dispute")
    assert _open(t) == ["dispute", "refund_failed"]


@alone.add("failed-for-lack-of-balance-after-it-had-waited", PAID + FAILED)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = Asked.once_paid(t, status="pending")
    yield PROMISED
    t.office.clock.advance(hours=1)
    t.world.get("refund", asked.made)["pending_reason"] = "insufficient_funds"
    t.office.ask_soon([paid.intent for paid in t.payments])
    yield PROMISED + WAITS  # only the reason of waiting is another
    asked.becomes("failed", "insufficient_funds")
    yield PAID + FAILED
    asked.shows("failed", "It could not be sent. We will contact you", "Try it again")
    assert _open(t) == ["refund_failed"]


def _open(t: Telling) -> list[str]:
    """What people are asked now about this telling's payments."""
    rows = t.office.rows(
        """select i.kind from review_item i join payment p on p.id = i.payment_id
        where i.state = 'open' and p.rail_payment_id = any(:payments) order by i.kind""",
        payments=[paid.intent for paid in t.payments],
    )
    return [row.kind for row in rows]
