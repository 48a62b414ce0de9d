"""What the tests of stories stand on."""

from tests.runtime import line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]
