"""What the tests of what is served stand on."""

import pytest

pytest.register_assert_rewrite("tests.runtime", "tests.web.api", "tests.web.contract")

from tests.runtime import line, office, stripe_api  # noqa: E402  their asserts are to be explained
from tests.web.api import api, empty_api  # noqa: E402
from tests.web.screens import company, screens  # noqa: E402

__all__ = ["api", "company", "empty_api", "line", "office", "screens", "stripe_api"]
