"""Traps 87, 88, 93 to 95: whose message it is, many at once, and those that never came.

Each is told in several orders, with repetitions, and done over in the end.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.books.reconciliation import Window
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.reconcile import carry_on, reconcile
from reconciler.rails.stripe.rail import StripeRail
from reconciler.sandbox.player import body_of, sign
from reconciler.services import reconciliation
from reconciler.services.reconciliation import OWN
from reconciler.settings import Secret
from tests.builders import balances, invoice
from tests.runtime import WEBHOOK_SECRET, Office
from tests.stories.traps import mixed
from webhooks.app import create_webhook_app

News = list[dict]
Check = Callable[[Office, int], None]
traps: dict[str, Check] = {}
TELLINGS = 4  # in order, the other way round, mixed and repeated twice
pytestmark = pytest.mark.usefixtures("unmeasured")

OWED = {"accounts_receivable": 10_000, "revenue": -10_000}
PAID = {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(place, marks=[] if place == TELLINGS - 1 else [pytest.mark.thorough])
        for place in range(TELLINGS)
    ],
)
@pytest.mark.parametrize("name", traps, ids=str)
def test_trap(office: Office, name: str, place: int) -> None:
    traps[name](office, place)
    before, entries = balances(office), _entries(office)
    office.replay()
    assert (balances(office), _entries(office)) == (before, entries)
    assert office.violations() == []


def trap(name: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        traps[name] = check
        return check

    return keep


def _paid(office: Office, **more) -> News:
    """One invoice, and the news of a payment for it."""
    invoice(office, "INV-1", 10_000)
    office.world.pay(10_000, metadata={"invoice": "INV-1"}, **more)
    return office.world.events()


def _check_paid_once(office: Office, set_aside: int = 0) -> None:
    office.drain()
    assert balances(office) == PAID
    assert [status for _, status, _ in office.unfinished()] == ["quarantined"] * set_aside


def _check_set_aside(office: Office, count: int) -> None:
    """They are kept, each with a question, and have moved nothing."""
    office.drain()
    assert balances(office) == OWED
    assert office.scalar("select count(*) from payment") == 0
    assert [status for _, status, _ in office.unfinished()] == ["quarantined"] * count
    assert _asked(office) == ["event_quarantined"] * count


def _stored(office: Office) -> int:
    return int(office.scalar("select count(*) from inbox_event"))


def _entries(office: Office) -> int:
    return int(office.scalar("select count(*) from journal_entry"))


def _asked(office: Office) -> list[str]:
    return [row.kind for row in office.rows("select kind from review_item where state = 'open'")]


def _now(office: Office) -> int:
    return int(office.clock().timestamp())


@trap("87-live-mode-on-a-test-deployment")
def _(office: Office, place: int) -> None:
    for event in mixed([one | {"livemode": True} for one in _paid(office)], place):
        assert office.deliver(event) == [200]
        office.apply()
    _check_set_aside(office, 4)


@trap("87-test-mode-on-a-live-deployment")
def _(office: Office, place: int) -> None:
    settings = replace(office.runtime.settings, stripe_secret_key=Secret("sk_live_of_a_test"))
    rails = {**office.runtime.rails, "stripe": StripeRail(settings, office.clock)}
    office.runtime = replace(office.runtime, settings=settings, rails=rails)
    office.door = create_webhook_app(office.runtime).test_client()
    for event in mixed(_paid(office), place):
        assert office.deliver(event) == [200]
        office.apply()
    _check_set_aside(office, 4)


@trap("88-another-account")
def _(office: Office, place: int) -> None:
    for event in mixed([one | {"account": "acct_strange"} for one in _paid(office)], place):
        assert office.deliver(event) == [200]
        office.apply()
    _check_set_aside(office, 4)


@trap("88-another-account-beside-our-own")
def _(office: Office, place: int) -> None:
    news = _paid(office)
    strange = [one | {"account": "acct_strange"} for one in news]
    ours = [one | {"account": office.world.account} for one in news]
    for event in mixed(strange + ours, place):
        assert office.deliver(event) == [200]
        office.apply()
    _check_paid_once(office, set_aside=4)


@trap("93-fifty-deliveries-at-once")
def _(office: Office, place: int) -> None:
    news = _paid(office)
    bodies = [body_of(event) for _ in range(13) for event in mixed(news, place)][:52]
    door = create_webhook_app(office.runtime)
    statuses: list[int] = []

    def deliver(some: list[bytes]) -> None:
        client = door.test_client()
        for body in some:
            header = sign(WEBHOOK_SECRET, body, _now(office))
            answer = client.post("/stripe", data=body, headers={"Stripe-Signature": header})
            statuses.append(answer.status_code)
            apply_inbox(office.runtime)

    threads = [threading.Thread(target=deliver, args=(bodies[n::8],)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert statuses == [200] * 52
    assert _stored(office) == 4
    _check_paid_once(office)


BUSY = {
    "clearing": 17_040, "processing_fees": 2_460, "credits": 500, "accounts_receivable": 10_000,
    "revenue": -30_000,
}  # fmt: skip


def _busy_days(office: Office) -> News:
    """Three payments: one is refunded in part, another is disputed and lost."""
    charges = []
    for number in ("INV-1", "INV-2", "INV-3"):
        invoice(office, number, 10_000)
        charges.append(office.world.pay(10_000, metadata={"invoice": number}).charge)
        office.clock.advance(days=1)
    office.world.refund(charges[1], 500)
    office.world.close_dispute(office.world.dispute(charges[2]), "lost")
    return office.world.events()


def _check_late_news_change_nothing(office: Office, news: News, place: int) -> None:
    office.drain()
    assert balances(office) == BUSY
    entries = _entries(office)
    for event in mixed(news, place):
        assert office.deliver(event) == [200]
        office.apply()
    office.drain()
    assert (balances(office), _entries(office)) == (BUSY, entries)
    assert office.unfinished() == []


def _sweep(office: Office, *, days: int) -> None:
    """The rail's objects and rows of so many days are compared with what is known here."""
    window = Window(office.clock() - timedelta(days=days), office.clock() - timedelta(minutes=2))
    office.do(lambda work: reconciliation.start(work, "stripe", OWN, window))
    while carry_on(office.runtime):
        pass


