"""The audit trail: who did what to what, when and why, and whether it is as it was written."""

from datetime import UTC, datetime, time
from typing import Any

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Invalid
from reconciler.reads import audit as reads, screens_people, subjects
from reconciler.reads.audit import AuditRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.services import audit
from reconciler.services.audit import REASON_CHARS_MAX
from reconciler.timestamps import parse_day
from reconciler.web.admin import errors, paging, written_down
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()

FILTER_CHARS_MAX = 200
_FILTERS = {"who": "cause_id", "what": "action", "subject": "subject"}
# Deeds whose names nobody would understand.
_PLAIN = {
    "person.vouched": "Showed the password again",
    "suspense.moved": "Moved out of suspense",
    "suspense.put_back": "Put back into suspense",
}
_PAGES = {
    "pay": ("show_payment", "payment_id"),
    "rfd": ("show_refund", "refund_id"),
    "inv": ("show_invoice", "name"),
    "dep": ("show_deposit", "name"),
    "cust": ("show_customer", "customer_id"),
    "prj": ("show_project", "project_id"),
    "prop": ("show_proposal", "proposal_id"),
    "rev": ("show_question", "item_id"),
    "po": ("show_payout", "payout_id"),
    "bill": ("show_bill", "bill_id"),
    "pre": ("show_prepayment", "prepayment_id"),
    "ven": ("show_vendor", "vendor_id"),
    "dsp": ("show_dispute", "dispute_id"),
    "run": ("show_run", "run_id"),
    "stm": ("show_statement", "statement_id"),
}


_LISTED = Listed(
    "audit",
    ("id", "at", "who", "what", "subject", "changes", "why", "request_id", "hash"),
    told=lambda _, line: (_told(line),),
)


def _told(line: AuditRow) -> dict[str, object]:
    of_it = [f"{one.name}: {one.before} \u2192 {one.after}" for one in written_down.changes(line)]
    same = {name: getattr(line, name) for name in _LISTED.columns if hasattr(line, name)}
    return same | {"who": who(line), "what": what(line), "changes": of_it}


def _typed() -> dict[str, str]:
    typed = {name: request.args.get(name, "").strip()[:FILTER_CHARS_MAX] for name in _FILTERS}
    return typed | {"since": request.args.get("since", "").strip()}


def _filters() -> dict[str, object]:
    typed = _typed()
    filters: dict[str, object] = {
        column: typed[name] for name, column in _FILTERS.items() if typed[name]
    }
    return filters | ({"since": _start(typed["since"])} if typed["since"] else {})


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[AuditRow]:
    del desk
    return reads.page(session, _filters(), wanted)


@screens.get("/audit", Role.ADMIN)
@offers_csv(_LISTED, _rows)
def list_audit(desk: Desk) -> Response:
    """What was done, the last first."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        checked = reads.checked(session)
        names = dict(screens_people.everybody(session))
        things = subjects.told(session, {line.subject for line in page.data})
    return desk.page(
        "audit.html",
        lines=page.data,
        typed=_typed(),
        is_filtered=bool(_filters()),
        checked=checked,
        names=names,
        older=paging.next_page(page.next_cursor),
        changes=written_down.teller(things),
        **_wording(),
    )


@screens.get("/audit/<line_id>", Role.ADMIN)
def show_audit_line(desk: Desk, line_id: str) -> Response:
    """One line with its seal, and the way to erase its words."""
    return _show(desk, line_id)


@screens.post("/audit/<line_id>/erase", Role.ADMIN)
def erase_words(desk: Desk, line_id: str) -> Response:
    """Take away before, after and why. The line and the chain stay."""
    why = request.form.get("why", "")
    try:
        desk.do(lambda work: audit.erase(work, line_id, why=why))
    except Invalid as error:
        return _show(desk, line_id, status=422, error=errors.sentence(error))
    return go("show_audit_line", line_id=line_id)


def _show(desk: Desk, line_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        line = reads.one(session, line_id)
        names = dict(screens_people.everybody(session))
        things = subjects.told(session, [line.subject])
    return desk.page(
        "audit_line.html",
        status=status,
        line=line,
        names=names,
        error=error,
        why_chars_max=REASON_CHARS_MAX,
        changes=written_down.teller(things, most=None),
        **_wording(),
    )


def _wording() -> dict[str, Any]:
    return {"who": who, "what": what, "page_of": page_of}


def who(line: AuditRow) -> str:
    """Who did it, as people call them today."""
    match line.cause.kind:
        case "person":
            return line.name or "Somebody"
        case "api_key":
            return f"Key {line.name or line.cause.id}"
        case "command":
            return f"Command {line.cause.id}"
        case "browser":
            return "Somebody not signed in"
        case _:
            return "Reconciler"


def what(line: AuditRow) -> str:
    """`refund.approved` as `Refund approved`."""
    if line.action in _PLAIN:
        return _PLAIN[line.action]
    return line.action.replace(".", " ").replace("_", " ").capitalize()


def page_of(subject: str) -> tuple[str, dict[str, str]] | None:
    """The page about a subject, if it has one."""
    if "/" in subject:  # a movement, by the key of its entries
        return "show_suspense", {"subject": subject}
    found = _PAGES.get(subject.partition("_")[0]) if "_" in subject else None
    return (found[0], {found[1]: subject}) if found else None


def _start(typed: str) -> datetime:
    try:
        return datetime.combine(parse_day(typed), time(), UTC)
    except (ValueError, OverflowError):
        raise Invalid("Write the day like 2026-11-22", field="since") from None
