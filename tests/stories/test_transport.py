"""Traps 80 to 95: what may happen to a message on its way."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.books.reconciliation import Window
from reconciler.errors import Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.reconcile import carry_on, reconcile
from reconciler.rails.stripe.rail import StripeRail
from reconciler.sandbox.player import body_of, sign
from reconciler.services import inbox, payments, reconciliation
from reconciler.services.reconciliation import OWN
from reconciler.settings import Secret
from reconciler.work import Cause
from tests.builders import balances, invoice
from tests.runtime import WEBHOOK_SECRET, Office, make_runtime
from webhooks.app import create_webhook_app

Check = Callable[[Office], None]
traps: dict[str, Check] = {}


@pytest.mark.parametrize("name", traps, ids=str)
def test_trap(office: Office, name: str) -> None:
    traps[name](office)
    before = balances(office)
    office.replay()
    assert balances(office) == before
    assert office.violations() == []


def trap(name: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        traps[name] = check
        return check

    return keep


def _paid(office: Office, **more) -> list[dict]:
    """One invoice, and the news of a payment for it."""
    invoice(office, "INV-1", 10_000)
    office.world.pay(10_000, metadata={"invoice": "INV-1"}, **more)
    return office.world.events()


def _check_paid_once(office: Office) -> None:
    office.drain()
    assert balances(office) == {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}
    assert office.unfinished() == []


def _stored(office: Office) -> int:
    return int(office.scalar("select count(*) from inbox_event"))


def _asked(office: Office) -> list[str]:
    return [row.kind for row in office.rows("select kind from review_item where state = 'open'")]


def _now(office: Office) -> int:
    return int(office.clock().timestamp())


@trap("80-a-forged-message")
def _(office: Office) -> None:
    body = body_of(_paid(office)[1])
    good = sign(WEBHOOK_SECRET, body, _now(office))
    for header in (
        "",
        "t=1",
        "v1=abc",
        good.replace("v1=", "v0="),
        good + "x",
        sign("no", body, 1),
    ):
        assert office.post(body, header=header).status_code == 400
    assert office.post(body.replace(b"10000", b"10001"), header=good).status_code == 400
    assert _stored(office) == 0


@trap("81-while-the-secret-is-being-rolled")
def _(office: Office) -> None:
    for event in _paid(office):
        body = body_of(event)
        header = sign(["whsec_of_yesterday", WEBHOOK_SECRET], body, _now(office))
        assert office.post(body, header=header).status_code == 200
    _check_paid_once(office)


@trap("82-too-old-or-from-the-future")
def _(office: Office) -> None:
    body = body_of(_paid(office)[1])
    for away in (-600, -301, 301, 600):
        header = sign(WEBHOOK_SECRET, body, _now(office) + away)
        assert office.post(body, header=header).status_code == 400
    assert _stored(office) == 0


@trap("83-a-captured-request-is-replayed")
def _(office: Office) -> None:
    news = [(body_of(event), _now(office)) for event in _paid(office)]
    for turn in range(3):
        for body, at in news:
            answer = office.post(body, header=sign(WEBHOOK_SECRET, body, at))
            assert answer.get_json() == {"received": True, "duplicate": turn > 0}
        office.clock.advance(seconds=60)
        office.apply()
    _check_paid_once(office)


@trap("84-signed-nonsense")
def _(office: Office) -> None:
    body = body_of(_paid(office)[1])
    broken = (b"", b"[]", b"null", b'"x"', b"{", b"\xef\xbb\xbf" + body, b"\xff" + body, body[:-9])
    for nonsense in broken:
        answer = office.post(nonsense)
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert _stored(office) == 0


@trap("85-no-event-at-all")
def _(office: Office) -> None:
    event = _paid(office)[1]
    for change in ({"object": "v2.core.event"}, {"object": None}, {"data": []}, {"id": 7}):
        assert office.post(body_of(event | change)).status_code == 400
    assert _stored(office) == 0


@trap("86-a-type-nobody-handles")
def _(office: Office) -> None:
    news = _paid(office)
    office.deliver(news[1] | {"id": "evt_odd", "type": "foo.bar"}, *news)
    _check_paid_once(office)
    status = office.scalar(
        """select o.status from inbox_outcome o join inbox_event e on e.seq = o.seq
        where e.rail_event_id = 'evt_odd'"""
    )
    assert status == "ignored"


@trap("87-live-mode-on-a-test-deployment")
def _(office: Office) -> None:
    news = _paid(office)
    assert office.deliver(*(event | {"livemode": True} for event in news)) == [200] * 4
    office.drain()
    assert balances(office) == {"accounts_receivable": 10_000, "revenue": -10_000}
    assert {status for _, status, _ in office.unfinished()} == {"quarantined"}
    assert _asked(office) == ["event_quarantined"] * 4


@trap("87-test-mode-on-a-live-deployment")
def _(office: Office) -> None:
    settings = replace(office.runtime.settings, stripe_secret_key=Secret("sk_live_of_a_test"))
    rails = {**office.runtime.rails, "stripe": StripeRail(settings, office.clock)}
    runtime = replace(office.runtime, settings=settings, rails=rails)
    door = create_webhook_app(runtime).test_client()
    for event in _paid(office):
        body = body_of(event)
        headers = {"Stripe-Signature": sign(WEBHOOK_SECRET, body, _now(office))}
        assert door.post("/stripe", data=body, headers=headers).status_code == 200
    office.drain()
    assert balances(office) == {"accounts_receivable": 10_000, "revenue": -10_000}
    assert _asked(office) == ["event_quarantined"] * 4


@trap("88-another-account")
def _(office: Office) -> None:
    news = _paid(office)
    office.deliver(*(event | {"account": "acct_strange"} for event in news))
    office.drain()
    assert balances(office) == {"accounts_receivable": 10_000, "revenue": -10_000}
    assert _asked(office) == ["event_quarantined"] * 4
    office.deliver(*(event | {"account": office.world.account} for event in news))
    _check_paid_once_beside(office, 4)


def _check_paid_once_beside(office: Office, quarantined: int) -> None:
    office.drain()
    assert balances(office) == {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}
    assert len(office.unfinished()) == quarantined


@trap("89-one-id-and-two-bodies")
def _(office: Office) -> None:
    news = _paid(office)
    office.deliver(*news)
    forged = json.loads(json.dumps(news[1]))
    forged["data"]["object"]["amount_captured"] = 99_999
    assert office.post(body_of(forged)).get_json() == {"received": True, "duplicate": True}
    _check_paid_once(office)
    assert _asked(office) == ["event_conflict"]


@trap("90-five-megabytes")
def _(office: Office) -> None:
    event = _paid(office)[1] | {"padding": "x" * 5_000_000}
    assert office.post(body_of(event)).status_code == 413
    assert _stored(office) == 0


@trap("91-the-database-is-down")
def _(office: Office) -> None:
    news = _paid(office)
    nowhere = office.runtime.settings.database_url.replace("/test_", "/gone_")
    runtime = make_runtime(nowhere, "http://127.0.0.1:9", office.clock, None)
    door = create_webhook_app(runtime).test_client()
    for event in news:
        body = body_of(event)
        headers = {"Stripe-Signature": sign(WEBHOOK_SECRET, body, _now(office))}
        answer = door.post("/stripe", data=body, headers=headers)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    with pytest.raises(Unavailable):
        apply_inbox(runtime)
    office.deliver(*news)
    _check_paid_once(office)


@trap("92-a-crash-between-posting-and-noting-it")
def _(office: Office) -> None:
    office.deliver(*_paid(office))
    before = balances(office)
    rail = office.runtime.rails["stripe"]
    with pytest.raises(Unavailable), office.runtime.work(Cause("job", "apply_inbox")) as work:
        claimed = inbox.claim(work, 10)
        assert len(claimed) == 4
        seen = [rail.sighting(event.body) for event in claimed]
        payments.observe(work, [(one.facts, one.aliases) for one in seen if one.facts])
        raise Unavailable("killed")
    assert balances(office) == before
    _check_paid_once(office)


@trap("93-fifty-deliveries-at-once")
def _(office: Office) -> None:
    news = _paid(office)
    bodies = [body_of(event) for event in news for _ in range(13)]
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


def _busy_days(office: Office) -> list[dict]:
    """Three payments: one is refunded in part, another is disputed and lost."""
    charges = []
    for number in ("INV-1", "INV-2", "INV-3"):
        invoice(office, number, 10_000)
        charges.append(office.world.pay(10_000, metadata={"invoice": number}).charge)
        office.clock.advance(days=1)
    office.world.refund(charges[1], 500)
    office.world.close_dispute(office.world.dispute(charges[2]), "lost")
    return office.world.events()


def _check_late_news_change_nothing(office: Office, news: list[dict]) -> None:
    office.drain()
    assert balances(office) == BUSY
    entries = office.scalar("select count(*) from journal_entry")
    office.deliver(*news)
    office.drain()
    assert office.scalar("select count(*) from journal_entry") == entries
    assert office.unfinished() == []


@trap("94-the-endpoint-was-down-for-four-days")
def _(office: Office) -> None:
    news = _busy_days(office)
    office.clock.advance(days=1)
    for _ in range(8):  # turns of the timed job, more than there are plans
        reconcile(office.runtime)
    _check_late_news_change_nothing(office, news)


@trap("95-what-the-rail-has-no-events-of-any-more")
def _(office: Office) -> None:
    news = _busy_days(office)
    office.clock.advance(days=40)
    window = Window(office.clock() - timedelta(days=60), office.clock() - timedelta(minutes=2))
    office.do(lambda work: reconciliation.start(work, "stripe", OWN, window))
    while carry_on(office.runtime):
        pass
    assert _stored(office) == 0
    _check_late_news_change_nothing(office, news)


@trap("95-nothing-but-one-event-is-left-after-forty-days")
def _(office: Office) -> None:
    news = _paid(office)
    office.clock.advance(days=40)
    office.deliver(news[2])
    _check_paid_once(office)
