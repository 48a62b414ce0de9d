"""Traps 80 to 86 and 89 to 92: what may come on a message's way, before each time that it does.

Whatever is refused leaves nothing behind, and what comes after it is taken as if nothing had been.
"""

import json

import pytest

from reconciler.errors import Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.reads.gauges import gauges
from reconciler.sandbox.player import body_of, sign
from reconciler.services import inbox, payments
from reconciler.work import Cause
from tests.builders import balances
from tests.runtime import WEBHOOK_SECRET, Office, make_runtime
from tests.stories.telling import Telling
from tests.stories.traps import Before, Event, Trap, Traps, check_trap
from webhooks.app import create_webhook_app
from webhooks.receive import BODY_BYTES_MAX

traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")

PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""
KEPT = "select count(*) from inbox_event"
PROBLEM = "application/problem+json"
CONFLICTS = """select count(*) from review_item i join inbox_event e on e.seq = i.event_seq
    where e.rail_event_id = :id and i.kind = 'event_conflict' and i.state = 'open'"""
STATUS = """select o.status from inbox_outcome o join inbox_event e on e.seq = o.seq
    where e.rail_event_id = :id"""
BODY = "select body from inbox_event where rail_event_id = :id"


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


def told_after(name: str, before: Before) -> None:
    """A payment for an invoice, before each message of which this happens."""

    @traps.add(name, PAID, before=before)
    def _(t: Telling) -> None:
        t.invoice("INV-1", 10_000)
        t.pay(10_000, "INV-1")


def _now(office: Office) -> int:
    return int(office.clock().timestamp())


def _signed(office: Office, body: bytes, secret: str = WEBHOOK_SECRET, away: int = 0) -> str:
    return sign(secret, body, _now(office) + away)


def _refused(office: Office, body: bytes, status: int = 400, header: str | None = None) -> None:
    """It gets this answer, as a problem document, and nothing of it is kept."""
    kept = office.scalar(KEPT)
    answer = office.post(body, header=header)
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), (body[:80], header)
    assert answer.get_json()["status"] == status
    assert office.scalar(KEPT) == kept


def _forged(office: Office, event: Event) -> None:
    body = body_of(event)
    good = _signed(office, body)
    digest = good.partition("v1=")[2]
    for header in (
        "", "garbage", "t=1", "v1=abc", f"t={_now(office)}", f"v1={digest}", good + "x",
        good.replace("v1=", "v0="), good.replace(",", ", "), good.replace(digest, digest[::-1]),
        _signed(office, body, "whsec_of_another"),
    ):  # fmt: skip
        _refused(office, body, header=header)
    changed = body.replace(b'"livemode": false', b'"livemode": true')
    assert changed != body
    _refused(office, changed, header=good)
    _refused(office, body + b" ", header=good)


told_after("80-a-forged-message", _forged)


def _rolled(office: Office, event: Event) -> None:
    body = body_of(event)
    both = sign(["whsec_of_tomorrow", WEBHOOK_SECRET], body, _now(office))
    assert both.count("v1=") == 2
    assert office.post(body, header=both).status_code == 200
    assert bytes(office.scalar(BODY, id=event["id"])) == body


told_after("81-while-the-secret-is-being-rolled", _rolled)


def _out_of_time(office: Office, event: Event) -> None:
    body = body_of(event)
    for away in (-600, -301, 301, 600, 10 * 365 * 86_400):
        _refused(office, body, header=_signed(office, body, away=away))


told_after("82-too-old-or-from-the-future", _out_of_time)


def _captured(office: Office, event: Event) -> None:
    """The very request, again while its signature is good, and after that."""
    body = body_of(event)
    header = _signed(office, body)
    assert office.post(body, header=header).status_code == 200
    kept = office.scalar(KEPT)
    office.clock.advance(seconds=200)
    answer = office.post(body, header=header)
    assert (answer.status_code, answer.get_json()) == (200, {"received": True, "duplicate": True})
    assert office.scalar(KEPT) == kept
    office.clock.advance(seconds=200)
    _refused(office, body, header=header)


told_after("83-a-captured-request-is-replayed", _captured)


def _nonsense(office: Office, event: Event) -> None:
    body = body_of(event)
    for broken in (
        b"", b" ", b"[]", b"null", b'"x"', b"7", b"true", b"{", b"{}", b"[" * 200_000, body[:-9],
        b"\xef\xbb\xbf" + body, b"\xff" + body, body[:-1] + b',"odd":"\xff"}', body + body,
        body.replace(b'"livemode": false', b'"livemode": NaN'), body.decode().encode("utf-16"),
    ):  # fmt: skip
        _refused(office, broken)


