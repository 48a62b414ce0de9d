"""What a rail says of a dispute beside its money: read from its messages, and kept nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.rails.protocol import CaseTold
from reconciler.reads import rail_messages
from reconciler.reads.pages import Session
from reconciler.web.admin import words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.masking import COVER, masked


@dataclass(frozen=True, slots=True)
class Case:
    """The same in words: the network's code for why, and how far an answer came.

    `evidence` is what was handed in or is prepared, field by field, with what is personal covered.
    """

    code: str
    answer: str
    evidence: Mapping[str, str]


def of(desk: Desk, session: Session, payments: Mapping[str, str]) -> dict[str, Case]:
    """What the latest message says of each of these disputes, of which the payments are given.

    One is left out of which the rail told by nothing but its balance.
    """
    rails = desk.runtime.rails.values()
    bodies = rail_messages.of(session, payments.values(), "dispute")
    found = {}
    for dispute_id, payment_id in payments.items():
        told = (
            rail.case_told(body, dispute_id)
            for body in bodies.get(payment_id, [])
            for rail in rails
        )
        case = next((one for one in told if one is not None), None)
        if case is not None:
            found[dispute_id] = _in_words(case)
    return found


def _in_words(told: CaseTold) -> Case:
    code = f"{told.network.replace('_', ' ').capitalize()} {told.network_code}".strip()
    if told.submissions:
        answer = f"Handed in {words.counted(told.submissions, 'time')}"
    elif told.evidence:
        answer = "Prepared, and never handed in"
    else:
        answer = "None was handed in"
    named = {_named(path): _covered(path, text) for path, text in told.evidence.items()}
    return Case(code if told.network_code else "", answer, named)


def _named(path: str) -> str:
    return path.replace("/", ", ").replace("_", " ").capitalize()


def _covered(path: str, text: str) -> str:
    """The text, covered where any field that it is in is personal."""
    is_open = all(masked({name: text})[name] == text for name in path.split("/"))
    return text if is_open else COVER
