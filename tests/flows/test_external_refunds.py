"""Refunds that somebody made in the rail's dashboard: adopted where they are ours, else decided."""

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.services import allocations, effects, refunds, resolutions
from reconciler.services.allocations import Part
from reconciler.services.refunds import RefundAsk
from reconciler.services.resolutions import Resolution
from reconciler.work import Cause
from tests.builders import invoice
from tests.runtime import Office

ANN = Cause("person", "usr_ann")


def tell(office: Office, events=None) -> None:
    assert set(office.deliver(*(events or office.world.events()))) <= {200}
    office.drain()


def item(office: Office, state="open", kind="external_refund"):
    found = office.rows(
        """select id, amount, subject, payment_id, details from review_item
        where kind = :kind and state = :state order by opened_at, id""",
        kind=kind,
        state=state,
    )
    assert len(found) == 1, found
    return found[0]


def resolve(office: Office, action: str, **more) -> str:
    asked = item(office)
    answer = Resolution(action=action, **more)
    office.do(lambda work: resolutions.resolve(work, asked.id, answer, RefundPolicy()), ANN)
    return asked.id


def owed(office: Office) -> dict[str, int]:
    return {
        row.number: row.owed
        for row in office.rows(
            "select number, total - paid - credit_notes - refund_credits as owed from invoice"
        )
    }


def books(office: Office) -> list:
    """Everything that a replay must leave as it is."""
    return [
        office.rows(
            """select a.role, sum(p.amount) as amount from posting p
            join ledger_account a on a.id = p.account_id group by 1 order by 1"""
        ),
        office.rows("select number, paid, refund_credits from invoice order by 1"),
        office.rows("select code, received, applied, refunded from deposit order by 1"),
    ]


def paid_and_refunded_outside(office: Office, refunded=4_000):
    """An invoice of 10000, paid by card; gives the payment and the refund made outside."""
    invoice(office, "INV-1", 10_000)
    paid = office.world.pay(10_000, metadata={"invoice": "INV-1"})
    made = office.world.refund(paid.charge, refunded)
    tell(office)
    return paid, made


# Ours after all


def test_a_refund_whose_metadata_is_gone_is_ours_by_the_key_it_was_made_under(office: Office):
    office.world.pay(10_000)
    tell(office)
    heard = office.world.events_made()
    office.faults.add("saved_500", method="POST", path="/v1/refunds", effect=True)
    payment_id = office.scalar("select id from payment")
    ask = RefundAsk(reason="goodwill", payment_id=payment_id, amount=4_000)
    office.do(lambda work: refunds.request(work, ask, RefundPolicy()), Cause("api_key", "key_1"))
    submit_refunds(office.runtime)
    assert office.scalar("select status from refund") == "unknown"
    [made] = office.world.table("refund")
    office.world.edit_metadata(made, {"reconciler_refund_id": ""})
    news = office.world.events(heard)
    for event in news:
        event["data"]["object"].get("metadata", {}).pop("reconciler_refund_id", None)
    tell(office, news)
    assert office.scalar("select status from refund") == "succeeded"
    assert office.scalar("select rail_refund_id from refund_leg") == made
    assert office.rows("select id from review_item where kind = 'external_refund'") == []
    assert len(office.world.table("refund")) == 1
    assert office.violations() == []


def test_a_stranger_that_turns_out_to_be_ours_is_not_asked_about_any_more(office: Office):
    office.world.pay(10_000)
    tell(office)
    heard = office.world.events_made()
    office.faults.add("saved_500", method="POST", path="/v1/refunds", effect=True)
    payment_id = office.scalar("select id from payment")
    ask = RefundAsk(reason="goodwill", payment_id=payment_id, amount=4_000)
    office.do(lambda work: refunds.request(work, ask, RefundPolicy()), Cause("api_key", "key_1"))
    submit_refunds(office.runtime)
    news = office.world.events(heard)
    for event in news:
        event["data"]["object"]["metadata"] = {}
    nameless = [dict(e, id=e["id"] + "x", request=None) for e in news]
    assert set(office.deliver(*nameless)) == {200}
    office.apply()
    assert item(office).amount == 4_000
    assert set(office.deliver(*news)) == {200}
    office.apply()
    assert item(office, "resolved").amount == 4_000
    assert office.scalar("select status from refund") == "succeeded"
    office.drain()
    assert office.violations() == []


# What the client owes


@pytest.mark.parametrize(("action", "still"), [("credit", 0), ("reopen", 4_000)])
def test_a_person_says_whether_the_client_still_owes(office: Office, action, still):
    paid_and_refunded_outside(office)
    assert owed(office) == {"INV-1": 0}
    resolve(office, action)
    assert owed(office) == {"INV-1": still}
    assert office.violations() == []


def test_the_decision_stands_whatever_is_told_again(office: Office):
    paid_and_refunded_outside(office)
    resolve(office, "reopen")
    decided = books(office)
    office.replay()
    tell(office)
    office.ask_soon(office.world.table("payment_intent"))
    office.drain()
    assert books(office) == decided
    assert office.rows("select id from review_item where state = 'open'") == []


