"""What the tests of what is served stand on."""

from tests.runtime import line, office, stripe_api
from tests.web.api import api, empty_api

__all__ = ["api", "empty_api", "line", "office", "stripe_api"]
