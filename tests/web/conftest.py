"""What the tests of what is served stand on."""

from tests.runtime import line, office, stripe_api
from tests.web.api import api, empty_api
from tests.web.screens import company, screens, shared

__all__ = ["api", "company", "empty_api", "line", "office", "screens", "shared", "stripe_api"]
