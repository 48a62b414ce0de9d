"""Other comparers over the same rows: pandas, datacompy, and reladiff, where they are installed.

They are no part of this project. They run in a Python of their own (`--peers PYTHON`, made with
`python -m venv` and `pip install pandas datacompy reladiff psycopg[binary]`), one process each, so
that the memory is theirs. Each reads the rail's rows from a file of comma-separated values and ours
from PostgreSQL. A peer that is not there, or that fails, is left out and said to be.
"""

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

NAMES = frozenset({"pandas", "datacompy", "reladiff"})
SECONDS_MAX = 600
OURS = "select object_id, amount, currency, state from rail_object"
_COLUMNS = ["object_id", "amount", "currency", "state"]


@dataclass(frozen=True)
class Measured:
    """One peer's time and its largest resident set."""

    name: str
    seconds: float
    megabytes: float


def measured(python: Path, url: str, shown: Path, differing: int) -> Iterator[Measured]:
    """Every peer that is installed in `python` and finds as much as was planted.

    `shown` is the rail's side as a file of comma-separated values, with a head.
    """
    for name in sorted(NAMES):
        ran = subprocess.run(
            [str(python), __file__, name, url, str(shown)],
            capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
        )  # fmt: skip
        told = json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else {}
        if told.get("found") != differing:
            why = ran.stderr.strip().splitlines()[-1:] or [f"found {told.get('found')}"]
            print(f"  {name} is left out: {why[0]}", file=sys.stderr)
            continue
        yield Measured(name, told["seconds"], told["megabytes"])


def as_csv(rows: Iterator[tuple[str, int, str, str]], path: Path) -> None:
    """Write the rail's side as peers read it."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(rows)


def _frames(url: str, shown: str) -> tuple[Any, Any]:
    pd = _tool("pandas")
    with psycopg.connect(url) as line, line.cursor() as cursor:
        cursor.execute(OURS)
        ours = pd.DataFrame.from_records(cursor, columns=_COLUMNS)
    return pd.read_csv(shown), ours


def _tool(name: str) -> ModuleType:
    """Installed where this part runs, and only there."""
    return import_module(name)


def _pandas(url: str, shown: str) -> int:
    rail, ours = _frames(url, shown)
    both = rail.merge(ours, on="object_id", how="outer", indicator=True, suffixes=("", "_ours"))
    bad = both["_merge"] != "both"
    for column in _COLUMNS[1:]:
        bad |= both[column] != both[f"{column}_ours"]
    return int(bad.sum())


def _datacompy(url: str, shown: str) -> int:
    datacompy = _tool("datacompy")
    rail, ours = _frames(url, shown)
    kind = getattr(datacompy, "PandasCompare", None) or datacompy.Compare
    told = kind(rail, ours, join_columns="object_id")
    return len(told.df1_unq_rows) + len(told.df2_unq_rows) + len(told.all_mismatch())


def _reladiff(url: str, shown: str) -> int:
    reladiff = _tool("reladiff")
    with psycopg.connect(url, autocommit=True) as line, line.cursor() as cursor:
        cursor.execute("drop table if exists peer_shown")
        cursor.execute("create table peer_shown (object_id text primary key, amount bigint,"
                       " currency text, state text)")  # fmt: skip
        with cursor.copy("copy peer_shown from stdin (format csv, header)") as copied:
            copied.write(Path(shown).read_bytes())
        cursor.execute("analyze peer_shown")
    at = conninfo_to_dict(url)
    place = {"driver": "postgresql", "database": at["dbname"], "password": ""}
    place |= {name: at[name] for name in ("host", "user", "port") if name in at}
    sides = [
        reladiff.connect_to_table(place, table, "object_id", extra_columns=tuple(_COLUMNS[1:]))
        for table in ("peer_shown", "rail_object")
    ]
    found = {row[0] for _, row in reladiff.diff_tables(*sides, extra_columns=tuple(_COLUMNS[1:]))}
    return len(found)


if __name__ == "__main__":
    begun = time.perf_counter()
    count = {"pandas": _pandas, "datacompy": _datacompy, "reladiff": _reladiff}[sys.argv[1]](
        sys.argv[2], sys.argv[3]
    )
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    print(json.dumps({"found": count, "seconds": took, "megabytes": peak}))