@trap("94-the-endpoint-was-down-for-four-days")
def _(office: Office, place: int) -> None:
    news = _busy_days(office)
    office.clock.advance(days=1)
    for _ in range(8):  # turns of the timed job, more than there are plans
        reconcile(office.runtime)
    _check_late_news_change_nothing(office, news, place)


@trap("94-all-but-some-of-the-news-were-lost")
def _(office: Office, place: int) -> None:
    news = _busy_days(office)
    for event in mixed(news, place)[: len(news) // 3]:
        office.deliver(event)
        office.apply()
    office.clock.advance(days=1)
    for _ in range(8):
        reconcile(office.runtime)
    _check_late_news_change_nothing(office, news, place)


@trap("95-what-the-rail-has-no-events-of-any-more")
def _(office: Office, place: int) -> None:
    news = _busy_days(office)
    office.clock.advance(days=40)
    _sweep(office, days=60)
    assert _stored(office) == 0
    _check_late_news_change_nothing(office, news, place)


@trap("95-nothing-but-one-event-is-left-after-forty-days")
def _(office: Office, place: int) -> None:
    news = _paid(office)
    office.clock.advance(days=40)
    tells_of_money = news[1 + place % (len(news) - 1)]
    for event in mixed([tells_of_money], place):
        office.deliver(event)
    _check_paid_once(office)


@trap("29-the-feed-has-a-row-that-is-taken-back")
def _(office: Office, place: int) -> None:
    invoice(office, "INV-1", 10_000)
    page = office.world.open_session(10_000, metadata={"invoice": "INV-1"})
    debit = office.world.complete_session(page, method="delayed", early_row=True)
    office.clock.advance(days=1)
    _sweep(office, days=3)
    assert balances(office) == OWED
    assert office.scalar("select status from payment") == "processing"
    office.world.fail_delayed(debit.charge)
    office.clock.advance(days=1)
    _sweep(office, days=3)
    told = sorted(row["type"] for row in office.world.table("balance_transaction").values())
    assert told == ["payment", "payment_failure_refund"]
    for event in mixed(office.world.events(), place):
        office.deliver(event)
    office.drain()
    assert (balances(office), office.unfinished()) == (OWED, [])
    assert office.scalar("select status from payment") == "failed"
