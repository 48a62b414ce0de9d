"""Every kind of deed: how it is done again, or why the books do not rest on it.

`reconciler verify --rebuild` makes the books anew of these. A service that writes a line which
neither table knows fails tests/house/test_deeds.py.
"""

from collections.abc import Mapping, Sequence

from reconciler import ids
from reconciler.errors import Refused
from reconciler.ids import Known
from reconciler.services import (
    acts_of_bank,
    acts_of_documents,
    acts_of_projects,
    acts_of_purchases,
    acts_of_refunds,
)
from reconciler.services.acts import SUBJECT, Act, Again
from reconciler.work import Note, Work

DONE_OVER: Mapping[str, Again] = {
    **acts_of_documents.AGAIN,
    **acts_of_projects.AGAIN,
    **acts_of_refunds.AGAIN,
    **acts_of_bank.AGAIN,
    **acts_of_purchases.AGAIN,
}
_PEOPLE = "who may do what is not what the books hold"
_MAIL = "words that go out move no money"
_TOLD = "what other programs are told moves no money"
_AGAIN = "events and what the rail answered are told again as it is"
_PARTS = "what it did left lines of its own"
NOT_OF_THE_BOOKS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "api_key.created", "api_key.revoked", "person.created", "person.disabled",
            "person.enabled", "person.factor_begun", "person.factor_off", "person.factor_on",
            "person.made_admin", "person.mail_changed",
             "person.password_changed", "person.recovery_code_used",
            "person.recovery_codes_made", "person.role_changed", "person.session_ended",
            "person.sign_in_refused", "person.signed_in", "person.signed_out", "person.vouched",
            "portal_link.created", "portal_link.revoked",
        ),
        _PEOPLE,
    ),
    **dict.fromkeys(
        (
            "customer.page_mailed", "invoice.mailed", "message.let_be", "message.retried",
            "proposal.mailed", "reminder.asked", "reminder_text.changed",
            "reminder_text.given_up", "reminder_plan.changed", "reminders.paused",
            "reminders.resumed",
        ),
        _MAIL,
    ),
    **dict.fromkeys(
        (
            "webhook.replayed", "webhook_endpoint.changed", "webhook_endpoint.created",
            "webhook_endpoint.rotated",
        ),
        _TOLD,
    ),
    **dict.fromkeys(
        (
            "event.many_replayed", "event.replayed", "import.asked", "import.begun",
            "import.dropped", "job.asked", "reconciliation.started",
        ),
        _AGAIN,
    ),
    **dict.fromkeys(("invoice.money_freed", "overpayment.policy_followed"), _PARTS),
    **dict.fromkeys(
        (
            "bill.snoozed", "note.added", "review_item.assigned", "review_item.snoozed",
            "view.removed", "view.saved",
        ),
        "how people divide their work is not what the books hold",
    ),
    "attachment.kept": "the bytes of files are compared by themselves; a sign-off keeps its own",
    "audit_line.erased": "what was said is gone, and said so where it is missed",
    "payee_account.kept": "to which account money goes outside, not how it moved",
    "payee_account.removed": "to which account money goes outside, not how it moved",
    "pay_link.planned": "nothing can be paid through it before it is opened",
    "pay_link.revoked": "what was paid through it before is for its document all the same",
    "pay_link.closed": "what was paid through it before is for its document all the same",
    "restore.accepted": "whether money may move, not how it moved",
    "restore.noticed": "whether money may move, not how it moved",
    "restore.released": "whether money may move, not how it moved",
    "switch.turned_off": "whether money may move, not how it moved",
    "switch.turned_on": "whether money may move, not how it moved",
}  # fmt: skip


def again(work: Work, deed: Sequence[Act]) -> None:
    """Do all lines of one transaction again, under the ids that things got then.

    Raises what the services raise where it can be done no more, and Refused where it comes to
    something else than it did.
    """
    unknown = [a.action for a in deed if a.action not in DONE_OVER.keys() | NOT_OF_THE_BOOKS.keys()]
    if unknown:
        raise Refused(f"nothing says how {unknown[0]} is done again")
    left = [act for act in deed if act.action in DONE_OVER]
    with ids.given(_ids(left)):
        while left:
            act = _next(left)
            left.remove(act)
            noted = len(work.notes)
            DONE_OVER[act.action].do(work, act)
            _strike(left, act, work.notes[noted:])


def _next(left: Sequence[Act]) -> Act:
    """The first line that is left; or the one that left it and all between them along the way."""
    parts = set[str]()
    for act in left:
        if parts and parts <= DONE_OVER[act.action].brings:
            return act
        parts.add(act.action)
    return left[0]


def _ids(deed: Sequence[Act]) -> Known:
    """The next id of each kind that was handed out in this deed; fresh for each attempt."""
    waiting: dict[str, list[str]] = {}
    for act in deed:
        for prefix, place in DONE_OVER[act.action].makes.items():
            made = act.subject if place == SUBJECT else act.after.get(place)
            if made:
                waiting.setdefault(prefix, []).append(made)
    return lambda asked: waiting[asked].pop(0) if waiting.get(asked) else None


def _strike(left: list[Act], done: Act, notes: Sequence[Note]) -> None:
    """Take off what was done along with it. Raises Refused for what was not done then."""
    is_own_noted = False
    for note in notes:
        if note.action == done.action and not is_own_noted:
            is_own_noted = True
            _same_amount(done, note)
        elif note.action in DONE_OVER:
            found = next((act for act in left if _is(act, note)), None)
            if found is None:
                raise Refused(f"{note.action} {note.subject} would come of it as well")
            _same_amount(found, note)
            left.remove(found)


def _is(act: Act, note: Note) -> bool:
    return (act.action, act.subject) == (note.action, note.subject)


def _same_amount(act: Act, note: Note) -> None:
    was, now = act.after.get("amount"), note.after.get("amount")
    if was != now:
        raise Refused(f"{act.action} {act.subject} would be of {now}, and was of {was}")
