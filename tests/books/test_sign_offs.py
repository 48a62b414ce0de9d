"""What a client signs: words that are the same for the same terms, and their hash."""

from hashlib import sha256

import pytest

from reconciler.books.sign_offs import digest, terms

SIGNED = {"name": "Worktop", "description": "Oak, geölt", "amount": 10_000, "currency": "USD"}


def test_the_same_terms_are_the_same_words():
    said = terms("mst_1", **SIGNED)
    assert said == (
        '{"amount":10000,"currency":"USD","description":"Oak, geölt",'
        '"milestone":"mst_1","name":"Worktop"}'
    )
    assert digest(said) == sha256(said.encode()).hexdigest()


@pytest.mark.parametrize("other", [{"amount": 10_001}, {"name": "Sink"}, {"description": None}])
def test_other_terms_have_another_hash(other):
    assert digest(terms("mst_1", **SIGNED | other)) != digest(terms("mst_1", **SIGNED))
