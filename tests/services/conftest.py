"""What the tests of services stand on."""

import pytest

pytest.register_assert_rewrite("tests.runtime", "tests.stories.pages", "tests.stories.traps")

from tests.runtime import line, office, stripe_api  # noqa: E402  their asserts are to be explained

__all__ = ["line", "office", "stripe_api"]