told_after("84-signed-nonsense", _nonsense)


def _no_event(office: Office, event: Event) -> None:
    for key in ("object", "id", "type", "created", "livemode", "data"):
        _refused(office, body_of({name: said for name, said in event.items() if name != key}))
        for said in (None, [], {}):
            _refused(office, body_of(event | {key: said}))
    for inner in ({}, {"object": None}, {"object": []}, {"object": "ch_1"}):
        _refused(office, body_of(event | {"data": inner}))
    odd = ({"object": "v2.core.event"}, {"object": "charge"}, {"id": 7}, {"id": ""}, {"type": 7})
    for change in (*odd, {"created": "2026-11-22T12:00:00Z"}, {"created": -1}, {"livemode": 0}):
        _refused(office, body_of(event | change))
    thin = {"id": event["id"], "object": "v2.core.event", "type": f"v1.{event['type']}"}
    thin |= {"created": "2026-11-22T12:00:00.000Z", "livemode": False}
    _refused(office, body_of(thin | {"related_object": {"id": event["data"]["object"]["id"]}}))


told_after("85-no-event-at-all", _no_event)


def _of_no_known_type(office: Office, event: Event) -> None:
    odd = event | {"id": f"{event['id']}odd", "type": "foo.bar"}
    assert office.deliver(odd) == [200]
    office.apply()
    assert office.scalar(STATUS, id=odd["id"]) == "ignored"
    with office.runtime.read() as session:
        counted = {gauge.name: gauge.value for gauge in gauges(session, office.clock())}
    ignored = office.scalar("select count(*) from inbox_outcome where status = 'ignored'")
    assert counted["inbox_ignored_last_day"] == ignored > 0


told_after("86-a-type-nobody-handles", _of_no_known_type)


def _worded_otherwise(office: Office, event: Event) -> None:
    """Rightly signed, of an id that is here: an answer as to any repetition, and an alarm."""
    office.deliver(event)
    first = bytes(office.scalar(BODY, id=event["id"]))
    forged = json.loads(json.dumps(event))
    forged["data"]["object"] |= {"amount": 99_999, "amount_captured": 99_999}
    answer = office.post(body_of(forged))
    assert (answer.status_code, answer.get_json()) == (200, {"received": True, "duplicate": True})
    assert bytes(office.scalar(BODY, id=event["id"])) == first == body_of(event)
    assert office.scalar(CONFLICTS, id=event["id"]) == 1


told_after("89-one-id-and-two-bodies", _worded_otherwise)


def _too_long(office: Office, event: Event) -> None:
    _refused(office, body_of(event | {"padding": "x" * 5_000_000}), 413)
    body = body_of(event)
    _refused(office, body + b" " * (BODY_BYTES_MAX + 1 - len(body)), 413)


told_after("90-five-megabytes", _too_long)


def _database_is_down(office: Office, event: Event) -> None:
    nowhere = office.runtime.settings.database_url.replace("/test_", "/gone_")
    runtime = make_runtime(nowhere, "http://127.0.0.1:9", office.clock, None)
    body, kept = body_of(event), office.scalar(KEPT)
    headers = {"Stripe-Signature": _signed(office, body)}
    door = create_webhook_app(runtime).test_client()
    answer = door.post("/stripe", data=body, headers=headers)
    assert (answer.status_code, answer.content_type) == (503, PROBLEM)
    assert int(answer.headers["Retry-After"]) > 0
    assert office.scalar(KEPT) == kept
    with pytest.raises(Unavailable):
        apply_inbox(runtime)
    runtime.engine.dispose()


told_after("91-the-database-is-down", _database_is_down)


def _dies_before_it_notes_it(office: Office, event: Event) -> None:
    """A worker has posted what the event tells, and dies before that is committed."""
    office.deliver(event)
    is_waiting = office.scalar(STATUS, id=event["id"]) is None
    before = balances(office)
    rail = office.runtime.rails["stripe"]
    with pytest.raises(Unavailable), office.runtime.work(Cause("job", "apply_inbox")) as work:
        claimed = inbox.claim(work, 1_000)
        assert is_waiting == (event["id"] in {one.rail_event_id for one in claimed})
        seen = [rail.sighting(one.body) for one in claimed]
        payments.observe(work, [(one.facts, one.aliases) for one in seen if one.facts])
        raise Unavailable("killed")
    assert balances(office) == before
    assert is_waiting == (office.scalar(STATUS, id=event["id"]) is None)


told_after("92-a-crash-between-posting-and-noting-it", _dies_before_it_notes_it)
