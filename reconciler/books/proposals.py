"""Proposals: what is offered, as one text that can be hashed, and what became of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciler.errors import Refused
from reconciler.money import shown


class ProposalState(StrEnum):
    """What somebody did with it last."""

    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ProposalStatus(StrEnum):
    """What everybody sees: one that was sent may have expired."""

    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedLine:
    """A line as it is offered: what it comes to without tax, and its tax, in minor units.

    `tax_rate` is in percent.
    """

    description: str
    quantity: str
    unit_price: int
    net: int
    tax: int
    tax_rate: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedStage:
    """A milestone as it is offered, in minor units."""

    kind: str
    name: str
    description: str | None
    amount: int
    due_on: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """All that somebody accepts. `conditions` are its terms, in the words of who offers it."""

    id: str
    version: int
    customer: str
    name: str
    introduction: str | None
    currency: str
    price: int
    valid_until: str | None
    lines: Sequence[OfferedLine]
    stages: Sequence[OfferedStage]
    conditions: str | None = None


def status(state: ProposalState, *, valid_until: date | None, today: date) -> ProposalStatus:
    """Sent and past its last day, it has expired."""
    if state is ProposalState.SENT and valid_until is not None and valid_until < today:
        return ProposalStatus.EXPIRED
    return ProposalStatus(state.value)


def must_be(state: ProposalStatus, wanted: Sequence[ProposalStatus], *, deed: str) -> None:
    """Raises Refused unless the proposal stands as the deed needs it."""
    if state not in wanted:
        words = " or ".join(wanted)
        raise Refused(f"the proposal is {state.value}; only one that is {words} can be {deed}")


def text(offer: Offer) -> str:
    """What is accepted, to the letter: the same offer always gives the same text."""
    told = [
        f"Proposal {offer.id}, version {offer.version}",
        f"For: {offer.customer}",
        f"Project: {offer.name}",
        *([f"Valid until: {offer.valid_until}"] if offer.valid_until else []),
        *(["", offer.introduction] if offer.introduction else []),
        "",
        *(_line(line, offer.currency) for line in offer.lines),
        f"Price: {shown(offer.price, offer.currency)}",
        "",
        *(_stage(stage, offer.currency) for stage in offer.stages),
        *(["", "Terms:", offer.conditions] if offer.conditions else []),
    ]
    return "\n".join(told) + "\n"


def digest(said: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(said.encode()).hexdigest()


def _line(line: OfferedLine, currency: str) -> str:
    each = shown(line.unit_price, currency)
    tax = f" plus {shown(line.tax, currency)} tax" if line.tax else ""
    net = shown(line.net, currency)
    return f"- {line.description}: {line.quantity} at {each}, {net}{tax}"


def _stage(stage: OfferedStage, currency: str) -> str:
    due = f", due {stage.due_on}" if stage.due_on else ""
    what = f" ({stage.description})" if stage.description else ""
    return f"- {stage.name}{what}: {shown(stage.amount, currency)}, {stage.kind}{due}"
