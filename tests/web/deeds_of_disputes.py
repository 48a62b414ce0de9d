"""Deeds about disputes: a loss decided, an answer noted and taken back."""

from typing import Any

from reconciler.books.consent import RefundPolicy
from reconciler.services import resolutions
from reconciler.services.resolutions import Resolution

Sent = tuple[dict[str, str], dict[str, Any]]


def _decides_a_loss(house: Any) -> Sent:
    dispute = house.lost()
    return {"dispute_id": dispute}, {"decision": "chase"} | house.rev("dispute", dispute)


def _answers(house: Any) -> Sent:
    world, payment = house.screens.office.world, house.paid()[1]
    intent = house.api.read(f"/payments/{payment}")["rail_payment_id"]
    made = world.dispute(world.get("payment_intent", intent)["latest_charge"])
    house.api.settle()
    item = house.scalar("select id from review_item where subject = :id", made)
    form = {"item": item, "answered_on": "2026-11-20", "handed_in": "The paper"}
    rev = house.scalar("select rev from review_item where id = :id", item)
    dispute = house.scalar("select id from dispute where rail_dispute_id = :id", made)
    return {"dispute_id": dispute}, form | {"item_rev": rev}


def _takes_an_answer_back(house: Any) -> Sent:
    values, form = _answers(house)
    answer = Resolution(action="answered")
    house.screens.office.do(
        lambda work: resolutions.resolve(work, form["item"], answer, RefundPolicy())
    )
    return values, {"item": form["item"]}


DISPUTES = {
    "POST /admin/disputes/<dispute_id>/decide": _decides_a_loss,
    "POST /admin/disputes/<dispute_id>/answered": _answers,
    "POST /admin/disputes/<dispute_id>/answered/undo": _takes_an_answer_back,
}
