"""Laws of corrections: a file that repeats or adds corrects nothing, whatever its order."""

from datetime import date, timedelta

from hypothesis import given, strategies as st

from reconciler.books.bank_corrections import CorrectionKind, Known, corrections
from reconciler.books.bank_lines import BankLine, identities

DAY = date(2026, 1, 1)
LINES = st.lists(
    st.builds(
        lambda day, amount, name, text: BankLine(
            number=1, booked_on=DAY + timedelta(days=day), amount=amount, currency="EUR",
            text=text, bank_reference=name,
        ),
        st.integers(0, 5),
        st.integers(1, 3),
        st.sampled_from(["", "", "B-1", "B-2"]),
        st.sampled_from(["", "Ann", "Bo"]),
    ),
    max_size=8,
)  # fmt: skip


def held(lines: list[BankLine]) -> list[Known]:
    named = identities("Giro", lines)
    return [
        Known(f"bln_{place}", "stm_1", name, line)
        for place, (line, name) in enumerate(zip(lines, named, strict=True))
    ]


@given(LINES, LINES, st.randoms())
def test_the_same_lines_again_and_more_of_them_correct_nothing(lines, more, chance) -> None:
    known = held(lines)
    file = [*lines, *(line for line in more if not line.bank_reference)]
    chance.shuffle(file)
    assert corrections(known, file, identities("Giro", file)) == []


@given(LINES, LINES)
def test_each_line_is_corrected_once_by_a_line_that_is_new(lines, file) -> None:
    known, named = held(lines), identities("Giro", file)
    found = corrections(known, file, named)
    places = [one.place for one in found if one.place is not None]
    assert len({one.line_id for one in found}) == len(found)
    assert len(set(places)) == len(places)
    assert not {named[place] for place in places} & {one.identity for one in known}
    gone = {one.id for one in known if one.identity not in set(named)}
    assert {one.line_id for one in found} <= gone


def test_a_name_used_twice_names_nothing() -> None:
    def line(amount: int) -> BankLine:
        return BankLine(number=1, booked_on=DAY, amount=amount, currency="EUR", bank_reference="B")

    known = held([line(1), line(2)])
    file = [line(3)]
    assert corrections(known, file, identities("Giro", file)) == []


def test_of_two_currencies_each_has_its_days() -> None:
    def line(day: int, currency: str, text: str) -> BankLine:
        booked = DAY + timedelta(days=day)
        return BankLine(number=1, booked_on=booked, amount=1, currency=currency, text=text)

    known = held(
        [line(0, "EUR", "a"), line(1, "EUR", "b"), line(1, "USD", "c"), line(9, "EUR", "d")]
    )
    file = [line(2, "EUR", "e"), line(0, "EUR", "a")]
    (found,) = corrections(known, file, identities("Giro", file))
    assert (found.line_id, found.kind) == ("bln_1", CorrectionKind.WITHDRAWN)
