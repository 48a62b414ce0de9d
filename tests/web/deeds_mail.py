"""The deeds of mail and reminders; see deeds.py, which gives them its house."""

from collections.abc import Callable
from typing import Any

from reconciler.books.mail import MessageKind
from reconciler.ids import new_token
from reconciler.services import mail, reminders, webhooks
from reconciler.services.mail import NewMessage

Sent = tuple[dict[str, str], dict[str, Any]]
_API = "/api/v1"


def _failed_mail(house: Any) -> str:
    """A mail that nobody carries any more."""
    office = house.screens.office
    new = NewMessage(
        kind=MessageKind.NOTE, to="ann@example.com", about="inv_1", once=new_token(),
        subject="Hello", text="Hello",
    )  # fmt: skip
    made = office.do(lambda work: mail.write(work, new))
    letter = office.do(lambda work: mail.claim(work, mail.held(work, made)))
    office.do(lambda work: mail.record_refused(work, letter, "nobody of that name"))
    return letter.message_id


def _fails_a_mail(house: Any) -> Sent:
    return {"message_id": _failed_mail(house)}, {}


def _remindable(form: dict[str, Any]) -> Callable[[Any], Sent]:
    def sent(house: Any) -> Sent:
        owner = house.api.a_customer(email="ann@example.com")["id"]
        if house.api.read("/reminder-plans/house")["is_paused"]:
            house.screens.office.do(lambda w: reminders.resume(w, "house"))
        house.api.settle()  # none is sent while events wait, such as one that is replayed
        return {"invoice_id": house.invoice(customer_id=owner)}, form

    return sent


def _pauses(house: Any) -> str:
    made = house.invoice()
    house.screens.office.do(lambda w: reminders.pause(w, made, until=None, why="talks"))
    return made


def _changes_the_plan(house: Any) -> Sent:
    rev = house.screens.office.scalar("select rev from reminder_plan where subject = 'house'")
    return {}, {"steps": "-2, 5", "hour": "6", "rev": rev}


def _endpoint(house: Any) -> str:
    office = house.screens.office
    seals = office.runtime.seals
    return office.do(lambda w: webhooks.create(w, seals, url="https://hooks.example.com/"))[0]


def _of_endpoint(body: dict[str, Any]) -> Callable[[Any], Sent]:
    return lambda house: ({"endpoint_id": _endpoint(house)}, body)


def _delivered(house: Any) -> Sent:
    office = house.screens.office
    _endpoint(house)
    house.invoice()
    parcel = office.do(lambda w: webhooks.claim(w, office.runtime.seals))
    office.do(lambda w: webhooks.record(w, parcel, status=200))
    return {"delivery_id": parcel.delivery_id}, {}


DEEDS: dict[str, Callable[[Any], Sent]] = {
    f"POST {_API}/webhook-endpoints": lambda _: ({}, {"url": "https://hooks.acme.dev/"}),
    f"PATCH {_API}/webhook-endpoints/<endpoint_id>": _of_endpoint({"is_on": False}),
    f"POST {_API}/webhook-endpoints/<endpoint_id>/rotate": _of_endpoint({}),
    "POST /admin/webhooks": lambda _: ({}, {"url": "https://hooks.acme.dev/"}),
    "POST /admin/webhooks/<endpoint_id>/turn": _of_endpoint({"on": "no"}),
    "POST /admin/webhooks/<endpoint_id>/rotate": _of_endpoint({}),
    "POST /admin/webhooks/deliveries/<delivery_id>/replay": _delivered,
    f"POST {_API}/webhook-deliveries/<delivery_id>/replay": _delivered,
    f"POST {_API}/messages/<message_id>/retry": _fails_a_mail,
    f"PUT {_API}/reminder-plans/<subject>": lambda house: (
        {"subject": house.api.a_customer()["id"]},
        {"steps": [1, 2]},
    ),
    f"PUT {_API}/reminder-texts/<moment>": lambda _: (
        {"moment": "before"},
        {"text": {"subject": "Soon: {left}", "opening": "{number} is due on {due_on}."}},
    ),
    "POST /admin/reminders/texts/<moment>": lambda house: (
        {"moment": "after"},
        {"rev": "0", "subject": "Late", "opening": "{number} is late.", "do": "keep"},
    ),
    f"POST {_API}/invoices/<invoice_id>/reminders": _remindable({"action": "send"}),
    "POST /admin/reminders/plan": _changes_the_plan,
    "POST /admin/reminders/pause": lambda _: ({}, {"why": "A drill"}),
    "POST /admin/reminders/resume/<subject>": lambda house: ({"subject": _pauses(house)}, {}),
    "POST /admin/reminders/<invoice_id>/send": _remindable({}),
    "POST /admin/reminders/<invoice_id>/pause": _remindable({"why": "A talk"}),
    "POST /admin/messages/<message_id>/retry": _fails_a_mail,
    "POST /admin/messages/<message_id>/let-be": _fails_a_mail,
}
