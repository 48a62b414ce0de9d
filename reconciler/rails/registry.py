"""The rails by name, as the settings have them."""

from collections.abc import Callable
from datetime import datetime

from reconciler.rails.manual import ManualRail
from reconciler.rails.protocol import Rail, Turn
from reconciler.rails.stripe.rail import StripeRail
from reconciler.settings import Settings


def rails_from(
    settings: Settings, clock: Callable[[], datetime], turn: Turn | None = None
) -> dict[str, Rail]:
    """Every rail by its name. Connects to nothing yet.

    The clock dates what a rail was asked for, so that the earliest wording of it can stand. `turn`
    spreads the requests of all processes; without it each keeps only its own within bounds.
    """
    rails: tuple[Rail, ...] = (StripeRail(settings, clock, turn=turn), ManualRail())
    return {rail.name: rail for rail in rails}
