"""What a person can turn off at once: refunds, applying what came in, everything that goes out.

There is none for taking messages in: a message that is not stored is lost. Refunds are turned off
by the program as well, when something is wrong with more than one (refund_alarms.py).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, select

from reconciler.errors import Invalid, NotFound
from reconciler.services import audit, refund_alarms
from reconciler.store.runs import Switch
from reconciler.work import Task, Work

REASON_CHARS_MAX = 500


class SwitchName(StrEnum):
    """What can be turned off."""

    REFUNDS = "refunds"
    APPLY = "apply"
    OUTBOUND = "outbound"


# Who has waited for a switch is woken when it is on again.
_WOKEN = {
    SwitchName.REFUNDS: (Task.SUBMIT_REFUNDS,),
    SwitchName.APPLY: (Task.APPLY_INBOX, Task.ASK_RAIL, Task.FIND_PAYMENTS),
    SwitchName.OUTBOUND: (Task.SUBMIT_REFUNDS, Task.SEND_MAIL, Task.SEND_WEBHOOKS),
}


@dataclass(frozen=True, slots=True)
class SwitchState:
    """How a switch stands, and who put it there. Nobody did, as long as it was never touched."""

    name: SwitchName
    on: bool
    changed_by: str | None = None
    changed_at: datetime | None = None
    reason: str | None = None


def change(work: Work, name: str, *, on: bool, reason: str) -> SwitchState:
    """Turn a switch on or off. Raises NotFound for one there is not, Invalid without a reason."""
    switch = _named(name)
    why = reason.strip()
    if not why or len(why) > REASON_CHARS_MAX:
        raise Invalid(f"say why, in at most {REASON_CHARS_MAX} characters", field="reason")
    row = work.session.get(Switch, switch.value, with_for_update=True) or Switch(name=switch.value)
    action = "switch.turned_on" if on else "switch.turned_off"
    audit.note(work, action, switch.value, before={"on": row.on}, after={"on": on}, why=why)
    row.on = on
    row.changed_by = work.cause.id
    row.changed_at = work.now
    row.reason = why
    work.session.add(row)
    work.session.flush()
    if on:
        for task in _WOKEN[switch]:
            work.nudge(task)
    if on and switch is SwitchName.REFUNDS:
        refund_alarms.close(work)
    return _state(row)


def states(session: Session) -> list[SwitchState]:
    """Every switch, in the order of SwitchName."""
    rows = {row.name: row for row in session.exec(select(Switch))}
    return [
        _state(rows[n.value]) if n.value in rows else SwitchState(n, on=True) for n in SwitchName
    ]


def state(session: Session, name: str) -> SwitchState:
    """One switch. Raises NotFound."""
    switch = _named(name)
    return next(state for state in states(session) if state.name is switch)


def are_on(session: Session, *names: SwitchName) -> bool:
    """Whether all of these are on. One that nobody ever touched is."""
    return all(state.on for state in states(session) if state.name in names)


def _named(name: str) -> SwitchName:
    try:
        return SwitchName(name)
    except ValueError:
        known = ", ".join(SwitchName)
        raise NotFound(f"there is no switch {name!r}; there are {known}", field="name") from None


def _state(row: Switch) -> SwitchState:
    return SwitchState(SwitchName(row.name), row.on, row.changed_by, row.changed_at, row.reason)
