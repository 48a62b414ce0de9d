"""What stands on a bank's statements, and what people said about it: done again.

The lines of a file are evidence, and are there before the deed that read them is done again
(store/replay_evidence.py). What they were tied to, by themselves or by people, is worked out anew.
"""

from reconciler.books import suspense as rules
from reconciler.books.bank_lines import TargetKind
from reconciler.errors import NotFound, Refused
from reconciler.services import bank_corrections, statements, suspense
from reconciler.services.acts import Act, Again
from reconciler.services.bank_fees import Granted
from reconciler.store import correction_rows, statement_rows
from reconciler.work import Work

_FEE, _FEE_BACK = "bank_fee.booked", "bank_fee.taken_back"
_UNTIED = "bank_line.untied"
TIES = frozenset({"statement.read", "bank_lines.tied"})  # what lets lines tie themselves


def _read(work: Work, act: Act) -> None:
    statements.tie_as_read(work, act.subject, new=act.after["new"], most=act.after["lines"])


def _tied_themselves(work: Work, act: Act) -> None:
    tied, then = statements.tie_open_lines(work), act.after["lines"]
    if tied != then:
        raise Refused(f"{tied} bank lines would tie themselves, and {then} did")


def _tied(work: Work, act: Act) -> None:
    kind, targets = TargetKind(act.after["kind"]), act.after.get("targets")
    if targets is not None:
        statements.tie_sum(work, act.subject, kind, targets, rev=None)
        return
    taken = next((one for one in act.beside(_FEE) if one.subject == act.subject), None)
    fee = None
    if taken is not None:  # the bound is today's; what was allowed then was what it was
        fee = Granted(taken.why or "", {taken.after["currency"]: taken.after["amount"]})
    statements.tie(work, act.subject, kind, act.after["target"], rev=None, fee=fee)


def _untied(work: Work, act: Act) -> None:
    line = statement_rows.lock(work.session, act.subject)
    if line is not None and line.target_id is None:
        # It had tied itself before that left a line in the audit trail.
        statements.tie_what_is_certain(work)
    statements.untie(work, act.subject, rev=None)


def _set_aside(work: Work, act: Act) -> None:
    statements.set_aside(work, act.subject, act.why or "", rev=None)


def _taken_up(work: Work, act: Act) -> None:
    statements.take_up(work, act.subject, rev=None)


def _corrected(work: Work, act: Act) -> None:
    bank_corrections.take(work, _waiting(work, act), rev=None)


def _kept(work: Work, act: Act) -> None:
    bank_corrections.decline(work, _waiting(work, act), act.why or "", rev=None)


def _waiting(work: Work, act: Act) -> str:
    found = correction_rows.waiting(work.session, act.subject)
    if found is None:
        raise NotFound(f"nothing that the bank corrected of {act.subject} waits")
    return found


def _out_of_suspense(work: Work, act: Act) -> None:
    to = rules.target(act.after["account"], act.after["category"])
    part = abs(act.after["amount"])
    suspense.move(work, act.subject, to, why=act.why or "", amount=part)


def _into_suspense(work: Work, act: Act) -> None:
    turn = act.before.get("turn")  # none of what was moved whole, as all once was
    suspense.put_back(work, act.subject, turn=turn, why=act.why or "")


def _comes_along(_work: Work, act: Act) -> None:
    raise Refused(f"{act.subject} was not tied or untied with it")


AGAIN = {
    "statement.read": Again(_read),
    "bank_lines.tied": Again(_tied_themselves),
    "bank_line.tied": Again(_tied, brings=frozenset({_FEE})),
    _UNTIED: Again(_untied, brings=frozenset({_FEE_BACK})),
    "bank_line.set_aside": Again(_set_aside),
    "bank_line.taken_up": Again(_taken_up),
    # What it was tied to is untied first.
    "bank_line.corrected": Again(
        _corrected, makes={"bln": "line"}, brings=frozenset({_UNTIED, _FEE_BACK})
    ),
    "bank_line.kept": Again(_kept, makes={"bln": "line"}),
    "suspense.moved": Again(_out_of_suspense),
    "suspense.put_back": Again(_into_suspense),
    _FEE: Again(_comes_along),
    _FEE_BACK: Again(_comes_along),
}
