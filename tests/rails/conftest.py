"""A Stripe over real HTTP for each test, and our rail to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from reconciler.books.observations import PaymentFacts
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.envelope import OWN_ACCOUNT
from reconciler.rails.stripe.rail import StripeRail
from reconciler.sandbox.app import create_sandbox
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World
from reconciler.settings import Secret, Settings
from reconciler.timestamps import from_epoch
from tests.rails.stripe_objects import AT

KEY = "sk_test_sandbox"
WEBHOOK_SECRET = "whsec_test"


@dataclass
class Wire:
    """Notes each call on its way to the sandbox, and can make it deaf to some parameters."""

    app: Any
    calls: list[str] = field(default_factory=list)
    deaf_to: set[str] = field(default_factory=set)

    def __call__(self, environ, start_response):
        self.calls.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        asked = parse_qsl(environ["QUERY_STRING"])
        kept = [(name, value) for name, value in asked if name.split("[")[0] not in self.deaf_to]
        environ["QUERY_STRING"] = urlencode(kept)
        return self.app(environ, start_response)


@dataclass
class Stripe:
    """The sandbox: its truth, its accidents, its wire, and the pauses that our side made."""

    world: World
    faults: Faults
    wire: Wire
    url: str
    pauses: list[float] = field(default_factory=list)

    def api(self, key: str = KEY, **more) -> StripeApi:
        return StripeApi(key, self.url, pause=self.pauses.append, **more)

    def settings(self, **changed) -> Settings:
        usual = Settings(
            stripe_secret_key=Secret(KEY),
            stripe_webhook_secrets=(Secret(WEBHOOK_SECRET),),
            stripe_api_base=self.url,
        )
        return replace(usual, **changed)

    def rail(self, **changed) -> StripeRail:
        return StripeRail(self.settings(**changed), lambda: from_epoch(AT + 1_000), self.api())


@pytest.fixture
def sandbox() -> Iterator[Stripe]:
    world = World(lambda: from_epoch(AT), seed=1)
    faults = Faults()
    wire = Wire(create_sandbox(world, faults, KEY))
    server = serve(wire)
    yield Stripe(world, faults, wire, server.url)
    server.close()


def a_payment(payment_id: str, **known) -> PaymentFacts:
    return PaymentFacts(rail="stripe", account=OWN_ACCOUNT, payment_id=payment_id, **known)
