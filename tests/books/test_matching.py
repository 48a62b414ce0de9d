"""What a payment was for: the first way that gives one answer, and never a guess."""

from datetime import UTC, datetime

import pytest

from reconciler.books.equal_amounts import Standing
from reconciler.books.evidence import LATE_SECONDS, fact_name, fold, names_in
from reconciler.books.matching import (
    Document,
    Hold,
    Lookup,
    Match,
    Strategy,
    decide,
    is_surer,
)
from reconciler.books.reviews import ReviewKind
from tests.builders import AT, charge, facts, named


def doc(number: str, **more) -> Document:
    said = {
        "id": f"id_{number}".lower(),
        "customer_id": "cust_ann",
        "currency": "USD",
        "is_deposit": number.startswith("DEP"),
        "is_payable": True,
        "state": "sent",
        "outstanding": 1_000,
    }
    return Document(number=number, **said | more)


ONE, TWO, TWELVE = doc("INV-1"), doc("INV-2"), doc("INV-12")
AHEAD = doc("DEP-1")
EUROS = doc("INV-EUR", currency="EUR")
DRAFT = doc("INV-DRAFT", is_payable=False, state="draft")
BENS = doc("INV-BEN", customer_id="cust_ben")
PAID = doc("INV-PAID", outstanding=0)
KNOWN = (ONE, TWO, TWELVE, AHEAD, EUROS, DRAFT, BENS, PAID)


def lookup(*documents: Document, **more) -> Lookup:
    by_name: dict[str, list[Document]] = {}
    for one in documents:
        for name in {fold(one.number), one.id}:
            by_name.setdefault(name, []).append(one)
    return Lookup(by_name=by_name, customer_by_rail_id={"cus_ann": "cust_ann"}, **more)


BY_NAME = lookup(*KNOWN)
ANN = {"customer": (AT, "cus_ann")}


def answer(told, among: Lookup = BY_NAME, captured: int = 1_000, *, is_final: bool = True):
    """The targets' numbers and the strategy, or the kind of question."""
    found = decide(told, captured, is_final=is_final, among=among)
    if isinstance(found, Match):
        assert found.reasons
        return [document.number for document, _ in found.targets], found.strategy
    assert found.reasons
    return found.kind


def text(*words: str):
    return facts(texts={f"text_{n}": (AT, word) for n, word in enumerate(words)})


METADATA = {
    "a-number": (named(invoice="INV-1"), ["INV-1"]),
    "in-small-letters-and-with-spaces": (named(invoice_number="  inv-1 "), ["INV-1"]),
    "our-own-id": (named(invoice_id="id_inv-1"), ["INV-1"]),
    "a-deposits-code": (named(deposit_code="DEP-1"), ["DEP-1"]),
    "invoice-goes-before-deposit": (named(invoice="INV-1", deposit="DEP-1"), ["INV-1"]),
    "the-earliest-goes-before": (
        named(AT + 5, invoice="INV-1") | named(AT, deposit="DEP-1"),
        ["DEP-1"],
    ),
    "a-key-of-the-businesss-own": (named(**{"invoice:order no": "INV-1"}), ["INV-1"]),
    "a-usual-key-goes-before-one-of-its-own": (
        named(**{"invoice:order no": "INV-1"}, invoice_id="INV-2"),
        ["INV-2"],
    ),
    "an-invoice-goes-before-a-deposit-by-a-key-of-its-own": (
        named(**{"deposit:dp": "DEP-1", "invoice:order no": "INV-1"}),
        ["INV-1"],
    ),
    "a-reference-of-the-checkout": (named(client_reference_id="INV-1"), ["INV-1"]),
    "a-deposit-as-reference": (named(client_reference_id="DEP-1"), ["DEP-1"]),
    "a-cart-number-and-then-an-invoice": (
        named(client_reference_id="cart-7") | named(AT + 5, invoice="INV-2"),
        ["INV-2"],
    ),
}


