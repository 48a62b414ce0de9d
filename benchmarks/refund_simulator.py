"""How often would a refund be paid twice? `python -m benchmarks.refund_simulator --seeds 1000000`.

Each seed is one life of one refund (`refund_lives.py`), decided by the rules that production runs.
A policy that is spoilt on purpose is run beside it, to show that the simulator would see a double.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random

from benchmarks.refund_actors import accidents, later_news, person, worker
from benchmarks.refund_lives import Life, Policy, Verdict
from reconciler.books import refund_sending as rules
from reconciler.books.refund_sending import KEY_IS_FORGOTTEN, Look, Situation, Step

PIECE = 2_000  # seeds that a process takes at once

PRODUCTION = Policy()


def _always(_: Situation) -> Step:
    return Step.SEND


def _new_key_each_day(at: Situation) -> Step:
    is_old = at.first_sent is not None and at.first_sent >= KEY_IS_FORGOTTEN
    return Step.NEW_GENERATION if is_old else Step.SEND


def _hasty(at: Situation) -> Step:
    """A new key as soon as the rail does not show what the first one may have done."""
    step = rules.next_step(at)
    is_again = at.look is Look.ABSENT and at.first_sent is not None and not at.was_refused
    return Step.NEW_GENERATION if is_again else step


def _trusting_the_clock(at: Situation) -> Step:
    return rules.next_step(replace(at, late=rules.NOTHING))


def _believing_a_no(at: Situation) -> Step:
    return rules.next_step(replace(at, sends=min(at.sends, 1)))


# Each of them has been somebody's policy. The simulator has to find the doubles of every one.
SPOILT = {
    "a key of chance for each request": Policy(
        _always, key=lambda chance, *_: str(chance.random()), has_look=False
    ),
    "one key for ever, and no look": Policy(_always, has_look=False),
    "a new key each day, and no look": Policy(_new_key_each_day, has_look=False),
    "no fence": Policy(has_fence=False),
    "a new key too early": Policy(_hasty),
    "a clock that leapt is believed": Policy(_trusting_the_clock),
    "a no is believed at once": Policy(_believing_a_no),
}


def live(seed: int, policy: Policy = PRODUCTION) -> Verdict:
    """One life, the same for the same seed."""
    life = Life(Random(seed), policy, worker, person, later_news)
    accidents(life)
    for _ in range(life.chance.choice((1, 2, 3))):
        life.begin(worker(life), life.chance.random(), is_process=True)
    return life.run()


def tally(seeds: Iterable[int], policy: Policy = PRODUCTION) -> Counter[str]:
    """How these lives ended, counted; seeds of lives that went wrong are among the keys."""
    counted: Counter[str] = Counter()
    for seed in seeds:
        verdict = live(seed, policy)
        counted["lives"] += 1
        counted[verdict.status.value] += 1
        for wrong in ("double", "phantom", "lost", "unfinished"):
            if getattr(verdict, f"is_{wrong}"):
                counted[wrong] += 1
                counted[f"{wrong} at seed {seed}"] += 1
    return counted


def _piece(bounds: tuple[int, int]) -> Counter[str]:
    return tally(range(*bounds))


def main() -> None:
    """Run so many seeds, print how they ended, and fail if one went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    ends_at = asked.first + asked.seeds
    pieces = [(n, min(n + PIECE, ends_at)) for n in range(asked.first, ends_at, PIECE)]
    began = time.monotonic()
    counted: Counter[str] = Counter()
    with multiprocessing.Pool(asked.processes) as pool:
        for piece in pool.imap_unordered(_piece, pieces):
            counted += piece
    for name, count in counted.most_common(40):
        print(f"{count:>9}  {name}")
    print(f"{time.monotonic() - began:.0f} seconds, {asked.processes} processes")
    for name, policy in SPOILT.items():
        spoilt = tally(range(asked.first, asked.first + min(asked.seeds, 10_000)), policy)
        print(f"{spoilt['double']:>9}  doubles of {spoilt['lives']} lives: {name}")
    if any(counted[wrong] for wrong in ("double", "phantom", "lost", "unfinished")):
        sys.exit(1)


if __name__ == "__main__":
    main()
