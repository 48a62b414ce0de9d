"""What part may be paid at a time: a table for bookkeepers, and laws over all amounts."""

import pytest
from hypothesis import given, strategies as st

from reconciler.books import part_payments as rules
from reconciler.books.part_payments import PartPolicy, least, read, words
from reconciler.books.pay_links import agreed
from reconciler.errors import Conflict, Invalid

# The policy, of a total, with so much left: the least at a time, and what the client reads.
TABLE = [
    ("any", 100_000, 100_000, 1, ""),
    ("full", 100_000, 100_000, 100_000, "It is to be paid in full."),
    ("full", 100_000, 40_000, 40_000, "It is to be paid in full."),
    (
        "at_least:25%", 100_000, 100_000, 25_000,
        "Pay all of it, or at least USD 250.00 at a time.",
    ),
    ("at_least:25%", 100_001, 100_001, 25_001, "Pay all of it, or at least USD 250.01 at a time."),
    ("at_least:25%", 100_000, 20_000, 20_000, "The rest is to be paid at once."),
    ("at_least:5000:USD", 99_000, 99_000, 5_000, "Pay all of it, or at least USD 50.00 at a time."),
    ("at_least:5000:USD", 4_000, 4_000, 4_000, "The rest is to be paid at once."),
    ("at_least:5000:EUR", 100_000, 100_000, 1, ""),
    ("full", 100_000, 0, 0, "It is to be paid in full."),
]  # fmt: skip


@pytest.mark.parametrize(("said", "total", "left", "smallest", "told"), TABLE)
def test_the_least_at_a_time_and_its_words(said, total, left, smallest, told) -> None:
    policy = read(said)
    assert policy.text == said
    assert least(policy, total=total, room=left, currency="USD") == smallest
    assert words(policy, total=total, room=left, currency="USD") == told


@pytest.mark.parametrize(
    "said", ["", "some", "at_least", "at_least:0%", "at_least:101%", "at_least:0:USD",
             "at_least:5:XXQ", "at_least:1.5:USD", "at_least:9999999999999999999:USD", None],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_name(said) -> None:
    with pytest.raises(Invalid) as refusal:
        read(said)
    assert refusal.value.field in {"part_payments", "currency"}


POLICIES = st.one_of(
    st.just(PartPolicy()),
    st.just(PartPolicy(is_whole=True)),
    st.builds(PartPolicy, share=st.integers(1, 10_000)),
    st.builds(PartPolicy, amount=st.integers(1, 10**9), currency=st.sampled_from(["USD", "KWD"])),
)


@given(
    POLICIES, st.integers(1, 10**9), st.integers(0, 10**9), st.sampled_from(["USD", "KWD", "JPY"])
)
def test_whatever_the_policy_all_that_is_left_can_be_paid(policy, total, left, currency) -> None:
    smallest = least(policy, total=total, room=left, currency=currency)
    assert 0 <= smallest <= left
    try:
        whole = agreed(None, room=left, currency=currency, least=smallest)
    except Conflict:
        assert left < 10
    else:
        assert agreed(smallest, room=left, currency=currency, least=smallest) == smallest <= whole


@given(POLICIES, st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_no_link_asks_for_less_than_the_least(policy, total, left, asked) -> None:
    smallest = least(policy, total=total, room=left, currency="USD")
    try:
        amount = agreed(asked, room=left, currency="USD", least=smallest)
    except Invalid:
        assert asked > left or asked < smallest
    else:
        assert smallest <= amount <= left


@given(POLICIES)
def test_a_policy_is_read_as_it_was_written(policy: PartPolicy) -> None:
    assert read(policy.text) == policy
    assert rules.words(policy, total=100, room=100, currency="USD") is not None
