"""Bank lines: what makes one itself, and what it is the bank's side of for certain."""

from datetime import date, timedelta
from itertools import permutations

from hypothesis import given, strategies as st

from reconciler.books import bank_lines
from reconciler.books.bank_lines import BankLine, Target, TargetKind

DAY = date(2026, 11, 20)


def line(amount=1_000, *, day=DAY, text="", bank_reference="", **more) -> BankLine:
    return BankLine(
        number=1, booked_on=day, amount=amount, currency=more.pop("currency", "EUR"), text=text,
        bank_reference=bank_reference, **more,
    )  # fmt: skip


def payout(name="po_1", amount=1_000, *, day=DAY, names=(), currency="EUR") -> Target:
    return Target(
        kind=TargetKind.PAYOUT, id=name, amount=amount, currency=currency, day=day, names=names
    )


def ties(lines: dict[str, BankLine], *targets: Target) -> dict[str, str]:
    fits = [
        found
        for name, one in lines.items()
        for target in targets
        if (found := bank_lines.fit(name, one, target)) is not None
    ]
    return {one.line_id: one.target.id for one in bank_lines.certain(fits)}


def test_the_only_line_of_that_amount_at_that_time_is_it():
    assert ties({"a": line()}, payout()) == {"a": "po_1"}
    assert ties({"a": line(999)}, payout()) == {}
    assert ties({"a": line(currency="USD")}, payout()) == {}
    assert ties({"a": line(-1_000)}, payout(amount=-1_000)) == {"a": "po_1"}


def test_the_bank_may_be_two_days_early_and_five_late():
    for days, is_tied in ((-3, False), (-2, True), (0, True), (5, True), (6, False)):
        found = ties({"a": line(day=DAY + timedelta(days=days))}, payout())
        assert bool(found) is is_tied, days


def test_two_that_fit_equally_are_left_to_a_person():
    assert ties({"a": line(), "b": line()}, payout()) == {}
    assert ties({"a": line()}, payout("po_1"), payout("po_2")) == {}


def test_a_name_in_the_text_settles_what_the_amount_cannot():
    named = payout("po_2", names=("po_1Nv8Xk",))
    assert ties({"a": line(text="STRIPE PO_1NV8XK")}, payout("po_1"), named) == {"a": "po_2"}
    both = ties({"a": line(text="Stripe po-1nv8xk"), "b": line()}, payout("po_1"), named)
    assert both == {"a": "po_2", "b": "po_1"}, "what is left over is then alone"


def test_a_name_with_another_amount_ties_nothing_and_is_suggested():
    named = payout(amount=1_001, names=("po_1Nv8Xk",))
    one = line(text="po_1Nv8Xk")
    assert ties({"a": one}, named) == {}
    found = bank_lines.fit("a", one, named)
    assert found is not None
    assert found.agreeing == ["The bank's text names it", "Same day"]
    assert found.disagreeing == ["Another amount"]


def test_a_line_that_names_two_is_not_settled_by_being_near():
    first, second = payout("po_1", names=("INV-2026-001",)), payout("po_2", names=("INV-2026-002",))
    text = "INV-2026-001 and INV-2026-002"
    assert ties({"a": line(text=text)}, first, second) == {}


def test_short_words_and_parts_of_words_name_nothing():
    one = line(text="Invoice 12345678", day=DAY + timedelta(days=9))
    assert bank_lines.fit("a", one, payout(amount=9, names=("2345",))) is None
    assert bank_lines.fit("a", one, payout(amount=9, names=("234567",))) is None


def test_a_name_that_the_bank_broke_is_found():
    one = line(text="STRIPE PAYOUT PO_1NV8XK LKDIW")
    found = bank_lines.fit("a", one, payout(amount=9, names=("po_1Nv8XkLkdIw",)))
    assert found is not None
    assert found.is_named


def test_what_is_far_away_in_time_is_no_suggestion():
    assert bank_lines.fit("a", line(day=DAY + timedelta(days=22)), payout()) is None
    assert bank_lines.fit("a", line(day=DAY + timedelta(days=21)), payout()) is not None


def test_how_far_apart_they_are_is_said_in_words():
    for days, words in ((-3, "3 days before"), (-1, "1 day before"), (6, "6 days after")):
        found = bank_lines.fit("a", line(day=DAY + timedelta(days=days)), payout())
        assert found is not None
        assert words in (found.agreeing if found.is_timely else found.disagreeing)


