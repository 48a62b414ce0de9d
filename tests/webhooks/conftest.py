"""What the tests of webhooks stand on."""

import pytest

pytest.register_assert_rewrite("tests.runtime")

from tests.runtime import line, office, stripe_api  # noqa: E402  their asserts are to be explained

__all__ = ["line", "office", "stripe_api"]
