"""What a client signs off: a milestone's words and amount, in a form that can be hashed."""

import hashlib
import json

from reconciler.books.milestones import MilestoneKind

# What is held ahead of the work is asked for before there is anything to sign off.
NEEDS_NONE = frozenset({MilestoneKind.DEPOSIT})


def terms(
    milestone_id: str, *, name: str, description: str | None, amount: int, currency: str
) -> str:
    """What is signed, as text that is the same for the same terms. `amount` in minor units."""
    said = {
        "amount": amount,
        "currency": currency,
        "description": description,
        "milestone": milestone_id,
        "name": name,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def digest(signed: str) -> str:
    """The SHA-256 of what was signed."""
    return hashlib.sha256(signed.encode()).hexdigest()
