"""Sealed secrets: they open with the key, for what they belong to, and otherwise not at all."""

from hypothesis import given, strategies as st

from reconciler.seals import Seals
from reconciler.setting_values import Secret

ONE, OTHER = Seals((Secret("a" * 40),)), Seals((Secret("b" * 40),))
BOTH = Seals(OTHER.keys + ONE.keys)


@given(text=st.text(st.characters(exclude_categories=["Cs"])), of=st.text("abc_", min_size=1))
def test_what_is_sealed_opens_with_its_key_and_for_its_owner_alone(text: str, of: str) -> None:
    kept = ONE.seal(text, of=of)
    assert ONE.opened(kept, of=of) == text
    assert BOTH.opened(kept, of=of) == text, "a former key opens still"
    assert OTHER.opened(kept, of=of) is None
    assert ONE.opened(kept, of=of + "x") is None
    assert ONE.opened(kept[:-2], of=of) is None
    assert kept != ONE.seal(text, of=of), "the same text twice cannot be told"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_only_the_first_key_is_the_current_one(text: str) -> None:
    kept = ONE.seal(text, of="x")
    assert [seals.is_current(kept, of="x") for seals in (ONE, OTHER, BOTH)] == [True, False, False]
    assert BOTH.is_current(BOTH.seal(text, of="x"), of="x")


def test_what_was_kept_before_there_were_seals_is_read_and_not_current() -> None:
    assert ONE.opened("whsec_abc", of="x") == "whsec_abc"
    assert not ONE.is_current("whsec_abc", of="x")
