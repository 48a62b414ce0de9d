"""Signing by the standard, waits, and what a change of amounts is told as."""

import pytest

from reconciler.books import webhooks
from reconciler.books.webhooks import Told
from reconciler.errors import Invalid

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GIVEN = {"message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1614265330}


def test_the_standards_own_example_comes_out() -> None:
    made = webhooks.signature([SECRET], body=b'{"test": 2432232314}', **GIVEN)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_make_two_signatures_of_which_each_receiver_knows_one() -> None:
    other = webhooks.secret_text(b"x" * 32)
    both = webhooks.signature([other, SECRET], body=b"{}", **GIVEN).split(" ")
    assert both == [webhooks.signature([secret], body=b"{}", **GIVEN) for secret in (other, SECRET)]


def test_any_change_changes_the_signature() -> None:
    made = webhooks.signature([SECRET], body=b"{}", **GIVEN)
    assert made != webhooks.signature([SECRET], body=b"{} ", **GIVEN)
    assert made != webhooks.signature([SECRET], body=b"{}", **GIVEN | {"timestamp": 1614265331})
    assert made != webhooks.signature([SECRET], body=b"{}", **GIVEN | {"message_id": "msg_2"})
    with pytest.raises(Invalid):
        webhooks.secret_key("whsec_?")


def test_waits_grow_and_are_spread_and_have_an_end() -> None:
    for chance in (0.0, 0.999):
        waits = [webhooks.wait_after(tries, chance) for tries in range(30)]
        assert waits == sorted(waits)
        assert waits[-1] <= webhooks.wait_after(99, 1.0)
    assert webhooks.wait_after(3, 0.5) > webhooks.wait_after(3, 0.0)
    assert [webhooks.took_it(status) for status in (199, 200, 299, 302, 500)] == [
        False, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("paid", "outstanding", "told"),
    [
        ((0, 40), (100, 60), Told.INVOICE_PARTIALLY_PAID),
        ((40, 100), (60, 0), Told.INVOICE_PAID),
        ((100, 40), (0, 60), Told.INVOICE_REOPENED),
        ((0, 0), (100, 0), None),
        ((40, 40), (60, 50), None),
        ((40, 20), (60, 80), None),
    ],
)
def test_a_change_of_amounts_is_told_as_one_thing(paid, outstanding, told) -> None:
    found = webhooks.invoice_told(
        paid_before=paid[0],
        paid=paid[1],
        outstanding_before=outstanding[0],
        outstanding=outstanding[1],
    )
    assert found is told


def test_only_what_is_ever_told_can_be_wanted() -> None:
    assert webhooks.events(["invoice.paid", "invoice.paid"]) == ("invoice.paid",)
    with pytest.raises(Invalid) as refused:
        webhooks.events(["invoice.eaten"])
    assert refused.value.field == "events"
