"""How often things are repeated: `./test` shows each once, `./test --all` in more ways."""

from typing import TypeVar

from hypothesis import settings

IS_QUICK = settings.get_current_profile_name() == "quick"

T = TypeVar("T")


def size(*, quick: T, full: T) -> T:
    """How many of something this run takes, or which."""
    return quick if IS_QUICK else full
