"""A world with a clock that a test may move, and the same world behind real HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests
import stripe

from reconciler.sandbox.app import create_sandbox, sandbox_of
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "sk_test_sandbox"


@pytest.fixture
def world() -> World:
    return World(lambda: NOON)


@pytest.fixture
def old_world() -> World:
    """An account of before basil, and of before asynchronous capture."""
    return World(lambda: NOON, api_version="2022-08-01")


@dataclass
class Wire:
    """The world over HTTP: `get` and `post` as anybody could, `sdk` as we do."""

    world: World
    faults: Faults
    url: str
    session: requests.Session

    def get(self, path, **params):
        return self.session.get(f"{self.url}{path}", params=params, timeout=10)

    def post(self, path, key=None, **data):
        headers = {"Idempotency-Key": key} if key else {}
        return self.session.post(f"{self.url}{path}", data=data, headers=headers, timeout=10)

    def control(self, path, **body):
        answer = self.session.post(f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sdk(self, **options):
        return stripe.StripeClient(KEY, base_addresses={"api": self.url}, **options)


@pytest.fixture
def wire(world: World) -> Iterator[Wire]:
    faults = Faults()
    app = create_sandbox(world, faults)
    server = serve(app)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        yield Wire(world, faults, server.url, session)
    server.close()
    sandbox_of(app).close()
