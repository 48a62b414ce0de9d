"""Deeds of the desk: views that are kept, strong suggestions at once, and what is taken back."""

from itertools import count
from typing import Any

from reconciler.services import saved_views

Sent = tuple[dict[str, str], dict[str, Any]]
_numbers = count(1)


def _keeps_a_view(_: Any) -> Sent:
    form = {"page": "/admin/payments", "query": "status=refunded&before=x"}
    return {}, form | {"name": f"Given back {next(_numbers)}", "shared": "1"}


def _forgets_a_view(house: Any) -> Sent:
    made = house.screens.by(
        "viewer",
        lambda work: saved_views.save(
            work, page="/admin/payments", query="status=failed", name="Failed", is_shared=False
        ),
    )
    return {"view_id": made}, {}


def _matches_a_strong_one(house: Any) -> Sent:
    customer = house.screens.office.world.create_customer(name="Strong")
    owner = house.api.a_customer(rail_customers={"stripe": customer})["id"]
    amount = 7_000_000 + next(_numbers)
    payment = house.api.paid(amount, customer=customer)["id"]
    invoice = house.invoice(total=amount, customer_id=owner)
    rev = house.screens.rev("payment", payment)
    parts = {f"rev-{payment}": rev, f"parts-{payment}": f"{invoice}:{amount}"}
    return {}, {"payment": payment} | parts


def _takes_a_match_back(house: Any) -> Sent:
    payment, invoice = house.loose(), house.invoice()
    rev = house.screens.rev("payment", payment)
    form = {"rev": rev, "target": invoice, "amount": "100"}
    house.screens.as_("reconciler").post(f"/unmatched/{payment}/match", form)
    line = house.scalar("select max(seq) from audit_line where subject = :id", payment)
    return {"line_id": line}, {}


def _assigns(house: Any) -> Sent:
    return {"item_id": house.question()}, {"assigned_to": house.screens.person("reconciler")}


def _snoozes(house: Any) -> Sent:
    return {"item_id": house.question()}, {"until": "2026-12-24"}


def _picks(house: Any) -> Sent:
    return {}, {"payment": house.loose(), "do": "off", "until": "2026-12-24"}


DESK = {
    "POST /api/v1/review-items/<item_id>/assign": _assigns,
    "POST /api/v1/review-items/<item_id>/snooze": _snoozes,
    "POST /api/v1/notes": lambda house: ({}, {"subject": house.loose(), "body": "She called"}),
    "POST /admin/questions/<item_id>/assign": _assigns,
    "POST /admin/questions/<item_id>/snooze": _snoozes,
    "POST /admin/notes/<subject>": lambda house: (
        {"subject": house.loose()},
        {"note": "She called"},
    ),
    "POST /admin/account/views": _keeps_a_view,
    "POST /admin/account/views/<view_id>/remove": _forgets_a_view,
    "POST /admin/unmatched/picked": _picks,
    "POST /admin/unmatched/strong": _matches_a_strong_one,
    "POST /admin/recent/<line_id>/undo": _takes_a_match_back,
}
