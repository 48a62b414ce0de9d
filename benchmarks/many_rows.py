"""`python -m benchmarks.many_rows`: files with many rows, in and out: how long, how much memory.

Each command runs as people run it. It is run with a tenth of the rows too: memory that stays flat
is about the same for both. After each import the books are made anew as well.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.past import preload
from benchmarks.stage import MEGABYTE, ROOT, Bench, plain, stage

LOOK_SECONDS = 0.02
GROWTH_MEGABYTES_MAX = 40  # ten times the rows may cost no more
CUSTOMERS_SHARE = 20  # one customer, and a project of theirs, for so many rows


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    seconds: float
    megabytes: float


def main() -> None:
    """Print a table. Exit code 1 if memory grows with the rows."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rows", type=int, default=100_000, help="of a file for import")
    wanted.add_argument("--payments", type=int, default=100_000, help="that are exported")
    wanted.add_argument(
        "--money", action="store_true", help="import lines, receipts and what was used, and no more"
    )
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-rows-") as folder:
        if asked.money:
            is_flat = _with_money(Path(folder), asked.rows)
        else:
            is_flat = _run(Path(folder), asked.rows, asked.payments)
    sys.exit(0 if is_flat else 1)


def _run(folder: Path, rows: int, payments: int) -> bool:
    seen: dict[str, list[Cost]] = {}
    with stage(folder) as bench:
        bench.environ["MIGRATION_DATABASE_URL"] = plain(bench.owner_url)
        for count in (rows // 10, rows):
            seen.setdefault("import", []).append(_imported(bench, folder, count))
            seen.setdefault("verify --rebuild", []).append(_cost(bench, "verify", "--rebuild"))
            for noun in ("invoices", "journal"):
                seen.setdefault(f"export {noun}", []).append(_exported(bench, noun))
        for count in (payments // 10, payments - payments // 10):
            preload(bench, count)
            seen.setdefault("export payments", []).append(_exported(bench, "payments"))
    return _told(seen)


def _with_money(folder: Path, rows: int) -> bool:
    """A past that comes with its money: each receipt is booked as if somebody had noted it."""
    seen: dict[str, list[Cost]] = {}
    with stage(folder) as bench:
        for count in (rows // 10, rows):
            seen.setdefault("import money", []).append(_imported(bench, folder, count, money_rows))
    return _told(seen)


def _told(seen: dict[str, list[Cost]]) -> bool:
    for what, (few, many) in seen.items():
        print(
            f"{what:16} {many.seconds:7.1f} s {many.megabytes:5.0f} MB"
            f"  (a tenth: {few.seconds:.1f} s, {few.megabytes:.0f} MB)"
        )
    grown = max(many.megabytes - few.megabytes for few, many in seen.values())
    return grown <= GROWTH_MEGABYTES_MAX


def _imported(
    bench: Bench, folder: Path, rows: int, written: Callable[[int], Iterator[str]] | None = None
) -> Cost:
    file = folder / f"{rows}.csv"
    with file.open("w", encoding="utf-8") as out:
        out.writelines((written or _rows)(rows))
    return _cost(bench, "import", str(file), "--yes")


def _rows(count: int) -> Iterator[str]:
    """Customers with a project each, then sent invoices under these."""
    yield (
        "kind,external_id,name,email,customer_id,project_id,number,currency,total,original_price,"
        "state,due_on\n"
    )
    customers = max(1, count // CUSTOMERS_SHARE)
    for n in range(customers):
        yield f"customer,{count}-{n},Customer {n},c{n}@example.com,,,,,,,,\n"
    for n in range(customers):
        yield f"project,{count}-{n},Project {n},,{count}-{n},,,USD,,10000000,,\n"
    for n in range(count - 2 * customers):
        whose = f"{count}-{n % customers}"
        yield f"invoice,,,,{whose},{whose},M{count}-{n},USD,{n % 1000 + 1},,sent,2026-12-24\n"


def money_rows(count: int) -> Iterator[str]:
    """Customers, then paid invoices of two lines; one in four had a deposit that was used on it."""
    yield (
        "kind,external_id,name,customer_id,number,code,currency,total,tax,amount,state,issued_on,"
        "received_on,applied_on,source,description,quantity,unit_price,tax_rate\n"
    )
    customers = max(1, count // CUSTOMERS_SHARE)
    for n in range(customers):
        yield f"customer,{count}-{n},Customer {n}{',' * 16}\n"
    left, n = count - customers, 0
    while left > 0:
        n, number, whose = n + 1, f"N{count}-{n}", f"{count}-{n % customers}"
        rows = [
            f"invoice,,,{whose},{number},,USD,11900,1900,,sent,2025-03-01,,,,,,,\n",
            f"invoice_line,,,,{number},,USD,,,,,,,,,Doors,2,3000,19\n",
            f"invoice_line,,,,{number},,USD,,,,,,,,,Work,1,4000,19\n",
        ]
        if n % 4 == 0:
            code = f"D{number}"
            rows += [
                f"deposit,,,{whose},,{code},USD,,,2000,,,,,,,,,\n",
                f"receipt,k{number}-d,,,,{code},USD,,,2000,,,2025-02-05,,bank_transfer,,,,\n",
                f"application,k{number}-a,,,{number},{code},USD,,,2000,,,,2025-03-05,,,,,\n",
            ]
        due = 9_900 if n % 4 == 0 else 11_900
        rows.append(f"receipt,k{number},,,{number},,USD,,,{due},,,2025-03-20,,bank_transfer,,,,\n")
        yield from rows[:left]
        left -= len(rows)


def _exported(bench: Bench, noun: str) -> Cost:
    return _cost(bench, "export", noun, "--format", "csv")


def _cost(bench: Bench, *arguments: str) -> Cost:
    command = [str(Path(sys.executable).with_name("reconciler")), *arguments]
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=bench.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _peak(process.pid))
            time.sleep(LOOK_SECONDS)
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read().decode()[-2_000:]
    return Cost(time.monotonic() - began, peak)


def _peak(pid: int) -> float:
    """The most memory that a process has had so far, in megabytes; 0 where it is over."""
    try:
        said = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = [line.split()[1] for line in said.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / MEGABYTE if found else 0.0


if __name__ == "__main__":
    main()
