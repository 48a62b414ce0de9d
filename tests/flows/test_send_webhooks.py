"""Other programs are told each thing once, in its order, signed, and for days if they are away."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

import psycopg
import pytest

from reconciler.books import webhooks as rules
from reconciler.carriers.webhooks import Answer
from reconciler.errors import Unavailable
from reconciler.failpoints import Struck, armed, strike
from reconciler.flows.send_webhooks import send_webhooks
from reconciler.flows.tidy import tidy
from reconciler.runtime import Runtime
from reconciler.sandbox.player import body_of
from reconciler.services import switches, webhooks
from reconciler.setting_values import NO_SECRET, Secret
from tests.builders import invoice
from tests.runtime import SOMEBODY, Office, events_of

URL = "https://hooks.acme.dev/in"


@dataclass
class Endpoint:
    """Somebody else's program: what it was told, and how it answers."""

    office: Office
    told: list[tuple[dict, dict]] = field(default_factory=list)
    statuses: list[int | None] = field(default_factory=list)

    def __call__(self, target, headers, body) -> Answer:
        status = self.statuses.pop(0) if self.statuses else 200
        if status is None:
            raise Unavailable("no answer within 15 seconds")
        if status < 300:
            self.told.append((dict(headers), json.loads(body)))
        return Answer(status, 12)

    @property
    def kinds(self) -> list[str]:
        return [body["type"] for _, body in self.told]

    def work(self) -> int:
        return send_webhooks(self.office.runtime, carry=self)


@pytest.fixture
def there(office: Office) -> Endpoint:
    made = Endpoint(office)
    made.id, made.secret = office.do(
        lambda work: webhooks.create(work, office.runtime.seals, url=URL)
    )
    return made


def a_life(office: Office) -> None:
    """An invoice that is paid in two parts by card."""
    invoice(office, "INV-1", 10_000)
    for amount in (4_000, 6_000):
        office.world.pay(amount, metadata={"invoice": "INV-1"})
        known = {r.rail_event_id for r in office.rows("select rail_event_id from inbox_event")}
        office.deliver(*(e for e in events_of(office.world) if e["id"] not in known))
        office.drain(within=timedelta(minutes=1))


@pytest.mark.thorough
def test_a_life_is_told_in_its_order_and_signed(office: Office, there: Endpoint) -> None:
    a_life(office)
    there.work()
    of_invoice = [b for _, b in there.told if b["data"].get("number") == "INV-1"]
    assert [b["type"] for b in of_invoice] == [
        "invoice.sent", "invoice.partially_paid", "invoice.paid",
    ]  # fmt: skip
    assert of_invoice[1]["data"]["outstanding"] == 6_000
    assert there.kinds.count("payment.received") == there.kinds.count("payment.matched") == 2
    for headers, body in there.told:
        raw = json.dumps(body, separators=(",", ":")).encode()
        assert headers["webhook-signature"] == rules.signature(
            [there.secret],
            message_id=headers["webhook-id"],
            timestamp=int(headers["webhook-timestamp"]),
            body=raw,
        )


@pytest.mark.thorough
def test_old_events_again_tell_nothing_new(office: Office, there: Endpoint) -> None:
    a_life(office)
    there.work()
    before = len(there.told)
    for event in events_of(office.world):
        office.post(body_of(event))
    office.replay()
    assert there.work() == 0
    assert len(there.told) == before
    assert len({headers["webhook-id"] for headers, _ in there.told}) == before


def test_the_next_of_an_object_waits_until_the_former_has_arrived(
    office: Office, there: Endpoint
) -> None:
    a_life(office)
    there.statuses = [500] * 50
    there.work()
    assert there.told == []
    waiting = office.rows("select distinct object_id from webhook_delivery where tries > 0")
    tried = office.rows("select object_id from webhook_delivery where tries > 0")
    assert len(waiting) == len(tried)  # one of each object, and no more
    there.statuses = []
    for _ in range(10):
        office.clock.advance(minutes=1)
        there.work()
    assert [k for k in there.kinds if k.startswith("invoice.")] == [
        "invoice.sent", "invoice.partially_paid", "invoice.paid",
    ]  # fmt: skip


def test_who_is_away_is_told_later_and_not_for_ever(office: Office, there: Endpoint) -> None:
    invoice(office, "INV-1", 10_000)
    there.statuses = [None, 503, 302]
    for _ in range(4):
        there.work()
        office.clock.advance(hours=1)
    assert there.kinds == ["invoice.sent"]
    tries = office.rows("select status, why from webhook_attempt order by at")
    assert [row.status for row in tries] == [None, 503, 302, 200]
    assert tries[0].why == "no answer within 15 seconds"
    invoice(office, "INV-2", 10_000)
    there.statuses = [500] * 1_000
    for _ in range(60):
        there.work()
        office.clock.advance(hours=5)
    assert office.rows("select state from webhook_delivery where state <> 'delivered'") == [
        ("given_up",)
    ]
    invoice(office, "INV-3", 10_000)
    for _ in range(30):
        there.work()
        office.clock.advance(hours=5)
    row = office.rows("select is_on, disabled_why from webhook_endpoint")[0]
    assert not row.is_on
    assert "nothing arrived since" in row.disabled_why


def test_what_was_given_up_is_told_again_when_somebody_says_so(
    office: Office, there: Endpoint
) -> None:
    invoice(office, "INV-1", 10_000)
    there.work()
    delivery = office.scalar("select id from webhook_delivery")
    office.do(lambda work: webhooks.replay(work, delivery))
    there.work()
    ids = [headers["webhook-id"] for headers, _ in there.told]
    assert len(ids) == 2
    assert len(set(ids)) == 1  # so that the receiver can tell


