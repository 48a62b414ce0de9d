"""What happened to a payment or a document, as one list in the words of the screens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import url_for

from reconciler.books import refund_words
from reconciler.reads.audit import AuditRow
from reconciler.reads.disputes import DisputeRow
from reconciler.reads.ledger import EntryRow, PostingLine
from reconciler.reads.refunds import RefundRow
from reconciler.reads.screens_documents import CreditNoteLine, PaidBy
from reconciler.reads.screens_payments import ClaimLine, EventLine
from reconciler.web.admin import account_words, dispute_words, plain_words, words
from reconciler.work import Cause

# Within one instant: first what was heard, then what was decided, then what was booked.
_HEARD, _DECIDED, _REFUNDED, _BOOKED = range(4)

Names = Mapping[str, str]

# What the trail tells beyond the steps, and which words of it.
AUDITED = {
    "refund.sent_another_way": "To be paid another way",
    "refund.kept": "Kept for the customer",
    "refund.paid_back": "Paid back by hand",
    "refund.retried": "Tried again",
    "dispute.decided": "Decided about a loss",
    "review_item.resolved": "Question answered",
    "review_item.decision_taken_back": "Answer taken back",
}
_SAID = ("method", "kept_as", "reference", "decision", "action")


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a history. `link` is where more is told, named by `link_text`.

    `on` is the day it happened on, where that is known and told beside when it was heard.
    """

    at: datetime
    rank: int
    title: str
    tone: str = ""
    text: str = ""
    by: str = ""
    link: str = ""
    link_text: str = ""
    lines: Sequence[PostingLine] = ()
    key: str = ""
    on: date | None = None


def in_order(*parts: Iterable[Moment]) -> list[Moment]:
    """All of it, the oldest first."""
    return sorted((m for part in parts for m in part), key=lambda m: (m.at, m.rank))


def causes(entries: Iterable[EntryRow], refunds: Iterable[RefundRow] = ()) -> set[str]:
    """The ids of people that a history will name."""
    found = {entry.cause.id for entry in entries if entry.cause.kind == "person"}
    return found | {
        step.cause.id for refund in refunds for step in refund.steps if step.cause.kind == "person"
    }


def of_events(events: Iterable[EventLine]) -> Iterable[Moment]:
    """What the rail said."""
    for event in events:
        state = words.pill("event", event.status)
        yield Moment(
            event.received_at,
            _HEARD,
            event.type,
            tone=state.tone if state.tone in {"neg", "warn"} else "info",
            text=state.text,
            by="the payment provider",
            link=url_for("admin.show_event", event_id=event.rail_event_id),
            link_text=event.rail_event_id,
        )


def of_claims(claims: Iterable[ClaimLine], currency: str) -> Iterable[Moment]:
    """Which money was set against what, and taken back again."""
    for claim in claims:
        amount = f"{words.shown(claim.amount, currency)} " if claim.amount else ""
        strategy = words.STRATEGIES.get(claim.strategy, claim.strategy)
        has_none = claim.is_waiting
        yield Moment(
            claim.created_at,
            _DECIDED,
            f"Meant for {claim.target}" if has_none else f"Matched {amount}to {claim.target}",
            tone="" if has_none else "pos",
            text=f"{strategy}. It takes none of this payment" if has_none else strategy,
            by=claim.person or "",
        )
        if claim.closed_at:
            text = "A reversing entry was posted"
            yield Moment(
                claim.closed_at, _DECIDED, f"Unmatched from {claim.target}", tone="warn", text=text
            )


def of_sources(sources: Iterable[PaidBy], currency: str) -> Iterable[Moment]:
    """What paid an invoice, and was taken back again."""
    for source in sources:
        amount = f"{words.shown(source.gross, currency)} " if source.gross else ""
        noun = "deposit " if source.kind == "deposit" else ""
        verb = "Applied" if noun else "Matched"
        yield Moment(
            source.created_at,
            _DECIDED,
            f"{verb} {amount}from {noun}{source.source}",
            tone="pos",
            text=words.STRATEGIES.get(source.strategy, ""),
            by=source.person or "",
        )
        if source.closed_at:
            title = f"{noun.capitalize() or 'Payment '}{source.source} taken off again"
            text = "A reversing entry was posted"
            yield Moment(source.closed_at, _DECIDED, title, tone="warn", text=text)


