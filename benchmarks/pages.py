"""`python -m benchmarks.pages --keep DIR`: how soon every page answers with full books behind it.

DIR is a folder that `benchmarks.webhooks --preload … --keep DIR` made; what a business has beside
payments is written into it once (`business/`). Every address of the screens and of the API is asked
of the real web processes, one after the other and round by round, so that the machine's moods hit
all alike; medians are printed. With `--plans` the plan of the slowest statement of each is kept
beside this file.
"""

import argparse
import html
import http.client
import json
import re
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.addresses import addresses
from benchmarks.business.everything import furnish
from benchmarks.plans import Visitor, counted, keep_plans
from benchmarks.quiet_rail import quiet_rail
from benchmarks.stage import Bench, Processes, runtime_of, stage
from reconciler.web.api.blueprint import PREFIX

FIRST_BYTE_MS_MAX = 150
KILOBYTES_MAX = 100  # of a screen; an answer of the API is as long as its caller wants it
FINE = {200, 303}  # 303: a search that found one thing goes there
_OLDER = re.compile(rb'href="([^"#]*[?&;]before=[^"#]*)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer."""

    milliseconds: float
    size: int
    status: int


def main() -> None:
    """Print a table, the slowest first. Exit code 1 past a limit or without an address."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--keep", type=Path, required=True, help="the folder with the books")
    wanted.add_argument("--rounds", type=int, default=7)
    wanted.add_argument("--only", default="", help="addresses that contain this")
    wanted.add_argument("--plans", action="store_true", help="keep plans instead of measuring")
    asked = wanted.parse_args()
    with stage(asked.keep) as bench, quiet_rail(bench):
        runtime = runtime_of(bench)
        furnish(bench, runtime)
        runtime.engine.dispose()
        visitor = Visitor.of(bench)
        counted(bench)
        found, missing = addresses(bench)
        chosen = [address for address in found if asked.only in address]
        if asked.plans:
            keep_plans(bench, visitor, chosen)
            return
        passed = _report(_measured(bench, visitor, chosen, asked.rounds))
        for rule in missing:
            print(f"! not measured, since these books hold nothing of the kind: {rule}")
        sys.exit(0 if passed and not missing else 1)


def _measured(
    bench: Bench, visitor: Visitor, chosen: list[str], rounds: int
) -> dict[str, list[Seen]]:
    with Processes(bench, ["web"]):
        # The first answers open connections and compile templates, and say where lists go on.
        older = {_older(_ask(bench.port, address, visitor)[1]) for address in chosen}
        seen: dict[str, list[Seen]] = {one: [] for one in (*chosen, *sorted(older - {""}))}
        for _ in range(rounds):
            for address, answers in seen.items():
                answers.append(_ask(bench.port, address, visitor)[0])
    return seen


def _older(body: bytes) -> str:
    """Where a list goes on, if the page shows one that does."""
    found = _OLDER.search(body)
    return html.unescape(found[1].decode()) if found else ""


def _ask(port: int, address: str, visitor: Visitor) -> tuple[Seen, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.connect()
        begun = time.perf_counter()
        line.request("GET", address, headers=visitor.headers(address))
        answer = line.getresponse()
        first = answer.read(1)
        took = (time.perf_counter() - begun) * 1_000
        body = first + answer.read()
        return Seen(took, len(body), answer.status), body
    finally:
        line.close()


def _report(seen: dict[str, list[Seen]]) -> bool:
    medians = {
        address: (
            statistics.median(one.milliseconds for one in answers),
            max(one.size for one in answers) / 1_024,
            {one.status for one in answers},
        )
        for address, answers in seen.items()
    }
    late = 0
    for address, (took, size, statuses) in sorted(medians.items(), key=lambda row: -row[1][0]):
        is_light = size <= KILOBYTES_MAX or address.startswith(PREFIX)
        is_good = took <= FIRST_BYTE_MS_MAX and is_light and statuses <= FINE
        late += not is_good
        said = "" if statuses == {200} else f" {sorted(statuses)}"
        print(f"{'' if is_good else '!':1} {took:8.1f} ms {size:7.1f} KB  {address}{said}")
    print(f"{len(medians) - late} of {len(medians)} within {FIRST_BYTE_MS_MAX} ms and 100 KB")
    print(json.dumps({address: row[:2] for address, row in medians.items()}))
    return not late


if __name__ == "__main__":
    main()
