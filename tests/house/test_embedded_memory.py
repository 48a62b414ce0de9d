"""How much memory the embedded PostgreSQL takes for pages: a share, within bounds."""

from pathlib import Path

import psycopg
import pytest

from reconciler import embedded
from reconciler.embedded import memory

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("gigabytes", "megabytes"),
    [(0, 128), (1, 128), (4, 512), (8, 1_024), (16, 2_048), (256, 2_048)],
)
def test_it_is_an_eighth_and_neither_tiny_nor_all(gigabytes: int, megabytes: int) -> None:
    assert memory.shared_megabytes(gigabytes * GIGABYTE) == megabytes


@pytest.mark.parametrize(
    ("limit", "known"),
    [
        (None, 8 * GIGABYTE),
        ("max\n", 8 * GIGABYTE),
        ("9223372036854771712\n", 8 * GIGABYTE),  # the older way of saying that there is none
        (f"{2 * GIGABYTE}\n", 2 * GIGABYTE),
    ],
)
def test_a_container_has_what_it_may_have(tmp_path: Path, limit: str | None, known: int) -> None:
    machine, told = tmp_path / "meminfo", tmp_path / "memory.max"
    machine.write_text("MemTotal:        8388608 kB\nMemFree:          123 kB\n")
    if limit is not None:
        told.write_text(limit)
    assert memory.memory_bytes(machine, (told, tmp_path / "nowhere")) == known


def test_a_machine_that_tells_nothing_gets_the_least(tmp_path: Path) -> None:
    assert memory.memory_bytes(tmp_path / "no", (tmp_path / "none",)) == 0


@pytest.mark.slow
def test_the_server_has_it(tmp_path: Path) -> None:
    url = embedded.ensure_postgres(tmp_path / "var").app_url.replace("+psycopg", "")
    try:
        with psycopg.connect(url) as line:
            (shown,) = line.execute(
                "select setting::bigint * 8 / 1024 from pg_settings where name = 'shared_buffers'"
            ).fetchone() or (0,)
    finally:
        assert embedded.stop(tmp_path / "var")
    assert shown == memory.shared_megabytes(memory.memory_bytes())