def of_disputes(disputes: Iterable[DisputeRow]) -> Iterable[Moment]:
    """What banks said of payments that an invoice is paid by."""
    for dispute in disputes:
        for line in dispute.history:
            if line.kind != "event":
                continue
            has = words.shown(line.amount, dispute.currency) if line.amount else ""
            yield Moment(
                line.at,
                _HEARD,
                f"Dispute: {dispute_words.status(line.text.replace(' ', '_')).lower()}",
                tone="neg" if line.text == "lost" else "warn",
                text=f"The payer's bank has {has} of the payment" if has else "",
                link=url_for("admin.show_dispute", dispute_id=dispute.id),
                link_text="the dispute",
            )


def of_credit_notes(notes: Iterable[CreditNoteLine], currency: str) -> Iterable[Moment]:
    """By what people lowered what is owed."""
    for note in notes:
        title = f"Credit note of {words.shown(note.amount, currency)}"
        yield Moment(note.created_at, _DECIDED, title, text=note.reason, by=note.person or "")
        if note.taken_back_at:
            yield Moment(note.taken_back_at, _DECIDED, f"{title} taken back")


def of_refunds(
    refunds: Iterable[RefundRow], names: Names, *, is_own_page: bool = False
) -> Iterable[Moment]:
    """Every step of every refund as a whole."""
    for refund in refunds:
        amount = words.shown(refund.amount, refund.currency)
        for step in refund.steps:
            if step.leg_id is not None:
                continue
            state = words.pill("refund", step.after)
            title = f"Refund of {amount} asked for" if step.before is None else state.text
            yield Moment(
                step.at,
                _REFUNDED,
                title if step.before is None else f"Refund of {amount}: {title.lower()}",
                tone=state.tone if state.tone in {"pos", "neg", "warn"} else "",
                text=plain_words.plain(refund_words.why(step.why) or ""),
                by=who(step.cause, names),
                link="" if is_own_page else url_for("admin.show_refund", refund_id=refund.id),
                link_text="the refund",
            )


def of_audit(lines: Iterable[AuditRow]) -> Iterable[Moment]:
    """What people did, and why, where no step of a refund or claim tells it."""
    for line in lines:
        said = [str(line.after.get(name) or "") for name in _SAID]
        parts = [part.replace("_", " ") for part in said if part]
        yield Moment(
            line.at,
            _DECIDED,
            AUDITED[line.action],
            text=": ".join([*parts, *([line.why] if line.why else [])]),
            by=line.name or who(line.cause, {}),
        )


def of_entries(entries: Iterable[EntryRow], names: Names) -> Iterable[Moment]:
    """What was booked."""
    for entry in entries:
        debited = " and ".join(_account(line) for line in entry.postings if line.debit)
        credited = " and ".join(_account(line) for line in entry.postings if line.credit)
        verb = "Reversed" if entry.reverses else "Booked"
        yield Moment(
            entry.at,
            _BOOKED,
            f"{verb} {_amount(entry)}: debit {debited}, credit {credited}",
            text=_counts_on(entry),
            key=entry.key,
            by=who(entry.cause, names),
            lines=entry.postings,
        )


def _counts_on(entry: EntryRow) -> str:
    counts = words.day(entry.posted_on)
    if entry.effective_on != entry.posted_on:
        return f"of {words.day(entry.effective_on)}, which was closed: it counts on {counts}"
    return "" if entry.posted_on == entry.at.date() else f"counts on {counts}"


def _amount(entry: EntryRow) -> str:
    sums: dict[str, int] = {}
    for line in entry.postings:
        sums[line.currency] = sums.get(line.currency, 0) + line.debit
    return " and ".join(words.shown(amount, currency) for currency, amount in sums.items())


def _account(line: PostingLine) -> str:
    return account_words.account(line.role, line.rail, line.category)


_WHO = {
    "event": "a message from the payment provider",
    "api_key": "a program",
    "job": "Reconciler",
    "command": "a command",
}


def who(cause: Cause, names: Names) -> str:
    """Who was behind it, in words."""
    if cause.kind == "person":
        return names.get(cause.id, "somebody who is gone")
    return _WHO.get(cause.kind, cause.kind)