@pytest.mark.parametrize("case", METADATA, ids=str)
def test_metadata_names_the_target(case: str) -> None:
    names, numbers = METADATA[case]
    assert answer(facts(named=names)) == (numbers, Strategy.METADATA)


HELD = {
    "unknown": (facts(named=named(invoice="INV-9")), ReviewKind.UNMATCHED_PAYMENT),
    "empty": (facts(named=named(invoice="  ")), ReviewKind.UNMATCHED_PAYMENT),
    "a-deposit-named-as-invoice": (
        facts(named=named(invoice="DEP-1")),
        ReviewKind.UNMATCHED_PAYMENT,
    ),
    "another-currency": (facts(named=named(invoice="INV-EUR")), ReviewKind.CURRENCY_MISMATCH),
    "a-draft": (facts(named=named(invoice="INV-DRAFT")), ReviewKind.INVOICE_NOT_PAYABLE),
    "another-customers": (
        facts(named=named(invoice="INV-BEN"), payer=ANN),
        ReviewKind.AMBIGUOUS_MATCH,
    ),
    "nothing-at-all": (facts(), ReviewKind.UNMATCHED_PAYMENT),
    "a-cart-number": (facts(named=named(client_reference_id="cart")), ReviewKind.UNMATCHED_PAYMENT),
    "two-in-one-text": (text("INV-1 and INV-2"), ReviewKind.AMBIGUOUS_MATCH),
    "two-in-two-texts": (text("INV-1", "INV-2"), ReviewKind.AMBIGUOUS_MATCH),
}


@pytest.mark.parametrize("case", HELD, ids=str)
def test_anything_uncertain_is_a_question(case: str) -> None:
    told, kind = HELD[case]
    assert answer(told) == kind


def test_two_documents_of_one_name_are_a_question() -> None:
    twins = lookup(ONE, doc("inv-1", id="other"))
    assert answer(facts(named=named(invoice="INV-1")), twins) == ReviewKind.AMBIGUOUS_MATCH


TEXTS = {
    "Payment for INV-1.": ["INV-1"],
    "(inv-1)": ["INV-1"],
    "#INV-1!": ["INV-1"],
    "INV-12": ["INV-12"],
    "INV-1, thank you": ["INV-1"],
    "deposit DEP-1": ["DEP-1"],
    "INV-1 inv-1 INV-1": ["INV-1"],
}


@pytest.mark.parametrize("words", TEXTS, ids=str)
def test_a_whole_number_in_a_text_names_the_target(words: str) -> None:
    assert answer(text(words)) == (TEXTS[words], Strategy.TEXT)


NO_NUMBERS = ("", " ", "INV", "INV-", "-1", "1", "INV-123", "XINV-1", "INV-1X", "INV-1/2", "INV 1")


@pytest.mark.parametrize("words", NO_NUMBERS, ids=repr)
def test_part_of_a_number_names_nothing(words: str) -> None:
    assert answer(text(words)) == ReviewKind.UNMATCHED_PAYMENT


def test_an_empty_reference_is_in_no_text_and_matches_nothing() -> None:
    nameless = lookup(doc(""), doc(" ", id="other"))
    assert "" not in names_in(text("a b 1001", "", "  "))
    assert answer(text("a b 1001", ""), nameless) == ReviewKind.UNMATCHED_PAYMENT


def test_small_bare_numbers_are_quantities_and_large_ones_may_be_invoices() -> None:
    assert (
        answer(text("5 hours, 30 %"), lookup(doc("5"), doc("30"))) == ReviewKind.UNMATCHED_PAYMENT
    )
    assert answer(text("no. 20261"), lookup(doc("20261"))) == (["20261"], Strategy.TEXT)


