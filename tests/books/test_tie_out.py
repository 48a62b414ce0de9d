"""The rail's balance against clearing: every unit between them has a line, or is unexplained."""

from collections import Counter

from hypothesis import given, strategies as st

from reconciler.books import tie_out
from reconciler.books.rail_objects import ObjectKind, View
from reconciler.books.tie_out import Here, InSuspense, Reason, Why

NAMES = ("txn_1", "txn_2", "txn_3")
views = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.integers(-3, 3), st.sampled_from(["EUR", "USD"])),
).map(lambda found: {name: view(name, *said) for name, said in found.items()})


def view(name: str, amount: int, currency: str = "USD") -> View:
    return View(ObjectKind.MOVEMENT, name, amount, currency, "charge_failure", 1)


def here(moved=None, clearing=None, lines=(), suspense=()) -> Here:
    return Here(
        moved=moved or {}, clearing=clearing or {}, lines=list(lines), suspense=list(suspense)
    )


def said(lines: list[Reason]) -> list[tuple[str, str, int, str]]:
    return [(line.why.value, line.currency, line.amount, line.subject) for line in lines]


def test_each_way_in_which_two_lists_part_has_its_name() -> None:
    listed = {name: view(name, 5) for name in ("only_there", "same", "more")}
    listed["other"] = view("other", 5, "EUR")
    known = {name: view(name, 5) for name in ("only_here", "same", "other")}
    known["more"] = view("more", 3)
    assert said(tie_out.listed_otherwise(listed, known)) == [
        ("otherwise", "USD", 2, "more"),
        ("not_there", "USD", -5, "only_here"),
        ("not_here", "USD", 5, "only_there"),
        ("otherwise", "EUR", 5, "other"),
        ("otherwise", "USD", -5, "other"),
    ]


@given(views, views)
def test_the_lines_come_to_what_the_lists_differ_by(listed, known) -> None:
    found = tie_out.listed_otherwise(listed, known)
    wanted: Counter = Counter()
    for sign, side in ((1, listed), (-1, known)):
        for one in side.values():
            wanted[one.currency] += sign * one.amount
    got: Counter = Counter()
    for line in found:
        got[line.currency] += line.amount
    assert {c: n for c, n in got.items() if n} == {c: n for c, n in wanted.items() if n}
    assert all(line.amount and line.note == "charge failure" for line in found)


def test_a_unit_that_no_line_explains_is_unexplained() -> None:
    awaited = Reason(why=Why.AWAITED, currency="USD", amount=-30, subject="pi_1")
    parked = InSuspense(currency="EUR", amount=7, subject="stripe/txn_9")
    books = here({"USD": 900}, {"USD": 1_000, "EUR": 7}, [awaited], [parked])
    lines = [Reason(why=Why.NOT_HERE, currency="USD", amount=-50, subject="txn_1")]
    euro, usd = tie_out.tie_out("stripe", {"USD": 920, "EUR": 7}, books, lines)
    assert (usd.difference, usd.unexplained, len(usd.lines)) == (-80, 0, 2)
    assert not usd.is_sound, "something is missing here, although it is explained"
    assert (euro.difference, euro.unexplained, euro.suspense) == (0, 0, [parked])
    assert euro.is_sound
    (only,) = tie_out.tie_out("stripe", {"USD": 971}, here({}, {"USD": 1_000}, [awaited]), [])
    assert (only.unexplained, only.is_sound) == (1, False)


def test_what_is_only_awaited_is_sound() -> None:
    awaited = Reason(why=Why.AWAITED, currency="USD", amount=-30, subject="pi_1")
    (only,) = tie_out.tie_out("stripe", {"USD": 970}, here({}, {"USD": 1_000}, [awaited]), [])
    assert only.is_sound


def test_the_rest_is_the_balance_less_what_moved_and_what_was_found() -> None:
    books = here({"USD": 900, "EUR": 5})
    assert tie_out.rest({"USD": 950, "EUR": 5}, books, []) == {"USD": 50}
    found = [
        Reason(why=Why.NOT_HERE, currency="USD", amount=50, subject="txn_1"),
        Reason(why=Why.NOT_HERE, currency="JPY", amount=2, subject="txn_2"),
    ]
    assert tie_out.rest({"USD": 950, "EUR": 5}, books, found) == {"JPY": -2}


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_it_is_below_zero_where_either_side_says_so_however_sound(held: int, booked: int) -> None:
    found = tie_out.tie_out("stripe", {"USD": held}, here(clearing={"USD": booked}), [])
    for one in found:
        assert one.is_below_zero is (held < 0 or booked < 0)


@given(st.permutations(range(-3, 4)))
def test_the_largest_line_comes_first_whatever_the_order_they_were_found_in(amounts) -> None:
    lines = [
        Reason(why=Why.NOT_BOOKED, currency="USD", amount=n, subject=f"pi_{n}")
        for n in amounts
        if n
    ]
    (usd,) = tie_out.tie_out("stripe", {"USD": 0}, here(lines=lines[::2]), lines[1::2])
    assert [line.amount for line in usd.lines] == [-3, 3, -2, 2, -1, 1]
    assert len({tie_out.place(line) for line in lines}) == len(lines)
