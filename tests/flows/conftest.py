"""What the tests of flows stand on."""

from tests.runtime import line, office, sound_in_the_end, stripe_api

__all__ = ["line", "office", "sound_in_the_end", "stripe_api"]
