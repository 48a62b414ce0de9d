"""What the tests of services stand on."""

from tests.runtime import line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]