def test_letters_of_every_language_belong_to_a_number() -> None:
    umlaut, plain = doc("RÄ-1001"), doc("1001")
    assert answer(text("für Rä-1001"), lookup(umlaut, plain)) == (["RÄ-1001"], Strategy.TEXT)
    apart = "RA\u0308-1001"  # the same letter, written as two
    assert answer(text(apart), lookup(umlaut)) == (["RÄ-1001"], Strategy.TEXT)
    assert answer(facts(named=named(invoice=apart)), lookup(umlaut))[0] == ["RÄ-1001"]
    assert answer(text("RÖ-1001"), lookup(umlaut, plain)) == ReviewKind.UNMATCHED_PAYMENT


def test_what_was_made_for_a_document_is_for_it() -> None:
    made = lookup(ONE, by_rail_object={"pi_1": ONE, "cs_2": TWO})
    assert answer(facts(), made) == (["INV-1"], Strategy.MADE_HERE)
    assert answer(facts("pi_9", sessions=("cs_1", "cs_2")), made) == (["INV-2"], Strategy.MADE_HERE)


def test_the_rails_own_invoices_lead_to_ours() -> None:
    mapped = lookup(by_rail_object={"in_1": ONE, "in_2": TWO})
    one = decide(facts(rail_invoices={"in_1": 600}), 1_000, is_final=True, among=mapped)
    assert isinstance(one, Match)
    assert one.targets == ((ONE, None),)
    both = decide(
        facts(rail_invoices={"in_2": 400, "in_1": 600, "in_3": 5}),
        1_000,
        is_final=True,
        among=mapped,
    )
    assert isinstance(both, Match)
    assert both.targets == ((ONE, 600), (TWO, 400))


def by_customer(*documents: Document) -> Lookup:
    return lookup(open_by_customer={"cust_ann": list(documents)})


def test_a_known_payer_with_exactly_one_equal_amount_is_matched() -> None:
    told = facts(payer=ANN)
    assert answer(told, by_customer(ONE, doc("INV-3", outstanding=999))) == (
        ["INV-1"],
        Strategy.CUSTOMER_AMOUNT,
    )
    assert answer(told, by_customer(AHEAD)) == (["DEP-1"], Strategy.CUSTOMER_AMOUNT)


GUESSES = {
    "two-as-large": ((ONE, TWO), facts(payer=ANN), ReviewKind.AMBIGUOUS_MATCH),
    "one-cent-less": (
        (doc("INV-3", outstanding=999),),
        facts(payer=ANN),
        ReviewKind.UNMATCHED_PAYMENT,
    ),
    "another-currency": ((EUROS,), facts(payer=ANN), ReviewKind.UNMATCHED_PAYMENT),
    "not-payable": ((DRAFT,), facts(payer=ANN), ReviewKind.UNMATCHED_PAYMENT),
    "already-paid": ((PAID,), facts(payer=ANN), ReviewKind.UNMATCHED_PAYMENT),
    "an-unknown-payer": (
        (ONE,),
        facts(payer={"customer": (AT, "cus_x")}),
        ReviewKind.UNMATCHED_PAYMENT,
    ),
    "only-a-mail-address": (
        (ONE,),
        facts(payer={"email": (AT, "ann@example.com")}),
        ReviewKind.UNMATCHED_PAYMENT,
    ),
}


@pytest.mark.parametrize("case", GUESSES, ids=str)
def test_an_amount_alone_is_never_enough(case: str) -> None:
    documents, told, kind = GUESSES[case]
    assert answer(told, by_customer(*documents)) == kind


def test_an_amount_that_may_still_grow_is_not_compared() -> None:
    found = answer(facts(payer=ANN), by_customer(ONE), is_final=False)
    assert found == ReviewKind.UNMATCHED_PAYMENT


LATER = AT + LATE_SECONDS + 1
IN_TIME = {"charges": charge(captured=1_000)}


