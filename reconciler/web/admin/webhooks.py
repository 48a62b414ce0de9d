"""Webhooks that go out: endpoints, secrets shown once, and every try to tell something."""

from flask import Response, request

from reconciler.books.people import Role
from reconciler.books.webhooks import DeliveryState, Told
from reconciler.carriers import addresses
from reconciler.errors import NotFound, Refused
from reconciler.reads import webhooks as reads
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.webhooks import DeliveryRow
from reconciler.services import webhooks
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()


_LISTED = Listed(
    "webhook-deliveries",
    (
        "id", "endpoint_id", "message_id", "type", "object_id", "state", "tries", "status", "why",
        "at", "due_at", "ended_at",
    ),
)  # fmt: skip


def _state() -> str:
    asked = request.args.get("state", "")
    return asked if asked in set(DeliveryState) else ""


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[DeliveryRow]:
    del desk
    return reads.page(session, {"state": _state() or None}, wanted)


@screens.get("/webhooks")
@offers_csv(_LISTED, _rows)
def list_webhooks(desk: Desk) -> Response:
    """Endpoints, and what was told to whom."""
    return _list(desk)


@screens.post("/webhooks", Role.ADMIN)
def add_endpoint(desk: Desk) -> Response:
    """Add an endpoint; its secret is on the page that comes back, and on no other."""
    try:
        url = addresses.target(request.form.get("url", "").strip()).url
        note, events = request.form.get("note", ""), request.form.getlist("events")
        seals = desk.runtime.seals
        _, secret = desk.do(
            lambda work: webhooks.create(work, seals, url=url, note=note, events=events)
        )
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return _list(desk, secret=secret)


@screens.post("/webhooks/<endpoint_id>/turn", Role.ADMIN)
def turn_endpoint(desk: Desk, endpoint_id: str) -> Response:
    """Turn an endpoint off or on."""
    changes = {"is_on": request.form.get("on") == "yes"}
    desk.do(lambda work: webhooks.change(work, endpoint_id, changes))
    return go("list_webhooks")


@screens.post("/webhooks/<endpoint_id>/rotate", Role.ADMIN)
def rotate_secret(desk: Desk, endpoint_id: str) -> Response:
    """Another secret, shown once; the former one signs beside it for a day."""
    seals = desk.runtime.seals
    return _list(desk, secret=desk.do(lambda work: webhooks.rotate(work, seals, endpoint_id)))


@screens.post("/webhooks/deliveries/<delivery_id>/replay", Role.RECONCILER)
def replay_delivery(desk: Desk, delivery_id: str) -> Response:
    """Tell something once more."""
    try:
        desk.do(lambda work: webhooks.replay(work, delivery_id))
    except NotFound:
        raise
    except Refused as error:
        return _list(desk, status=409, error=errors.sentence(error))
    return go("list_webhooks")


def _list(desk: Desk, *, status: int = 200, error: str = "", secret: str = "") -> Response:
    with desk.runtime.read() as session:
        endpoints = reads.endpoints(session)
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "webhooks.html",
        status=status,
        endpoints=endpoints,
        urls={one.id: one.url for one in endpoints},
        lines=page.data,
        state=_state(),
        kinds=[kind.value for kind in Told],
        typed=request.form,
        error=error,
        secret=secret,
        older=paging.next_page(page.next_cursor),
    )
