"""A world at noon, and the same world behind real HTTP."""

from collections.abc import Iterator

import pytest
import requests

from reconciler.sandbox.app import create_sandbox, sandbox_of
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World
from tests.sandbox.wires import KEY, NOON, Wire


@pytest.fixture
def world() -> World:
    return World(lambda: NOON)


@pytest.fixture
def old_world() -> World:
    """An account of before basil, and of before asynchronous capture."""
    return World(lambda: NOON, api_version="2022-08-01")


@pytest.fixture
def wire(world: World) -> Iterator[Wire]:
    faults = Faults()
    app = create_sandbox(world, faults)
    server = serve(app)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        yield Wire(world, faults, server.url, session, sandbox_of(app))
    server.close()
    sandbox_of(app).close()
