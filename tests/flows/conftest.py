"""What the tests of flows stand on."""

from tests.runtime import line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]