def test_a_sender_that_died_is_followed_by_another_with_the_same_name(
    office: Office, there: Endpoint
) -> None:
    invoice(office, "INV-1", 10_000)
    with armed({"webhook.after_send": strike}), pytest.raises(Struck):
        there.work()
    assert there.work() == 0
    office.clock.advance(minutes=2)
    there.work()
    assert len({headers["webhook-id"] for headers, _ in there.told}) == 1
    assert office.scalar("select state from webhook_delivery") == "delivered"


def test_several_senders_deliver_each_once(office: Office, there: Endpoint) -> None:
    for number in range(12):
        invoice(office, f"INV-{number}", 10_000)
    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(lambda _: there.work(), range(4)))
    ids = [headers["webhook-id"] for headers, _ in there.told]
    assert len(ids) == len(set(ids)) == 12


def test_the_switch_stops_the_next_one_and_secrets_rotate(office: Office, there: Endpoint) -> None:
    invoice(office, "INV-1", 10_000)
    office.do(lambda work: switches.change(work, "outbound", on=False, reason="a drill"))
    assert there.work() == 0
    office.do(lambda work: switches.change(work, "outbound", on=True, reason="over"))
    office.do(lambda work: webhooks.rotate(work, office.runtime.seals, there.id))
    there.work()
    assert len(there.told[0][0]["webhook-signature"].split(" ")) == 2
    office.clock.advance(hours=25)
    invoice(office, "INV-2", 10_000)
    there.work()
    assert len(there.told[1][0]["webhook-signature"].split(" ")) == 1


def test_an_endpoint_is_told_what_it_wants_and_nothing_while_it_is_off(
    office: Office, there: Endpoint
) -> None:
    office.do(lambda work: webhooks.change(work, there.id, {"events": ["invoice.paid"]}))
    a_life(office)
    there.work()
    assert there.kinds == ["invoice.paid"]
    office.do(lambda work: webhooks.change(work, there.id, {"is_on": False}))
    invoice(office, "INV-2", 10_000)
    assert there.work() == 0
    assert office.scalar("select count(*) from webhook_event where kind = 'invoice.sent'") == 1


class TestSealed:
    """Secrets lie sealed, and are sealed anew when the key is changed."""

    OTHER = Secret("y" * 48)

    def kept(self, office: Office) -> list[str]:
        rows = office.rows("select secret, secret_before from webhook_endpoint order by id")
        return [text for row in rows for text in row if text is not None]

    def under(self, office: Office, key: Secret, before: Secret = NO_SECRET) -> Runtime:
        """The same office after a restart with other keys."""
        settings = replace(office.runtime.settings, secret_key=key, secret_key_before=before)
        return replace(office.runtime, settings=settings)

    def told_by(self, office: Office, there: Endpoint, runtime: Runtime, number: str) -> str:
        """What signs the news of an invoice."""
        invoice(office, number, 10_000)
        send_webhooks(runtime, carry=there)
        return there.told[-1][0]["webhook-signature"] if there.told else ""

    def test_a_secret_kept_in_the_clear_signs_and_is_sealed_by_the_next_tidying(
        self, office: Office, there: Endpoint, owner_url: str
    ) -> None:
        assert not any("whsec_" in text for text in self.kept(office))
        with psycopg.connect(owner_url.replace("+psycopg", "", 1)) as owner:
            owner.execute("update webhook_endpoint set secret = %s", [there.secret])
        assert self.told_by(office, there, office.runtime, "INV-1")
        tidy(office.runtime)
        (sealed,) = self.kept(office)
        assert office.runtime.seals.is_current(sealed, of=there.id)
        assert office.runtime.seals.opened(sealed, of=there.id) == there.secret

    def test_the_key_is_changed_while_the_former_one_still_opens(
        self, office: Office, there: Endpoint
    ) -> None:
        both = self.under(office, self.OTHER, office.runtime.settings.secret_key)
        assert self.told_by(office, there, both, "INV-1")
        tidy(both)
        alone = self.under(office, self.OTHER)
        assert self.told_by(office, there, alone, "INV-2")
        assert office.runtime.do(SOMEBODY, lambda work: webhooks.seal_anew(work, both.seals)) == 0

    def test_a_former_secret_is_forgotten_when_it_signs_no_more(
        self, office: Office, there: Endpoint
    ) -> None:
        office.do(lambda work: webhooks.rotate(work, office.runtime.seals, there.id))
        tidy(office.runtime)
        assert len(self.kept(office)) == 2
        office.clock.advance(hours=25)
        tidy(office.runtime)
        assert len(self.kept(office)) == 1

    def test_without_the_key_an_endpoint_is_turned_off_and_others_are_told(
        self, office: Office, there: Endpoint
    ) -> None:
        lost = self.under(office, self.OTHER)
        office.do(lambda work: webhooks.create(work, lost.seals, url=URL + "2"))
        assert self.told_by(office, there, lost, "INV-1")
        assert len(there.told) == 1
        off = office.rows("select id, disabled_why from webhook_endpoint where not is_on")
        assert [row.id for row in off] == [there.id]
        assert "RECONCILER_SECRET_KEY was changed" in off[0].disabled_why
        office.do(lambda work: webhooks.rotate(work, lost.seals, there.id))
        office.do(lambda work: webhooks.change(work, there.id, {"is_on": True}))
        send_webhooks(lost, carry=there)
        assert len(there.told) == 2
