"""Webhooks that go out: the routes under /webhook-endpoints and /webhook-deliveries."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.people import Scope
from reconciler.books.webhooks import DeliveryState, Told
from reconciler.carriers import addresses
from reconciler.reads import webhooks as reads
from reconciler.reads.pages import Page
from reconciler.reads.webhooks import DeliveryRow, EndpointRow
from reconciler.services import webhooks
from reconciler.web.api.fields import Body, Changes, Line128, Line500, Nothing, Paged
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("webhook-endpoints")

_Kinds = Annotated[
    list[Line128], Field(max_length=50, description="None: all.", examples=[["invoice.paid"]])
]


class EndpointBody(Body):
    """Where to tell what."""

    url: Annotated[Line500, Field(description="https, a public name, port 443 or 8443.")]
    note: Annotated[str, Field(max_length=200)] = ""
    events: _Kinds = Field(default_factory=list)


class EndpointChanges(Changes):
    """What is to be changed; what is left out stays."""

    url: Line500 = ""
    note: Annotated[str, Field(max_length=200)] = ""
    events: _Kinds = Field(default_factory=list)
    is_on: bool = True


class EndpointAnswer(Body):
    """An endpoint with its new secret, which is shown this once."""

    endpoint: EndpointRow
    secret: str


class DeliveryQuery(Paged):
    """Which deliveries."""

    endpoint_id: Line128 | None = None
    state: DeliveryState | None = None
    object_id: Line128 | None = None
    type: Told | None = None


@resource.post("/webhook-endpoints", scope=Scope.ADMIN, status=HTTPStatus.CREATED)
def create(work: Work, body: EndpointBody, call: Call) -> EndpointAnswer:
    """Add an endpoint. Its secret is shown in this answer and never again."""
    url = addresses.target(body.url).url
    endpoint_id, secret = webhooks.create(
        work, call.runtime.seals, url=url, note=body.note, events=body.events
    )
    return EndpointAnswer(endpoint=reads.endpoint(work.session, endpoint_id), secret=secret)


@resource.get("/webhook-endpoints")
def listed(look: Look) -> Page[EndpointRow]:
    """List the endpoints."""
    return Page(reads.endpoints(look.session), None)


@resource.get("/webhook-endpoints/{endpoint_id}")
def one(look: Look, endpoint_id: str) -> EndpointRow:
    """Read one endpoint."""
    return reads.endpoint(look.session, endpoint_id)


@resource.patch("/webhook-endpoints/{endpoint_id}", scope=Scope.ADMIN)
def patch(work: Work, endpoint_id: str, body: EndpointChanges) -> EndpointRow:
    """Change an endpoint, or turn it off or on."""
    changes = body.given()
    if "url" in changes:
        changes["url"] = addresses.target(changes["url"]).url
    webhooks.change(work, endpoint_id, changes)
    return reads.endpoint(work.session, endpoint_id)


@resource.post("/webhook-endpoints/{endpoint_id}/rotate", scope=Scope.ADMIN)
def rotate(work: Work, endpoint_id: str, body: Nothing, call: Call) -> EndpointAnswer:
    """Give it another secret; the former one signs beside it for a day."""
    del body
    secret = webhooks.rotate(work, call.runtime.seals, endpoint_id)
    return EndpointAnswer(endpoint=reads.endpoint(work.session, endpoint_id), secret=secret)


@resource.get("/webhook-deliveries")
def deliveries(look: Look, query: DeliveryQuery) -> Page[DeliveryRow]:
    """List what was told to whom, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.post("/webhook-deliveries/{delivery_id}/replay")
def replay(work: Work, delivery_id: str, body: Nothing) -> DeliveryRow:
    """Tell something once more."""
    del body
    webhooks.replay(work, delivery_id)
    return reads.one(work.session, delivery_id)
