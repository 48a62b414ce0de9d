"""What the tests of the store stand on."""

from tests.runtime import line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]