def test_a_decision_can_be_taken_back_and_made_again(office: Office):
    paid_and_refunded_outside(office)
    before = books(office)
    decided = resolve(office, "reopen")
    office.do(lambda work: resolutions.undo(work, decided), ANN)
    assert books(office) == before
    with pytest.raises(Conflict):
        office.do(lambda work: resolutions.undo(work, decided), ANN)
    again = resolve(office, "reopen")
    assert again != decided
    assert owed(office) == {"INV-1": 4_000}
    reversed_ = office.scalar(
        "select count(*) from journal_entry where key like '%/refund_credits/%'"
    )
    assert reversed_ == 4
    assert office.violations() == []


def test_a_refund_that_fails_later_leaves_nothing_to_decide(office: Office):
    _, made = paid_and_refunded_outside(office)
    resolve(office, "reopen")
    office.world.advance_refund(made, "failed", "lost_or_stolen_card")
    tell(office)
    assert owed(office) == {"INV-1": 0}
    assert item(office, kind="refund_failed").subject == made
    assert office.violations() == []


def test_an_open_question_closes_when_the_refund_fails(office: Office):
    _, made = paid_and_refunded_outside(office)
    assert item(office).subject == made
    office.world.advance_refund(made, "failed")
    tell(office)
    assert item(office, "resolved").subject == made
    with pytest.raises(Conflict, match="resolved"):
        office.do(
            lambda work: resolutions.resolve(
                work, item(office, "resolved").id, Resolution(action="credit"), RefundPolicy()
            ),
            ANN,
        )


def two_invoices(office: Office):
    invoice(office, "INV-1", 5_000)
    invoice(office, "INV-2", 5_000)
    made = office.world.pay(10_000)
    tell(office)
    payment_id = office.scalar("select id from payment")
    ids = {r.number: r.id for r in office.rows("select id, number from invoice")}
    for number in ("INV-1", "INV-2"):
        office.do(
            lambda work, number=number: allocations.allocate(
                work, payment_id, [Part(invoice_id=ids[number])]
            ),
            ANN,
        )
    refund = office.world.refund(made.charge, 4_000)
    tell(office)
    return ids, refund


def test_another_split_takes_from_what_the_person_names(office: Office):
    ids, _ = two_invoices(office)
    assert owed(office) == {"INV-1": 0, "INV-2": 0}
    parts = (Part(ids["INV-1"], None, 1_000), Part(ids["INV-2"], None, 3_000))
    resolve(office, "split", parts=parts, treatment="reopen")
    assert owed(office) == {"INV-1": 1_000, "INV-2": 3_000}
    decided = books(office)
    office.replay()
    assert books(office) == decided
    assert office.violations() == []


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ((1_000, 2_000), "the parts come to USD 30.00; the refund took USD 40.00"),
        ((0, 4_000), "its amount"),
        ((4_001, -1), "its amount"),
    ],
)
def test_a_split_that_it_cannot_have_taken_is_refused(office: Office, amounts, said):
    ids, _ = two_invoices(office)
    parts = tuple(
        Part(ids[number], None, amount)
        for number, amount in zip(("INV-1", "INV-2"), amounts, strict=True)
    )
    with pytest.raises(Refused, match=said) as refusal:
        resolve(office, "split", parts=parts, treatment="credit")
    assert refusal.value.field == "allocations"
    assert item(office).amount == 4_000


def test_a_part_cannot_be_more_than_the_payment_put_there(office: Office):
    ids, _ = two_invoices(office)
    for parts in (
        (Part("inv_unknown", None, 4_000),),
        (Part(ids["INV-1"], None, 3_999), Part("inv_unknown", None, 1)),
    ):
        with pytest.raises(Refused, match="did not put that much there"):
            resolve(office, "split", parts=parts, treatment="credit")


def test_a_preview_says_what_the_deed_then_does_and_leaves_nothing(office: Office):
    paid_and_refunded_outside(office)
    asked, before = item(office), books(office)

    def deed(work):
        resolutions.resolve(work, asked.id, Resolution(action="reopen"), RefundPolicy())

    seen = office.runtime.rehearse(ANN, lambda work: effects.of(work, asked.payment_id, deed))
    assert {(e.name, e.measure): (e.before, e.after) for e in seen} == {
        ("INV-1", "outstanding"): (0, 4_000),
        ("INV-1", "credited"): (4_000, 0),
    }
    assert books(office) == before
    assert item(office).id == asked.id
    office.do(deed, ANN)
    assert owed(office) == {"INV-1": 4_000}


def test_what_is_not_there_or_not_a_strangers_cannot_be_decided(office: Office):
    with pytest.raises(NotFound):
        office.do(lambda work: resolutions.undo(work, "rev_none"), ANN)
    office.world.pay(500)
    tell(office)
    unmatched = item(office, kind="unmatched_payment")
    with pytest.raises(Conflict, match="no decision"):
        office.do(lambda work: resolutions.undo(work, unmatched.id), ANN)