def test_lines_are_laid_beside_what_lies_near_them_and_fits():
    near = [("a", payout("po_1")), ("a", payout("po_2", 999)), ("b", payout("po_1"))]
    given_lines = {"a": line(), "b": line(-5)}
    assert [(one.line_id, one.target.id) for one in bank_lines.fits(given_lines, near)] == [
        ("a", "po_1")
    ]


def test_suggestions_come_by_amount_then_name_then_nearness():
    one = line(text="po_named_one", day=DAY)
    near = payout("near", day=DAY + timedelta(days=1))
    far = payout("far", day=DAY - timedelta(days=9))
    named = payout("named", day=DAY - timedelta(days=9), names=("po_named_one",))
    other = payout("other", 999, names=("po_named_one",))
    for order in permutations((near, far, named, other)):
        fits = [bank_lines.fit("a", one, target) for target in order]
        ranked = [found.target.id for found in bank_lines.ranked(fits)]
        assert ranked == ["named", "near", "far", "other"]


def test_one_line_twice_in_a_file_is_two_lines_and_in_two_files_one():
    coffee = line(-350, text="Coffee")
    first = bank_lines.identities("giro", [coffee, coffee, line(text="Other")])
    assert len(set(first)) == 3
    assert bank_lines.identities("giro", [coffee, coffee]) == first[:2]
    assert not set(bank_lines.identities("savings", [coffee, coffee])) & set(first)


def test_the_banks_own_name_of_a_line_outlives_another_wording():
    one, two = (
        line(text="STRIPE", bank_reference="B1"),
        line(text="Stripe Ltd", bank_reference="B1"),
    )
    assert bank_lines.identities("giro", [one]) == bank_lines.identities("giro", [two])
    other = line(text="STRIPE", bank_reference="B2")
    assert bank_lines.identities("giro", [one]) != bank_lines.identities("giro", [other])


_AMOUNTS = st.sampled_from([500, 1_000, -1_000])
_DAYS = st.integers(-6, 6).map(lambda days: DAY + timedelta(days=days))
_WORDS = st.sampled_from(["", "po_aaaaaa", "po_bbbbbb", "po_aaaaaa po_bbbbbb"])


@given(
    st.lists(st.tuples(_AMOUNTS, _DAYS, _WORDS), max_size=6),
    st.lists(st.tuples(_AMOUNTS, _DAYS, st.sampled_from(["po_aaaaaa", "po_bbbbbb"])), max_size=6),
    st.randoms(use_true_random=False),
)
def test_ties_are_one_to_one_equal_to_the_unit_and_the_same_in_any_order(lines, targets, chance):
    given_lines = {f"l{n}": line(a, day=d, text=t) for n, (a, d, t) in enumerate(lines)}
    given_targets = [
        payout(f"t{n}", a, day=d, names=(name,)) for n, (a, d, name) in enumerate(targets)
    ]
    found = ties(given_lines, *given_targets)
    assert len(set(found.values())) == len(found)
    amounts = {one.id: one.amount for one in given_targets}
    assert all(given_lines[name].amount == amounts[target] for name, target in found.items())
    shuffled = dict(chance.sample(sorted(given_lines.items()), len(given_lines)))
    assert ties(shuffled, *chance.sample(given_targets, len(given_targets))) == found


def test_a_line_is_known_by_what_made_it_itself_and_by_nothing_else() -> None:
    coffee = line(text="Coffee")
    first, second = bank_lines.identities("giro", [coffee, coffee])
    assert bank_lines.is_itself("giro", coffee, first, most=1)
    assert not bank_lines.is_itself("giro", coffee, second, most=1)
    assert bank_lines.is_itself("giro", coffee, second, most=2)
    assert not bank_lines.is_itself("giro", line(text="Tea"), first, most=2)


def test_fits_are_told_apart_by_the_line_that_they_are_of():
    found = [
        bank_lines.fit(name, line(), payout(target))
        for name, target in (("a", "po_1"), ("b", "po_1"), ("a", "po_2"))
    ]
    sorted_out = bank_lines.by_line(one for one in found if one)
    assert {name: [one.target.id for one in fits] for name, fits in sorted_out.items()} == {
        "a": ["po_1", "po_2"],
        "b": ["po_1"],
    }
