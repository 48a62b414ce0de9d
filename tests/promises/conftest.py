"""What the tests of the promises stand on: the API of an office, and its screens."""

from tests.runtime import line, office, sound_in_the_end, stripe_api
from tests.web.api import api, empty_api
from tests.web.screens import company, screens, standing

__all__ = [
    "api",
    "company",
    "empty_api",
    "line",
    "office",
    "screens",
    "sound_in_the_end",
    "standing",
    "stripe_api",
]
