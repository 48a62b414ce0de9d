"""How often things are repeated: `./test` shows each once, `./test --all` in more ways."""

import os
from typing import TypeVar

IS_QUICK = os.getenv("HYPOTHESIS_PROFILE") == "quick"

T = TypeVar("T")


def size(*, quick: T, full: T) -> T:
    """How many of something this run takes, or which."""
    return quick if IS_QUICK else full
