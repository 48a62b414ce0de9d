"""Refunds, and what is owed after refunds and losses: done again from their audit lines.

The rail is not asked. What a look at it showed before a refund went another way is taken to be
what it had to be: that it is absent there; the rest follows from what is known.
"""

from datetime import date
from typing import Any

import sqlalchemy as sa

from reconciler.books.allocations import Treatment
from reconciler.books.consent import RefundPolicy
from reconciler.books.disputes import Decision
from reconciler.books.refund_routes import Route
from reconciler.books.refund_sending import Look, Looked
from reconciler.errors import NotFound
from reconciler.money import MINOR_MAX
from reconciler.services import (
    disputes,
    refund_decisions,
    refund_routes,
    refunds,
    resolutions,
    reviews,
)
from reconciler.services.acts import SUBJECT, Act, Again
from reconciler.services.acts_of_documents import REQUESTED, policy_then
from reconciler.services.refund_decisions import Decided
from reconciler.services.refund_routes import Looks
from reconciler.services.refunds import RefundAsk
from reconciler.store import claims
from reconciler.store.refunds import Refund
from reconciler.work import Work

_ITEM = sa.text(
    """select id from review_item where kind = :kind and subject = :about
    order by state <> 'open', resolved_at desc nulls last, id desc limit 1"""
)
_OPEN_ITEM = sa.text(
    "select id from review_item where kind = :kind and subject = :about and state = 'open'"
)
_TARGETS = {"pay_": "payment_id", "inv_": "invoice_id", "dep_": "deposit_id"}


def _target(of: str) -> dict[str, Any]:
    name = next(name for prefix, name in _TARGETS.items() if of.startswith(prefix))
    return {name: of}


def _requested(work: Work, act: Act) -> None:
    said = act.after
    ask = RefundAsk(
        reason=said["reason"],
        amount=said["amount"],
        note=act.why,
        treatment=said["treatment"],
        terms_override=said.get("terms_override"),
        method=said.get("method", Route.RAIL.value),
        **_target(said["target"]),
    )
    refunds.request(work, ask, policy_then([act]))


def _changed(work: Work, act: Act) -> None:
    said = act.after
    names = ("amount", "reason", "treatment", "terms_override", "method")
    given = {name: said[name] for name in names if name in said} | {"note": act.why}
    if "target" in said:
        given |= _target(said["target"])
    refund = work.session.get(Refund, act.subject, populate_existing=True)
    if refund is None:
        raise NotFound(f"there is no refund {act.subject}")
    needs = said.get("needs_second_person", refund.needs_second_person)
    policy = RefundPolicy(approval_thresholds={refund.currency: -1 if needs else MINOR_MAX})
    refunds.change(work, act.subject, given, policy)


def _approved(work: Work, act: Act) -> None:
    refunds.approve(work, act.subject)


def _rejected(work: Work, act: Act) -> None:
    refunds.reject(work, act.subject, why=act.why)


def _canceled(work: Work, act: Act) -> None:
    refunds.cancel(work, act.subject)


def _retried(work: Work, act: Act) -> None:
    refunds.retry(work, act.subject)


def _paid_back(work: Work, act: Act) -> None:
    on = act.after.get("paid_on")
    refunds.settle_by_hand(
        work,
        act.subject,
        reference=act.after["reference"],
        paid_on=date.fromisoformat(on) if on else None,
    )


def _another_way(work: Work, act: Act) -> None:
    looked = _absent(work, act.subject)
    refund_routes.pay_another_way(work, act.subject, looked, method=act.after["method"])


def _kept(work: Work, act: Act) -> None:
    refund_routes.keep(
        work,
        act.subject,
        _absent(work, act.subject),
        kept_as=act.after["kept_as"],
        consent=act.why or "",
    )


def _absent(work: Work, refund_id: str) -> Looks:
    turns = refund_routes.given_up(work.session, refund_id)
    return {turn.lease.leg_id: Looked(Look.ABSENT) for turn in turns}


def _decided_outside(work: Work, act: Act) -> None:
    said = act.after
    decided = Decided(Treatment(said["treatment"]), tuple((t, a) for t, a in said["parts"]))
    item = _item(work, _ITEM, "external_refund", said["refund"])
    refund_decisions.decide(work, act.subject, said["refund"], decided, item_id=item)


def _decided_loss(work: Work, act: Act) -> None:
    payment_id = act.after["payment_id"]
    row = claims.lock_payments(work.session, [payment_id]).get(payment_id)
    if row is None:
        raise NotFound(f"there is no payment {payment_id}")
    decision = Decision(act.after["decision"])
    disputes.decide_for(work, row, act.subject, decision, note=act.why or "")


def _resolved(work: Work, act: Act) -> None:
    # What was done about it left lines of its own; where it answered itself, nothing is open.
    item = work.session.scalar(_OPEN_ITEM, {"kind": act.after["kind"], "about": act.after["about"]})
    if item is not None:
        said = f"{act.after['action']}: {act.why}" if act.why else act.after["action"]
        reviews.resolve_item(work, item, resolution=said)


def _taken_back(work: Work, act: Act) -> None:
    is_answer = "dispute" in act.before
    kind, about = ("dispute", "dispute") if is_answer else ("external_refund", "refund")
    resolutions.undo(work, _item(work, _ITEM, kind, act.before[about]))


def _item(work: Work, statement: sa.TextClause, kind: str, about: str) -> str:
    found = work.session.scalar(statement, {"kind": kind, "about": about})
    if found is None:
        raise NotFound(f"nobody is asked about {about}")
    return str(found)


AGAIN = {
    REQUESTED: Again(_requested, makes={"rfd": SUBJECT}),
    "refund.changed": Again(_changed),
    "refund.approved": Again(_approved),
    "refund.rejected": Again(_rejected),
    "refund.canceled": Again(_canceled),
    "refund.retried": Again(_retried),
    "refund.paid_back": Again(_paid_back),
    "refund.sent_another_way": Again(_another_way),
    # As credit, or as a deposit that is received by hand.
    "refund.kept": Again(
        _kept,
        makes={"pay": "credit"},
        brings=frozenset({"deposit.created", "payment.received_by_hand"}),
    ),
    "outside_refund.decided": Again(_decided_outside),
    "dispute.decided": Again(_decided_loss),
    "review_item.resolved": Again(_resolved),
    "review_item.decision_taken_back": Again(_taken_back),
}
