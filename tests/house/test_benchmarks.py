"""What the benchmarks take from the program fits it still."""

from benchmarks.addresses import unsaid


def test_every_part_of_an_address_is_said_how_to_fill():
    assert unsaid() == []