def test_words_written_much_later_are_asked_last() -> None:
    edited = named(LATER, invoice="INV-2")
    spoken = {"description": (AT, "INV-1")}
    assert answer(facts(**IN_TIME, named=edited, texts=spoken))[0] == ["INV-1"]
    assert answer(facts(**IN_TIME, named=edited))[0] == ["INV-2"]
    assert answer(facts(**IN_TIME, named=edited, payer=ANN), _both(ONE))[0] == ["INV-1"]
    assert answer(facts(**IN_TIME, named=edited, payer=ANN), _both(ONE, TWO))[0] == ["INV-2"]
    assert answer(facts(**IN_TIME, named=named(LATER, other="x"), payer=ANN), _both(ONE, TWO)) == (
        ReviewKind.AMBIGUOUS_MATCH
    )


def _both(*open_ones: Document) -> Lookup:
    return lookup(*KNOWN, open_by_customer={"cust_ann": list(open_ones)})


def test_a_guess_that_fits_nothing_any_more_is_held() -> None:
    told = facts(payer=ANN)
    mine = Standing("pay_1", ONE.id, datetime(2026, 11, 23, tzinfo=UTC))
    found = decide(told, 2_000, is_final=True, among=_both(ONE), standing=mine)
    assert isinstance(found, Hold)
    assert (found.kind, found.strategy) == (
        ReviewKind.UNMATCHED_PAYMENT,
        Strategy.CUSTOMER_AMOUNT,
    )
    kept = decide(told, 1_000, is_final=True, among=_both(ONE), standing=mine)
    assert isinstance(kept, Match)


def test_without_any_date_nothing_is_late() -> None:
    undated = facts(created=0, named=named(LATER, invoice="INV-1"), texts={"d": (1, "INV-2")})
    assert answer(undated)[0] == ["INV-1"]


def match(strategy: Strategy, dated: int = AT) -> Match:
    return Match(((ONE, None),), strategy, ("because",), dated)


def test_only_evidence_that_goes_as_far_takes_the_place_of_a_match() -> None:
    told = facts(**IN_TIME)
    by_text, by_metadata = match(Strategy.TEXT), match(Strategy.METADATA)
    assert is_surer(by_metadata, Strategy.TEXT, AT, facts=told)
    assert not is_surer(by_text, Strategy.METADATA, AT, facts=told)
    assert is_surer(by_metadata, Strategy.METADATA, AT, facts=told)
    assert not is_surer(match(Strategy.METADATA, AT + 1), Strategy.METADATA, AT, facts=told)
    assert not is_surer(match(Strategy.METADATA, LATER), Strategy.TEXT, AT, facts=told)
    assert is_surer(by_text, Strategy.METADATA, LATER, facts=told)
    by_amount = match(Strategy.CUSTOMER_AMOUNT, 0)
    assert is_surer(by_amount, Strategy.CUSTOMER_AMOUNT, 0, facts=told)
    assert not is_surer(by_amount, Strategy.TEXT, AT, facts=told)
    assert not is_surer(by_amount, Strategy.TEXT, LATER, facts=told)


def test_a_doubt_weighs_as_much_as_the_evidence_behind_it() -> None:
    told = facts(**IN_TIME)
    unknown = Hold(ReviewKind.UNMATCHED_PAYMENT, ("why",), Strategy.METADATA, AT)
    assert is_surer(unknown, Strategy.TEXT, AT, facts=told)
    assert not is_surer(Hold(ReviewKind.UNMATCHED_PAYMENT, ("why",)), Strategy.TEXT, AT, facts=told)


@pytest.mark.parametrize(
    ("noun", "key", "name"),
    [
        ("invoice", "invoice_number", "invoice_number"),
        ("invoice", "order_no", "invoice:order_no"),
        ("deposit", "invoice_number", "deposit:invoice_number"),
        ("deposit", "a:b", "deposit:a:b"),
    ],
)
def test_a_key_of_a_businesss_own_is_kept_with_what_it_stands_for(noun, key, name):
    assert fact_name(noun, key) == name
