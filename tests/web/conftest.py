"""What the tests of what is served stand on."""

from tests.runtime import line, office, stripe_api
from tests.web.api import api, empty_api
from tests.web.screens import company, screens, standing

__all__ = ["api", "company", "empty_api", "line", "office", "screens", "standing", "stripe_api"]
