"""The sandbox in the process of a standing run: its truth can be read, and its faults be set."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from reconciler.sandbox.app import create_sandbox
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World
from tests.chaos.rig import KEY, Rig


@contextmanager
def rail(there: Rig, world: World, faults: Faults | None = None) -> Iterator[None]:
    """Answers where the rig's processes look for Stripe. Nobody kills it: it is not ours."""
    port = urlsplit(there.settings.stripe_api_base).port
    assert port is not None, "the rig has chosen a port for the rail"
    server = serve(create_sandbox(world, faults, KEY), port)
    try:
        yield
    finally:
        server.close()
