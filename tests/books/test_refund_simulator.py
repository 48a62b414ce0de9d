"""Lives of a refund, decided by the rules that production runs: a hundred thousand, or a few.

`python -m benchmarks.refund_simulator --seeds 1000000` runs ten times as many.
"""

import pytest

from benchmarks.refund_simulator import SPOILT, live, tally
from tests.tiers import size

BLOCK = size(quick=8_000, full=25_000)
WRONG = ("double", "phantom", "lost", "unfinished")
SEARCHED_MAX = 30_000

pytestmark = pytest.mark.usefixtures("unmeasured")  # test_refund_sending.py takes every branch


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(n * BLOCK, marks=pytest.mark.thorough) for n in range(1, 4))],
)
def test_no_refund_goes_twice_none_is_imagined_and_every_one_comes_to_rest(first):
    counted = tally(range(first, first + BLOCK))
    assert {name: count for name, count in counted.items() if name.startswith(WRONG)} == {}
    assert counted["lives"] == BLOCK
    assert counted["succeeded"] > 0.9 * BLOCK
    assert 0 < counted["manual"] < 0.03 * BLOCK  # these worlds are far worse than any real one


@pytest.mark.parametrize("policy", SPOILT.values(), ids=SPOILT)
def test_the_doubles_of_a_spoilt_policy_are_found(policy):
    assert any(live(seed, policy).is_double for seed in range(SEARCHED_MAX))


def test_a_seed_is_one_life():
    assert [live(seed) for seed in range(20)] == [live(seed) for seed in range(20)]
