"""How often things are repeated: `./test` shows each once, `./test --all` in more ways."""

from hypothesis import settings

IS_QUICK = settings.get_current_profile_name() == "quick"


def size(*, quick: int, full: int) -> int:
    """How many of something this run takes."""
    return quick if IS_QUICK else full
