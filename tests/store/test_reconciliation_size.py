"""A comparison finds what was planted, all of it, nothing else: in one go and page by page.

`python -m benchmarks.reconcile` does the same with a million rows on each side, and times it.
"""

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.planted import CALLED, Fault, Planted
from benchmarks.reconcile import Scene, compare, prepare
from reconciler.runtime import make_engine
from reconciler.store import reconciliation_rows

SIZE = 6_000  # each of the six kinds once


@pytest.fixture(scope="module")
def scene(module_database_url: str, tmp_path_factory: pytest.TempPathFactory):
    engine = make_engine(module_database_url)
    yield prepare(engine, SIZE, tmp_path_factory.mktemp("listed"))
    engine.dispose()


@pytest.mark.parametrize("page", [SIZE, reconciliation_rows.LOOKED_UP_MAX, 700])
def test_exactly_what_was_planted_is_found(scene: Scene, page: int) -> None:
    assert sorted(scene.planted.faults.values()) == sorted(Fault)
    found, _ = compare(scene, page=page)
    assert found == scene.planted.differences
    assert set(found.values()) == set(CALLED.values())
    with Session(scene.engine) as session:
        assert session.scalar(sa.text("select count(*) from reconciliation_row")) == 0


def test_planted_anew_elsewhere() -> None:
    one, other = Planted(SIZE, seed=1), Planted(SIZE, seed=2)
    assert one.faults.keys() != other.faults.keys()
    assert one.differences == Planted(SIZE, seed=1).differences


def test_the_planner_is_left_as_it_was(scene: Scene) -> None:
    place = reconciliation_rows.Place("run_1", "stripe", "own", "balance_transaction")
    with Session(scene.engine) as session:
        usual = session.scalar(sa.text("show max_parallel_workers_per_gather"))
        reconciliation_rows.copy(session, place, 0, [])
        assert reconciliation_rows.differing(session, place, 0, rows=SIZE) == []
        assert session.scalar(sa.text("show enable_nestloop")) == "on"
        assert session.scalar(sa.text("show max_parallel_workers_per_gather")) == usual
