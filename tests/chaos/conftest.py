"""The servers that tests of this folder break: not those of other tests."""

from collections.abc import Iterator

import pytest

from tests.chaos.rig import Stores, stores


@pytest.fixture(scope="session")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with stores(tmp_path_factory.mktemp("chaos")) as made:
        yield made
