"""What the tests of stories stand on."""

import pytest

from tests.runtime import line, office, stripe_api
from tests.stories.traps import Trap

__all__ = ["line", "office", "stripe_api"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Every second variant of a trap is one more of the same."""
    trap = item.callspec.params.get("trap") if hasattr(item, "callspec") else None
    if isinstance(trap, Trap) and trap.is_every_second:
        item.add_marker("thorough")
