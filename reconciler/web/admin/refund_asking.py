"""The form that asks for a refund, and the same form to change what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import Response, request

from reconciler import money
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.allocations import REFUND_TREATMENTS, Treatment
from reconciler.books.consent import RefundPolicy
from reconciler.books.people import Role
from reconciler.books.refund_routes import ASKED_BY, Route
from reconciler.books.refunds import RefundReason
from reconciler.errors import Conflict, Invalid, NotFound, ReconcilerError, Refused
from reconciler.reads import (
    payees,
    refunds as refund_reads,
    screens_documents,
    screens_payments,
    screens_refunds,
)
from reconciler.reads.ledger import PostingLine
from reconciler.reads.refunds import RefundRow
from reconciler.services import deposit_terms, refund_preview, refunds, resolutions
from reconciler.services.deposit_terms import WHY_CHARS_MAX, HeldBack
from reconciler.services.refund_limits import policy_of
from reconciler.services.refunds import RefundAsk
from reconciler.services.resolutions import Resolution
from reconciler.web import forms
from reconciler.web.admin import consequences, errors, refund_again, refund_place, words
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.refund_again import Failed
from reconciler.web.admin.routes import Screens
from reconciler.work import Cause, Work

screens = Screens()

ID_CHARS_MAX = 80
_AMOUNT_CHARS_MAX = 30
_TARGETS = ("payment", "invoice", "deposit")
_SAME = "Reducing and reopening come to the same here: nothing of an invoice is open because of it."


@dataclass(frozen=True, slots=True)
class Subject:
    """What a refund is asked of, and how much about could go back. Minor units."""

    kind: str
    id: str
    title: str
    customer: str
    currency: str
    most: int
    has_treatment: bool
    is_disputed: bool = False
    method: str = ""
    number: str = ""
    total: int = 0
    outstanding: int = 0
    held_back: HeldBack | None = None  # what a deposit's terms keep
    applied: int = 0  # of a payment
    customer_id: str | None = None  # whose account a bank transfer goes to
    has_rail: bool = True  # not of a payment that was received by hand: people give that back

    @property
    def loose(self) -> int:
        """What of a payment is for nothing: it goes back first, and no invoice is touched by it."""
        return max(0, self.most - self.applied) if self.kind == "payment" else 0

    @property
    def likely(self) -> int:
        """What is meant most often: what was paid too much, or all there is."""
        return self.loose or self.most


@screens.get("/refunds/new")
def ask_refund(desk: Desk) -> Response:
    """The form that asks for a refund."""
    typed = refund_place.filled_in(desk)
    if again := request.args.get("again"):  # what a refund came to that failed elsewhere
        typed["again"] = again[:_AMOUNT_CHARS_MAX]
        typed.setdefault("amount", typed["again"])
    subject = _subject(desk, request.args)
    if again and (before := _failed(desk, subject)):
        typed = dict(before.typed) | typed
    return _form(desk, subject, typed=typed)


@screens.post("/refunds/new", Role.RECONCILER)
def request_refund(desk: Desk) -> Response:
    """Ask for a refund."""
    subject = _subject(desk, request.form)
    if refund_place.is_about_account() and subject.customer_id:
        return refund_place.to_account(desk, subject.customer_id, subject.kind, subject.id)
    policy = policy_of(desk.runtime.settings)
    try:
        ask = _ask(subject)
        if request.form.get("do") == "look":
            return _form(desk, subject, typed=request.form, foreseen=_foreseen(desk, ask))
        refund_id = desk.once(lambda work: _asked(work, ask, policy))
    except NotFound:
        raise
    except Refused as error:
        return _form(desk, subject, typed=request.form, refusal=error)
    return go("show_refund", refund_id=refund_id, did="asked")


def _asked(work: Work, ask: RefundAsk, policy: RefundPolicy) -> str:
    """Ask; the question that led here is answered by that, and does not wait beside the refund."""
    refund_id = refunds.request(work, ask, policy)
    if question := request.form.get("question"):
        answer = Resolution(action="acknowledge", note=f"It was asked for again: {refund_id}")
        resolutions.resolve(work, question, answer, policy)
    return refund_id


def _foreseen(desk: Desk, ask: RefundAsk) -> Foreseen:
    """What the refund will post; and whether the other treatment would post just that."""
    policy = policy_of(desk.runtime.settings)
    first, *others = (
        consequences.of_any(
            desk,
            partial(refund_preview.carried_out, ask=replace(ask, treatment=one), policy=policy),
        )
        for one in _treatments(ask)
    )
    is_same = any(_lines(first) == _lines(other) for other in others)
    return replace(first, after=_SAME) if is_same and first.entries else first


def _treatments(ask: RefundAsk) -> list[Treatment | None]:
    """The one that was chosen, then the other; a refund that touches no invoice has none."""
    if ask.treatment is None:
        return [None]
    return sorted(REFUND_TREATMENTS, key=lambda one: one != ask.treatment)


def _lines(foreseen: Foreseen) -> list[Sequence[PostingLine]]:
    return [entry.postings for entry in foreseen.entries]


@screens.get("/refunds/<refund_id>/change")
def ask_change(desk: Desk, refund_id: str) -> Response:
    """The form that changes what was asked for, filled with what it asks for now."""
    refund = _refund(desk, refund_id)
    subject = _freed(_subject(desk, _target(refund)), refund)
    typed = _as_typed(refund, subject) | refund_place.filled_in(desk)
    return _form(desk, subject, changes=refund_place.as_seen(refund, typed), typed=typed)


@screens.post("/refunds/<refund_id>/change", Role.RECONCILER)
def change_refund(desk: Desk, refund_id: str) -> Response:
    """Ask for something else instead, while nothing was sent. The approval is void then."""
    refund = _refund(desk, refund_id)
    subject = _subject(desk, _target(refund))
    if refund_place.is_about_account() and subject.customer_id:
        return refund_place.to_account(desk, subject.customer_id, subject.kind, subject.id, refund)
    try:
        subject = _freed(_chosen(desk, subject), refund)
        rev, given = forms.whole(request.form, "rev"), _given(_ask(subject))
        policy = policy_of(desk.runtime.settings)
        desk.do(lambda work: refunds.change(work, refund_id, given, policy, rev=rev))
    except NotFound:
        raise
    except Refused as error:
        refund = _refund(desk, refund_id)  # as it stands now: it may be that that is in the way
        return _form(desk, subject, changes=refund, typed=request.form, refusal=error)
    return go("show_refund", refund_id=refund_id)


def _refund(desk: Desk, refund_id: str) -> RefundRow:
    with desk.runtime.read() as session:
        return refund_reads.one(session, refund_id)


def _target(refund: RefundRow) -> dict[str, str]:
    return {kind: getattr(refund, f"{kind}_id") or "" for kind in _TARGETS}


def _freed(subject: Subject, refund: RefundRow) -> Subject:
    """What the refund itself holds can be asked for again."""
    is_same = _target(refund)[subject.kind] == subject.id
    return replace(subject, most=subject.most + refund.amount) if is_same else subject


def _chosen(desk: Desk, subject: Subject) -> Subject:
    """What the form names by its number, whatever kind of thing that is."""
    named = request.form.get("of", "").strip()
    if named in {"", subject.number, subject.id}:
        return subject
    for find in (_of_invoice, _of_deposit, _of_payment):
        found = find(desk, named)
        if found is not None:
            return found
    raise Invalid(f"There is nothing here called {named[:ID_CHARS_MAX]}", field="of")


def _given(ask: RefundAsk) -> dict[str, str | int | None]:
    """An ask as what it changes: a treatment that was not asked about stays."""
    names = (
        "payment_id", "invoice_id", "deposit_id", "amount", "reason", "note", "treatment",
        "terms_override", "method",
    )  # fmt: skip
    given = {name: getattr(ask, name) for name in names}
    return {n: v for n, v in given.items() if v is not None or n == "note"}


def _as_typed(refund: RefundRow, subject: Subject) -> dict[str, str]:
    return {
        "amount": words.typed(refund.amount, refund.currency),
        "reason": refund.reason,
        "note": refund.note or "",
        "treatment": refund.treatment,
        "method": refund.method,
        "of": subject.number or subject.id,
    }


def _form(
    desk: Desk,
    subject: Subject,
    *,
    typed: Mapping[str, str],
    changes: RefundRow | None = None,
    refusal: Refused | None = None,
    foreseen: Foreseen | None = None,
) -> Response:
    threshold = desk.runtime.settings.refund_approval_threshold.get(subject.currency)
    is_late = isinstance(refusal, Conflict)
    said = errors.sentence(refusal) if refusal else ""
    before = _failed(desk, subject) if "again" in typed else None
    with desk.runtime.read() as session:
        known = payees.of(session, [subject.customer_id] if subject.customer_id else [])
    return desk.page(
        "refund_new.html",
        payee=known.get(subject.customer_id or ""),
        status=200 if refusal is None else 409 if is_late else 422,
        subject=subject,
        came_from=refund_place.came_from(),
        changes=changes,
        foreseen=foreseen,
        careful=changes.balance_warning if changes else _careful(desk, subject, typed),
        threshold=threshold,
        error=f"{said} Nothing was done." if is_late else said,
        field=refusal.field if refusal else None,
        typed=typed,
        is_again="again" in typed,
        before=before,
        after_each=refund_again.after_each(desk, before, subject.id, subject.currency, typed)
        if before and subject.has_treatment
        else {},
        question=request.values.get("question", "")[:ID_CHARS_MAX],
    )


def _careful(desk: Desk, subject: Subject, typed: Mapping[str, str]) -> str | None:
    """What to know before so much is sent by the rail; None where it can be, or cannot be asked."""
    if typed.get("method") == Route.HAND or not desk.may(Role.RECONCILER.value):
        return None
    policy = policy_of(desk.runtime.settings)

    def step(work: Work) -> str | None:
        named = typed.get("amount")
        amount = money.parse(named, subject.currency).minor if named else subject.likely
        override = typed.get("terms_override") or None
        ask = RefundAsk(
            RefundReason.GOODWILL.value, amount=amount, terms_override=override, **_of(subject)
        )
        refund_id = refunds.request(work, ask, policy)
        work.session.flush()
        return refund_reads.one(work.session, refund_id).balance_warning

    try:
        return desk.runtime.rehearse(Cause("person", desk.person.id), step)
    except ReconcilerError:  # the form says why, once it is sent; or somebody holds it just now
        return None


def _failed(desk: Desk, subject: Subject) -> Failed | None:
    """The refund that failed before, where a question about it led here."""
    question = request.values.get("question", "")
    return refund_again.failed(desk, question, subject.id) if question else None


def _ask(subject: Subject) -> RefundAsk:
    reason = forms.choice(
        request.form, "reason", [word.value for word in RefundReason], ask="Choose a reason"
    )
    note = forms.words(request.form, "note")
    if reason == RefundReason.OTHER and not note:
        raise Invalid("Say what the reason is, when it is another one", field="note")
    amount = forms.amount(request.form, "amount", subject.currency).minor
    treatment = None
    if subject.has_treatment and ("treatment" in request.form or amount > subject.loose):
        say = "Choose what happens to the invoice"
        treatment = forms.choice(
            request.form, "treatment", [word.value for word in REFUND_TREATMENTS], ask=say
        )
    return RefundAsk(
        reason=reason,
        amount=amount,
        note=note or None,
        treatment=treatment,
        method=forms.choice(request.form, "method", ASKED_BY, ask="Choose how the money goes back")
        if "method" in request.form
        else Route.RAIL.value,
        terms_override=forms.text(request.form, "terms_override", chars_max=WHY_CHARS_MAX)
        if request.form.get("terms_override", "").strip()
        else None,
        **_of(subject),
    )


def _of(subject: Subject) -> dict[str, str]:
    return {f"{subject.kind}_id": subject.id}


def _subject(desk: Desk, given: Mapping[str, str]) -> Subject:
    named = [(kind, given[kind]) for kind in _TARGETS if given.get(kind)]
    if len(named) != 1:
        raise NotFound("Say of which payment, invoice or deposit")
    kind, target_id = named[0]
    found = {"payment": _of_payment, "invoice": _of_invoice, "deposit": _of_deposit}[kind](
        desk, target_id
    )
    if found is None:
        raise NotFound(f"There is no {kind} {target_id[:ID_CHARS_MAX]}")
    return found


def _of_payment(desk: Desk, payment_id: str) -> Subject | None:
    with desk.runtime.read() as session:
        payment = screens_payments.payment(session, payment_id)
        if payment is None:
            return None
        most = screens_refunds.refundable(session, [payment.id]).get(payment.id, 0)
    return Subject(
        "payment",
        payment.id,
        f"payment {payment.rail_payment_id}",
        payment.who,
        payment.currency,
        most,
        has_treatment=payment.allocated > 0,
        is_disputed=payment.standing == "disputed",
        method=payment.method or words.rail_name(payment.rail),
        applied=payment.allocated,
        customer_id=payment.customer_id,
        has_rail=payment.rail != MANUAL_RAIL,
    )


def _of_invoice(desk: Desk, name: str) -> Subject | None:
    with desk.runtime.read() as session:
        invoice = screens_documents.invoice(session, name)
        if invoice is None:
            return None
        most = screens_refunds.most_of_invoice(session, invoice.id)
    return Subject(
        "invoice",
        invoice.id,
        f"invoice {invoice.number}",
        invoice.customer,
        invoice.currency,
        most,
        has_treatment=True,
        number=invoice.number,
        total=invoice.total - invoice.credited,
        outstanding=invoice.outstanding,
        customer_id=invoice.customer_id,
    )


def _of_deposit(desk: Desk, name: str) -> Subject | None:
    with desk.runtime.read() as session:
        deposit = screens_documents.deposit(session, name)
        if deposit is None:
            return None
        most = screens_refunds.most_of_deposit(session, deposit.id, deposit.remaining)
        held = deposit_terms.held_back(session, [deposit.id], desk.today).get(deposit.id)
    return Subject(
        "deposit",
        deposit.id,
        f"deposit {deposit.code}",
        deposit.customer,
        deposit.currency,
        most,
        has_treatment=False,
        number=deposit.code,
        customer_id=deposit.customer_id,
        held_back=held,
    )
