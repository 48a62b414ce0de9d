"""What the benchmarks take from the program fits it still."""

import socket
from pathlib import Path

import pytest

from benchmarks.addresses import unsaid
from benchmarks.stage import Bench, Processes


def test_every_part_of_an_address_is_said_how_to_fill():
    assert unsaid() == []


@pytest.mark.slow
def test_where_web_does_not_start_nothing_is_left_behind(tmp_path: Path):
    nowhere = "postgresql://nobody@/nothing?host=/nonexistent"
    environ = {
        "DATABASE_URL": nowhere,
        "REDIS_URL": "unix:///nonexistent/redis.sock",
        "RECONCILER_SECRET_KEY": "benchmark " * 4,
        "RECONCILER_DATA_DIR": str(tmp_path),
    }
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        bench = Bench(nowhere, nowhere, environ, taken.getsockname()[1])
        processes = Processes(bench, ["clock", "web"])
        with pytest.raises(SystemExit, match="did not start"), processes:
            raise AssertionError("it has begun")
    assert len(processes._running) == 2
    assert [one.poll() for one in processes._running if one.poll() is None] == []
