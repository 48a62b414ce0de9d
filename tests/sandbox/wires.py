"""The sandbox over HTTP, as tests speak to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
import stripe

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.world import World

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = 86_400
KEY = "sk_test_sandbox"


@dataclass
class Wire:
    """The world over HTTP: `get` and `post` as anybody could, `sdk` as we do."""

    world: World
    faults: Faults
    url: str
    session: requests.Session
    sandbox: Sandbox

    def get(self, path: str, **params: object) -> requests.Response:
        return self.session.get(f"{self.url}{path}", params=as_fields(params), timeout=10)

    def post(self, path: str, key: str | None = None, **data: object) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self.url}{path}"
        return self.session.post(url, data=as_fields(data), headers=headers, timeout=10)

    def control(self, path: str, **body: object) -> Any:
        answer = self.session.post(f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sdk(self, retries: int = 0) -> Any:
        return stripe.StripeClient(
            KEY, base_addresses={"api": self.url}, max_network_retries=retries
        )


def as_fields(params: dict[str, object]) -> list[tuple[str, str]]:
    """Pairs for a form or a query; a list gives its name several times."""
    pairs = []
    for name, value in params.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, str(one)) for one in values]
    return pairs


def types_since(world: World, mark: int = 0) -> list[str]:
    """The types of the events made after a mark, in the order of their making."""
    return [str(event["type"]) for event in world.events(mark)]


def rows(world: World) -> list[tuple[str, int, int, int]]:
    table = world.table("balance_transaction").values()
    return [(row["reporting_category"], row["amount"], row["fee"], row["net"]) for row in table]


def last(world: World, kind: str) -> dict[str, Any]:
    found = [event for event in world.events() if event["type"] == kind]
    shown: dict[str, Any] = found[-1]["data"]["object"]
    return shown
