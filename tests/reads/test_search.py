"""What is typed into the search box finds what begins with it, and asks no more than indexes."""

import pytest

from reconciler.reads import screens_search
from tests.builders import (
    bill,
    captured,
    customer,
    deposit,
    invoice,
    named,
    observe,
    prepayment,
    vendor,
)
from tests.runtime import Office, line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]


def found(office: Office, typed: str) -> set[tuple[str, str]]:
    with office.runtime.read() as session:
        return {(hit.kind, hit.title) for hit in screens_search.look(session, typed)}


@pytest.fixture
def full(office: Office) -> Office:
    ann = customer(office, "Ann-Marie O'Hara & Söhne")
    invoice(office, "INV-0000500012", 1_000, customer_id=ann)
    invoice(office, "RE/2026/118", 1_000, customer_id=customer(office, "Zoe"))
    deposit(office, "DEP-0042", 500, customer_id=ann)
    oak = vendor(office, "Oak Ltd")
    bill(office, "B-7", 900, vendor_id=oak)
    prepayment(office, 600, vendor_id=oak)
    observe(office, captured(400, "pi_1", named=named(invoice="INV-0000500012")))
    payer = {"name": (1, "Max Mustermann"), "email": (1, "max@post.example")}
    observe(office, captured(70, "pi_2", payer=payer))
    return office


ANNS = {
    ("customer", "Ann-Marie O'Hara & Söhne"),
    ("invoice", "INV-0000500012"),
    ("deposit", "DEP-0042"),
}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("ann", ANNS | {("payment", "pi_1")}),
        ("marie HARA", ANNS | {("payment", "pi_1")}),
        ("söh", ANNS | {("payment", "pi_1")}),
        ("ann oak", set()),
        ("arie", set()),
        ("inv-0000500012", {("invoice", "INV-0000500012")}),
        ("500012", {("invoice", "INV-0000500012")}),
        ("5000", {("invoice", "INV-0000500012")}),
        ("2026-118", {("invoice", "RE/2026/118")}),
        ("dep 42", {("deposit", "DEP-0042")}),
        ("muster", {("payment", "pi_2")}),
        ("max@post", {("payment", "pi_2")}),
        ("B-7", {("bill", "B-7")}),
        ("nobody", set()),
        ("%", set()),
        ("& ' | !", set()),
        ("a:*", ANNS | {("payment", "pi_1")}),
    ],
)
def test_each_word_begins_a_word_of_what_is_found(full: Office, typed: str, wanted: set) -> None:
    assert found(full, typed) == wanted


def test_a_vendor_is_found_with_what_it_billed(full: Office) -> None:
    assert {kind for kind, _ in found(full, "oak")} == {"vendor", "bill", "prepayment"}


def test_of_many_the_newest_are_shown(office: Office) -> None:
    ann = customer(office)
    for n in range(screens_search.SHOWN_MAX + 3):
        office.clock.advance(minutes=1)
        invoice(office, f"INV-{n}", 100, customer_id=ann)
    shown = {title for kind, title in found(office, "ann") if kind == "invoice"}
    assert shown == {f"INV-{n}" for n in range(3, screens_search.SHOWN_MAX + 3)}
