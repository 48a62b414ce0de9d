"""What the tests of services stand on."""

import psycopg
import pytest

from tests.runtime import line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]


@pytest.fixture
def surgeon(servers, database: str):
    """Whoever may switch the walls off, to plant what they would refuse."""
    url = servers.url("postgres", database).replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("set session_replication_role = replica")
        yield line
