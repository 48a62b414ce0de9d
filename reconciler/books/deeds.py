"""Whether what somebody did stands as they left it, by what was written down about it since.

Taking a deed back is bound to that deed: where it was taken back, or something newer was done in
its place, its own undo would hit the newer one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What became of a deed. OVERTAKEN: something newer was done in its place, and stands."""

    STANDS = "stands"
    TAKEN_BACK = "taken_back"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Deed:
    """What a line of the audit trail says was done; nothing, where its words were erased."""

    action: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    is_erased: bool = False


def _all_of_it(_: Deed) -> frozenset[object]:
    return frozenset({""})


def _allocations(deed: Deed) -> frozenset[object]:
    return frozenset(one["allocation"] for one in deed.after.get("allocations", ()))


def _targets(deed: Deed) -> frozenset[object]:
    named = deed.before.get("target")
    if named is not None:
        return frozenset({named})
    return frozenset(one["target"] for one in deed.after.get("allocations", ()))


def _use(deed: Deed) -> frozenset[object]:
    document = deed.after.get("invoice") or deed.after.get("bill")
    return frozenset({(document, deed.after.get("amount"))})


def _named(name: str) -> Callable[[Deed], frozenset[object]]:
    """What both lines name so: the id of what was made, or how much it was."""
    return lambda deed: frozenset({(deed.after or deed.before).get(name)})


def _unless_by_turn(deed: Deed) -> frozenset[object]:
    """What was moved by a turn is put back by that turn, and by no other."""
    is_bound = deed.action == "suspense.moved" and "turn" in deed.after
    return frozenset() if is_bound else frozenset({""})


@dataclass(frozen=True, slots=True)
class _Kin:
    """Which later deeds of the same subject take one back, and which are done in its place.

    `about` says of which part of the subject a deed is: only those that share one meet.
    """

    back: frozenset[str] = frozenset()
    anew: frozenset[str] = frozenset()
    about: Callable[[Deed], frozenset[object]] = _all_of_it


_REFUND = frozenset({
    "refund.changed", "refund.approved", "refund.rejected", "refund.retried", "refund.kept",
    "refund.paid_back", "refund.sent_another_way",
})  # fmt: skip
# What is not here is told by how what it made stands: a claim, a credit note, a receipt, a link.
_KIN: Mapping[str, _Kin] = {
    "payment.allocated": _Kin(anew=frozenset({"payment.allocated"}), about=_allocations),
    "payment.unallocated": _Kin(
        back=frozenset({"payment.allocated"}),
        anew=frozenset({"payment.unallocated"}),
        about=_targets,
    ),
    "deposit.unapplied": _Kin(back=frozenset({"deposit.applied"}), about=_use),
    "refund.requested": _Kin(back=frozenset({"refund.canceled"}), anew=_REFUND),
    "dispute.decided": _Kin(anew=frozenset({"dispute.decided"})),
    "review_item.assigned": _Kin(anew=frozenset({"review_item.assigned"})),
    "review_item.snoozed": _Kin(anew=frozenset({"review_item.snoozed"})),
    "bill.snoozed": _Kin(anew=frozenset({"bill.snoozed"})),
    "reminders.paused": _Kin(
        back=frozenset({"reminders.resumed"}), anew=frozenset({"reminders.paused"})
    ),
    "suspense.moved": _Kin(
        back=frozenset({"suspense.put_back"}),
        anew=frozenset({"suspense.moved"}),
        about=_unless_by_turn,
    ),
    "bill.paid": _Kin(back=frozenset({"bill.payment_taken_back"}), about=_named("payment")),
    "prepayment.paid": _Kin(back=frozenset({"prepayment.voided"})),
    "vendor_credit.noted": _Kin(back=frozenset({"prepayment.voided"})),
    "prepayment.applied": _Kin(
        back=frozenset({"prepayment.unapplied"}), about=_named("application")
    ),
    "prepayment.refunded": _Kin(
        back=frozenset({"prepayment.refund_taken_back"}), about=_named("refund")
    ),
    "bill.payment_taken_back": _Kin(back=frozenset({"bill.paid"}), about=_named("amount")),
    "prepayment.unapplied": _Kin(back=frozenset({"prepayment.applied"}), about=_use),
    "prepayment.refund_taken_back": _Kin(
        back=frozenset({"prepayment.refunded"}), about=_named("amount")
    ),
    "bank_line.tied": _Kin(
        back=frozenset({"bank_line.untied"}), anew=frozenset({"bank_line.tied"})
    ),
    "bank_line.untied": _Kin(
        back=frozenset({"bank_line.tied"}), anew=frozenset({"bank_line.untied"})
    ),
    "bank_line.set_aside": _Kin(
        back=frozenset({"bank_line.taken_up"}), anew=frozenset({"bank_line.set_aside"})
    ),
}
# Which later lines are worth reading.
TOLD_BY = frozenset(action for kin in _KIN.values() for action in kin.back | kin.anew)


def fate(deed: Deed, later: Iterable[Deed]) -> Fate:
    """What became of a deed by the `later` ones of the same subject, the earliest first.

    What was said of a later one and is erased counts as being about the same.
    """
    kin = _KIN.get(deed.action, _Kin())
    about = kin.about(deed)
    for one in later:
        if one.action not in kin.back | kin.anew:
            continue
        if about and (one.is_erased or about & kin.about(one)):
            is_back = one.action in kin.back or _mirrors(one, deed)
            return Fate.TAKEN_BACK if is_back else Fate.OVERTAKEN
    return Fate.STANDS


def _mirrors(one: Deed, deed: Deed) -> bool:
    """It made things what they had been before the other."""
    return bool(deed.before) and all(
        name in one.after and one.after[name] == value for name, value in deed.before.items()
    )
