"""Suggestions for a person: in their order, with what agrees and what speaks against each."""

import pytest

from reconciler.books.ranking import rank
from tests.books.test_matching import (
    AHEAD,
    ANN,
    BENS,
    BY_NAME,
    DRAFT,
    EUROS,
    ONE,
    PAID,
    TWO,
    doc,
    lookup,
)
from tests.builders import AT, facts, named


def test_suggestions_give_their_reasons_the_best_first() -> None:
    told = facts(payer=ANN, texts={"description": (AT, "about INV-2")})
    found = rank(told, 1_000, [BENS, ONE, TWO, EUROS, DRAFT, PAID], BY_NAME)
    assert found[0].targets == ((TWO, 1_000),)
    assert {verdict for verdict, _ in found[0].reasons} == {"agrees"}
    scores = [suggestion.score for suggestion in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0
    assert all(suggestion.reasons for suggestion in found)


class Told(dict):
    """What is written on a payment, and how often it was read."""

    reads = 0

    def values(self):
        self.reads += 1
        return super().values()


@pytest.mark.parametrize("count", [1, 60])
def test_what_a_payment_says_is_read_once_for_all_documents(count: int) -> None:
    texts = Told(description=(AT, "about INV-7"))
    documents = [doc(f"INV-{n}", outstanding=1_000) for n in range(7, 7 + count)]
    (first, *_) = rank(facts(texts=texts), 1_000, documents, lookup())
    assert (first.is_named, texts.reads) == (True, 1)


def test_sums_over_several_invoices_of_one_customer_are_suggested() -> None:
    parts = [doc(f"INV-3{n}", outstanding=amount) for n, amount in enumerate((300, 500, 700))]
    strange = doc("INV-40", outstanding=500, customer_id="cust_ben")
    found = rank(facts(), 1_000, [*parts, strange, AHEAD], lookup())
    assert found == rank(facts(), 1_000, [AHEAD, strange, *reversed(parts)], lookup())
    several = [suggestion for suggestion in found if len(suggestion.targets) > 1]
    assert [[d.number for d, _ in s.targets] for s in several] == [["INV-30", "INV-32"]]
    assert sum(amount for _, amount in several[0].targets) == 1_000


def test_a_sum_that_another_customer_owes_is_weak_and_says_so() -> None:
    bens = [doc(f"INV-3{n}", outstanding=500, customer_id="cust_ben") for n in range(2)]
    (several,) = [
        one for one in rank(facts(payer=ANN), 1_000, bens, BY_NAME) if len(one.targets) > 1
    ]
    assert several.confidence == "weak"
    assert ("differs", "Another customer") in several.reasons


def test_where_two_fit_equally_well_neither_is_strong() -> None:
    told = facts(payer=ANN)
    (alone,) = rank(told, 1_000, [ONE], BY_NAME)
    assert alone.confidence == "strong"
    tied = rank(told, 1_000, [ONE, TWO], BY_NAME)
    assert [one.confidence for one in tied] == ["possible", "possible"]
    assert all(("close", "Another fits as well") in one.reasons for one in tied)


@pytest.mark.parametrize(
    "against", [{"state": "void", "is_payable": False}, {"customer_id": "cust_ben"}]
)
def test_nothing_is_strong_that_something_speaks_against(against: dict[str, object]) -> None:
    told = facts(payer=ANN, texts={"description": (AT, "about INV-3")})
    (named,) = rank(told, 1_000, [doc("INV-3", outstanding=1_000, **against)], BY_NAME)
    assert "differs" in {verdict for verdict, _ in named.reasons}
    assert named.confidence != "strong"


def test_what_cannot_be_paid_is_offered_nothing() -> None:
    told = facts(payer=ANN, texts={"description": (AT, "about INV-3")})
    (void,) = rank(told, 1_000, [doc("INV-3", state="void", is_payable=False)], BY_NAME)
    assert [amount for _, amount in void.targets] == [0]
    assert void.confidence == "weak"
    assert ("differs", "It is void") in void.reasons
    assert not [text for _, text in void.reasons if "open" in text], "none of it is"


def test_an_amount_that_differs_says_how() -> None:
    told = facts(payer=ANN)
    by_open = {
        open_: rank(told, 1_000, [doc("INV-3", outstanding=open_)], BY_NAME)
        for open_ in (2_000, 400, 0)
    }
    assert [verdict for verdict, _ in by_open[2_000][0].reasons] == ["agrees", "close"]
    assert [verdict for verdict, _ in by_open[400][0].reasons] == ["agrees", "differs"]
    assert by_open[400][0].confidence == "weak"
    assert by_open[400][0].targets[0][1] == 400
    assert by_open[0] == []


def test_what_names_something_unknown_is_not_strongly_suggested_for_anything_else() -> None:
    alone = [doc("INV-3")]
    (strong,) = rank(facts(payer=ANN), 1_000, alone, BY_NAME)
    (doubted,) = rank(facts(payer=ANN, named=named(invoice=" INV-2000 ")), 1_000, alone, BY_NAME)
    assert (strong.confidence, doubted.confidence) == ("strong", "possible")
    assert doubted.reasons[-1] == (
        "differs", "The payment names INV-2000, which is not known here",
    )  # fmt: skip
    assert doubted.targets == strong.targets, "a person may know better"
    cart = facts(payer=ANN, named={"client_reference_id": (AT, "cart 77")})
    assert rank(cart, 1_000, alone, BY_NAME)[0].confidence == "strong", "that names nothing of ours"
    known = facts(payer=ANN, named=named(invoice="INV-PAID"))
    assert rank(known, 1_000, [*alone, PAID], BY_NAME)[0].confidence == "strong"


LOST = "a dispute over INV-3 was lost"


def test_what_is_on_hold_is_never_strong_and_comes_after_what_fits_as_well() -> None:
    held = doc("INV-3", outstanding=1_000, on_hold=LOST)
    free = doc("INV-4", outstanding=1_000)
    (alone,) = rank(facts(payer=ANN), 1_000, [held], BY_NAME)
    assert alone.confidence == "possible"
    assert alone.reasons[-1] == ("differs", f"On hold: {LOST}")
    first, second = rank(facts(payer=ANN), 1_000, [held, free], BY_NAME)
    assert [d.number for d, _ in (*first.targets, *second.targets)] == ["INV-4", "INV-3"]
    assert first.confidence == "possible", "the other may be what they mean: a person chooses"
    void = doc("INV-3", is_payable=False, state="void", on_hold=LOST)
    (named_void,) = rank(facts(named=named(invoice="INV-3")), 1_000, [void, free], BY_NAME)[1:]
    assert all("On hold" not in text for _, text in named_void.reasons)


def test_a_sum_with_something_on_hold_in_it_says_so() -> None:
    parts = [doc("INV-3", outstanding=400, on_hold=LOST), doc("INV-4", outstanding=600)]
    several = next(
        one for one in rank(facts(payer=ANN), 1_000, parts, BY_NAME) if len(one.targets) > 1
    )
    assert ("differs", f"On hold: {LOST}") in several.reasons
