"""What a bank took for itself: done again from its audit lines.

The lines of a bank and what they are tied to move no money, and are not done over.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.books.bank_fees import Fee
from reconciler.books.bank_lines import TargetKind
from reconciler.services import bank_fees
from reconciler.services.acts import Act, Again
from reconciler.work import Work


def _fee(act: Act, said: Mapping[str, Any]) -> Fee:
    return Fee(
        line_id=act.subject,
        turn=said["turn"],
        kind=TargetKind(said["kind"]),
        target_id=said["target"],
        amount=said["amount"],
        currency=said["currency"],
    )


def _booked(work: Work, act: Act) -> None:
    bank_fees.post(work, _fee(act, act.after), why=act.why)


def _taken_back(work: Work, act: Act) -> None:
    bank_fees.post_back(work, _fee(act, act.before))


AGAIN = {"bank_fee.booked": Again(_booked), "bank_fee.taken_back": Again(_taken_back)}
