"""Standing runs, each with one command: `python -m tests.chaos.run massacre`. See README.md.

Prints figures, and exits with 1 if anything was found that must not be.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.logs import set_up_logs
from tests.chaos import backlog, gap, hell, massacre
from tests.chaos.report import Report
from tests.chaos.rig import Stores, say, stores

Run = Callable[[Stores, Report, random.Random], None]

RUNS: dict[str, tuple[Run, int, str]] = {
    "massacre": (massacre.run, massacre.SIZE, "events; a refund for 20 and a kill for 50 of them"),
    "hell": (hell.run, hell.SIZE, "refunds"),
    "gap": (gap.run, gap.SIZE, "events"),
    "backlog": (backlog.run, backlog.SIZE, "events"),
}


def main(arguments: Sequence[str]) -> int:
    """Carry out one run. The exit code."""
    given = _parser().parse_args(arguments)
    set_up_logs()  # to the error stream: the report stands alone
    run, size, _ = RUNS[given.run]
    report = Report(given.run, given.seed, given.size or size)
    with tempfile.TemporaryDirectory(prefix="standing-") as folder, stores(Path(folder)) as opened:
        run(opened, report, random.Random(given.seed))
    for line in report.lines():
        say(line)
    return 1 if report.breaches else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("run", choices=RUNS)
    sizes = "; ".join(f"{name}: {size} {what}" for name, (_, size, what) in RUNS.items())
    parser.add_argument("--size", type=int, help=f"full size if left out. {sizes}")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
