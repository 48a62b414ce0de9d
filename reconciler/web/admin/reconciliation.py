"""Runs: up to when nothing is missing, what is planned, what each run found; and one begun now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from flask import Response, request

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.people import Role
from reconciler.books.reconciliation import IN_WORDS, LAG, Difference, Window
from reconciler.errors import Conflict, Refused
from reconciler.reads import rail_balances, reconciliation as reads, screens_people
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.reconciliation import Complete, DiscrepancyRow, Progress, RunRow, Turn
from reconciler.services import reconciliation
from reconciler.services.reconciliation import OPEN_ITEMS, OPEN_PAYOUTS
from reconciler.services.run_plans import KINDS, PLANS, Plan
from reconciler.web import forms
from reconciler.web.admin import errors, paging, plain_words, question_words, timeline, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()

BACK = timedelta(days=7)  # how far back a run reads if nobody says otherwise
LINES_MAX = 100  # of one difference on a page; the rest is in the API
REFRESH_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """One kind of a rail's objects, and from when up to when nothing of it is missing."""

    rail: str
    kind: str
    complete: Complete | None
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for one rail: when it began a run last, and when it does next."""

    rail: str
    plan: Plan
    last: datetime | None
    next: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A discrepancy, with both sides in words."""

    found: DiscrepancyRow
    there: str
    here: str
    became: words.Pill
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Everything of a run with which the same is the matter."""

    title: str
    number: int
    left: int
    lines: list[Line]


_LISTED = Listed(
    "runs",
    (
        "id", "rail", "purpose", "since", "until", "status", "checked", "matched", "healed",
        "unhealed", "drift", "error", "by", "started_at", "finished_at",
    ),
    told=lambda _, run: (_told(run),),
)  # fmt: skip


def _told(run: RunRow) -> dict[str, object]:
    """A run as a row of a file."""
    return {name: getattr(run, name) for name in _LISTED.columns if name != "by"} | {
        "by": f"{run.cause.kind} {run.cause.id}"
    }


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[RunRow]:
    del desk
    return reads.page(session, {}, wanted, shown=0)


@screens.get("/reconciliation")
@offers_csv(_LISTED, _rows)
def list_runs(desk: Desk) -> Response:
    """Up to when nothing is missing, what is planned, and the runs, the last begun first."""
    return _list(desk)


@screens.post("/reconciliation", Role.RECONCILER)
def start_run(desk: Desk) -> Response:
    """Begin a run from a day on, up to now."""
    try:
        rail = forms.choice(request.form, "rail", _rails(desk), ask="Choose a payment provider")
        since = datetime.combine(forms.day(request.form, "since"), time(), UTC)
        window = Window(since, desk.now - LAG)
        run_id = desk.do(lambda work: reconciliation.start(work, rail, reconciliation.OWN, window))
    except Conflict as error:
        return _list(desk, status=409, error=errors.sentence(error))
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return go("show_run", run_id=run_id)


@screens.get("/reconciliation/<run_id>")
def show_run(desk: Desk, run_id: str) -> Response:
    """One run: how far it has come, and what it found."""
    with desk.runtime.read() as session:
        run = reads.one(session, run_id)
        steps = reads.progress(session, run_id)
        asked = reads.asked(session, run_id)
        names = screens_people.names(session, _people([run]))
    is_running = run.status == "running"
    return desk.page(
        "run.html",
        run=run,
        by=timeline.who(run.cause, names),
        steps=_steps(run, steps),
        groups=_groups(run, asked),
        is_capped=len(run.discrepancies) == reads.SHOWN_MAX,
        refresh=REFRESH_SECONDS if is_running and "still" not in request.args else None,
    )


def _list(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        complete = reads.complete(session)
        turns = reads.turns(session)
        held = rail_balances.balances(session)
        names = screens_people.names(session, _people(page.data))
    rails = _rails(desk)
    return desk.page(
        "runs.html",
        status=status,
        lines=[(run, timeline.who(run.cause, names)) for run in page.data],
        marks=[mark for rail in rails for mark in _marks(rail, complete, desk.now)],
        plans=[plan for rail in rails for plan in _planned(rail, turns, desk.now)],
        below_zero=[one for one in held if one.is_below_zero],
        rails=rails,
        rail=request.form.get("rail", ""),
        since=request.form.get("since") or (desk.today - BACK).isoformat(),
        error=error,
        older=paging.next_page(page.next_cursor),
    )


def _rails(desk: Desk) -> list[str]:
    """Those with something to compare with."""
    return [rail for rail in desk.runtime.rails if rail != MANUAL_RAIL]


def _people(runs: Iterable[RunRow]) -> set[str]:
    return {run.cause.id for run in runs if run.cause.kind == "person"}


def _marks(rail: str, complete: Iterable[Complete], now: datetime) -> list[Mark]:
    known = {one.kind: one for one in complete if one.rail == rail}
    return [
        Mark(rail, kind, one, one is not None and words.is_behind(one.until, now))
        for kind in KINDS
        for one in [known.get(kind)]
    ]


def _planned(rail: str, turns: dict[str, Turn], now: datetime) -> list[Planned]:
    made = []
    for plan in PLANS:
        turn = turns.get(plan.job(rail))
        due = plan.due_at(turn.tick if turn else None, now)
        made.append(Planned(rail, plan, turn.at if turn else None, due))
    return made


def _steps(run: RunRow, known: dict[str, Progress]) -> list[tuple[str, Progress | None]]:
    kinds = (OPEN_ITEMS, OPEN_PAYOUTS) if run.purpose == OPEN_ITEMS else KINDS
    return [(kind, known.get(kind)) for kind in kinds]


def _groups(run: RunRow, asked: frozenset[str]) -> list[Group]:
    """What the run found, by what is the matter; what is left comes first in each."""
    groups = []
    for difference in Difference:
        found = [one for one in run.discrepancies if one.kind == difference]
        if found:
            text = plain_words.plain(IN_WORDS[difference])
            groups.append(
                Group(
                    text[:1].upper() + text[1:],
                    len(found),
                    sum(not one.healed for one in found),
                    [_line(run, one, asked) for one in found[:LINES_MAX]],
                )
            )
    return groups


def _line(run: RunRow, found: DiscrepancyRow, asked: frozenset[str]) -> Line:
    there = question_words.side(found.expected, found.actual)
    here = question_words.side(found.actual, found.expected)
    return Line(found, there, here, _became(run, found), found.rail_object in asked)


def _became(run: RunRow, found: DiscrepancyRow) -> words.Pill:
    if found.healed:
        return words.Pill("Healed", "pos")
    if run.status == "running":
        return words.Pill("To be looked at", "info")
    return words.Pill("Left for a person", "warn")
