"""Runs: begun, held by one worker at a time, carried on by another, finished.

What a run finds is written down in the transaction that heals it, so that a crash in between
finds it again and a record never tells of what did not happen.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler import ids
from reconciler.books import reconciliation as rules
from reconciler.books.reconciliation import Difference, Window
from reconciler.errors import Conflict, Invalid
from reconciler.services import audit, discrepancies
from reconciler.services.discrepancies import Found
from reconciler.store import reconciliation_rows as rows
from reconciler.store.reconciliation_rows import Place
from reconciler.timestamps import to_epoch
from reconciler.work import Cause, Task, Work

LEASE = timedelta(minutes=3)  # a page and its healing take seconds
PUT_OFF = timedelta(minutes=1)
OWN = "own"  # how our own account of a rail is called
WINDOW, OPEN_ITEMS, BACKFILL = "window", "open_items", "backfill"
OPEN_PAYOUTS, PAYOUT_LINES = "open_payouts", "payout_lines"
# Steps that put no rows beside ours, and are no kind of object that could be complete.
_WITHOUT_ROWS = frozenset({OPEN_ITEMS, OPEN_PAYOUTS, PAYOUT_LINES})

_START = sa.text(
    """insert into reconciliation_run (id, rail, account, purpose, since, until, state, cause_kind,
      cause_id, started_at, lease_until)
    values (:id, :rail, :account, :purpose, :since, :until, 'running', :cause_kind, :cause_id,
      :now, :lease) on conflict (rail, account) where state = 'running' do nothing returning id"""
)
_TAKE = sa.text(
    """update reconciliation_run set lease_until = :lease, lease_token = :token
    where id = (select id from reconciliation_run
      where state = 'running' and (id = cast(:id as text) and lease_token is null
        or lease_until <= :now)
      order by started_at limit 1 for update skip locked)
    returning id, rail, account, purpose, since, until, cause_kind, cause_id"""
)
_RENEW = sa.text(
    """update reconciliation_run set lease_until = :lease
    where id = :id and state = 'running' and lease_token = :token returning id"""
)
_PUT_OFF = sa.text(
    """update reconciliation_run set lease_until = :lease, error = :why
    where id = :id and state = 'running' and lease_token = :token"""
)
_STEP = sa.text(
    """insert into reconciliation_step (run_id, kind) values (:run, :kind)
    on conflict (run_id, kind) do update set kind = excluded.kind
    returning cursor, rows, pages, is_complete"""
)
_STEPPED = sa.text(
    """update reconciliation_step set cursor = :cursor, pages = pages + 1, rows = rows + :rows,
      matched = matched + :matched, healed = healed + :healed
    where run_id = :run and kind = :kind"""
)
_STEP_ENDED = sa.text(
    "update reconciliation_step set is_complete = true where run_id = :run and kind = :kind"
)
_STEP_ANEW = sa.text(
    """update reconciliation_step set cursor = null, pages = 0, rows = 0, matched = 0
    where run_id = :run and kind = :kind"""
)
_AGREED = sa.text(
    """update reconciliation_step set matched = matched + 1 where run_id = :run and kind = :kind"""
)
_FINISH = sa.text(
    """update reconciliation_run r set state = 'done', finished_at = :now, error = null,
      drift = cast(:drift as jsonb), checked = s.rows, matched = s.matched,
      healed = s.healed + d.healed, unhealed = d.unhealed
    from (select coalesce(sum(rows), 0) as rows, coalesce(sum(matched), 0) as matched,
        coalesce(sum(healed), 0) as healed
      from reconciliation_step where run_id = :run) s,
      (select count(*) filter (where is_healed and is_looked_at) as healed,
        count(*) filter (where not is_healed) as unhealed
      from reconciliation_discrepancy where run_id = :run) d
    where r.id = :run and r.state = 'running'"""
)
_COMPLETE = sa.text("select kind from reconciliation_step where run_id = :run and is_complete")
_FAIL = sa.text(
    """update reconciliation_run set state = 'failed', finished_at = :now, error = :error
    where id = :run and state = 'running'"""
)
_MARKS = sa.text(
    """select kind, complete_until from reconciliation_mark
    where rail = :rail and account = :account"""
)
_KNOWN_SINCE = sa.text(
    """select min(complete_since) from reconciliation_mark
    where rail = :rail and account = :account"""
)
_MARK = sa.text(
    """insert into reconciliation_mark
      (rail, account, kind, complete_since, complete_until, run_id, at)
    values (:rail, :account, :kind, :since, :until, :run, :now)
    on conflict (rail, account, kind) do update set complete_until = excluded.complete_until,
      complete_since = least(reconciliation_mark.complete_since, excluded.complete_since),
      run_id = excluded.run_id, at = excluded.at"""
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that somebody holds."""

    id: str
    rail: str
    account: str
    purpose: str
    window: Window
    cause: Cause
    token: str  # of whoever holds it: a holder that slept too long writes nothing more

    def at(self, kind: str) -> Place:
        """Where objects of a kind are compared in it."""
        return Place(self.id, self.rail, self.account, kind)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a kind has come: the pages that were compared, and what leads to the next."""

    cursor: str | None
    pages: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a page: all its rows, those that agreed, those that were healed at once.

    What was healed by a look of its own is a discrepancy that says so, and is counted there.
    """

    rows: int
    matched: int
    healed: int = 0


def start(
    work: Work,
    rail: str,
    account: str,
    window: Window,
    *,
    purpose: str = WINDOW,
    is_held: bool = False,
) -> str:
    """Begin a run over [since, until); gives its id. A worker carries it out.

    Unless it `is_held`, by a caller who carries it out at once: workers leave it alone for a while.

    Raises Invalid for an empty window or one that is not past yet, and Conflict while another run
    of the account is under way.
    """
    if window.until > work.now:
        raise Invalid("until is still to come: only what is past can be complete", field="until")
    if window.since >= window.until:
        raise Invalid("since is not before until", field="since")
    run_id = ids.new_id("run")
    given = {
        "id": run_id,
        "rail": rail,
        "account": account,
        "purpose": purpose,
        "since": window.since,
        "until": window.until,
        "cause_kind": work.cause.kind,
        "cause_id": work.cause.id,
        "now": work.now,
        "lease": work.now + LEASE if is_held else work.now,
    }
    if work.session.execute(_START, given).first() is None:
        raise Conflict("a run over this rail's account is under way; let it finish first")
    audit.note(
        work,
        "reconciliation.started",
        run_id,
        after={"rail": rail, "since": window.since.isoformat(), "until": window.until.isoformat()},
    )
    if not is_held:
        work.nudge(Task.RECONCILE)
    return run_id


def take_waiting(work: Work, run_id: str | None = None) -> Run | None:
    """Hold a run that nobody holds, or the one that was begun held; None if there is none."""
    token = ids.new_id("lse")
    given = {"now": work.now, "lease": work.now + LEASE, "token": token, "id": run_id}
    row = work.session.execute(_TAKE, given).first()
    if row is None:
        return None
    window = Window(row.since, row.until)
    cause = Cause(row.cause_kind, row.cause_id)
    return Run(row.id, row.rail, row.account, row.purpose, window, cause, token)


def let_go(work: Work, run: Run) -> None:
    """Let another job carry on from here."""
    work.session.execute(_RENEW, {"id": run.id, "lease": work.now, "token": run.token})
    work.nudge(Task.RECONCILE)


def put_off(work: Work, run: Run, why: str) -> None:
    """The rail cannot be had now: somebody tries again in a while, and until then it says `why`."""
    given = {"id": run.id, "lease": work.now + PUT_OFF, "token": run.token, "why": why[:500]}
    work.session.execute(_PUT_OFF, given)


def step(work: Work, run: Run, kind: str) -> Step:
    """How far a kind has come. Begun anew where a crash of the server took its rows along."""
    row = work.session.execute(_STEP, {"run": run.id, "kind": kind}).one()
    place = run.at(kind)
    is_broken = kind not in _WITHOUT_ROWS and rows.count(work.session, place) != row.rows
    if not row.is_complete and is_broken:
        rows.drop(work.session, place)
        work.session.execute(_STEP_ANEW, {"run": run.id, "kind": kind})
        return Step(None, 0, is_complete=False)
    return Step(row.cursor, row.pages, row.is_complete)


def stepped(work: Work, run: Run, kind: str, cursor: str | None, counted: Counted) -> None:
    """A page is done, and `cursor` leads to the next. Raises Conflict if the run is another's."""
    renew(work, run)
    work.session.execute(
        _STEPPED, {"run": run.id, "kind": kind, "cursor": cursor, **asdict(counted)}
    )


def step_ended(work: Work, run: Run, kind: str) -> None:
    """All of a kind was shown: what we know besides is doubtful."""
    renew(work, run)
    window = run.window
    if kind == rows.EVENTS:
        _doubt_events(work, run)
    for pair in rows.surplus(work.session, run.at(kind), window.since, window.until):
        discrepancies.note(work, run.id, discrepancies.doubt(kind, pair))
    step_done(work, run, kind)


def _doubt_events(work: Work, run: Run) -> None:
    """What is kept here as the rail's word and was not listed: it may be nobody's."""
    since = to_epoch(events_since(work, run))
    until = to_epoch(run.window.until)
    most = discrepancies.QUESTIONS_MAX
    place = run.at(rows.EVENTS)
    for event_id, kind, payment_id in rows.unlisted(work.session, place, since, until, most):
        found = Found(
            rows.EVENTS,
            event_id,
            Difference.MISSING_THERE,
            is_healed=False,
            is_looked_at=False,
            payment_id=payment_id,
            note=kind,
        )
        discrepancies.note(work, run.id, found)


def events_since(work: Work, run: Run) -> datetime:
    """From when on the rail can tell which events it made: it forgets the older ones."""
    return max(run.window.since, work.now - rules.EVENTS_LISTED)


def step_done(work: Work, run: Run, kind: str) -> None:
    """Nothing of this kind is left to read."""
    work.session.execute(_STEP_ENDED, {"run": run.id, "kind": kind})


def agreed(work: Work, run: Run, found: Found) -> None:
    """The two sides of a doubt agree after all."""
    discrepancies.drop(work, run.id, found)
    if found.difference is not Difference.MISSING_THERE:
        work.session.execute(_AGREED, {"run": run.id, "kind": found.kind})


def renew(work: Work, run: Run) -> None:
    """Hold it for longer. Raises Conflict if the run is another's by now, or over."""
    given = {"id": run.id, "lease": work.now + LEASE, "token": run.token}
    if work.session.execute(_RENEW, given).first() is None:
        raise Conflict("the run is carried on by another worker, or is over")


def finish(work: Work, run: Run, drift: dict[str, int]) -> None:
    """Close a run, move the marks of what it read whole, and ask people about what is left.

    `drift` is the rail's balance less ours, by currency in minor units; nothing is left out.
    """
    renew(work, run)
    given = {"run": run.id, "now": work.now, "drift": msgspec.json.encode(drift).decode()}
    work.session.execute(_FINISH, given)
    rows.drop_all(work.session, run.id)
    kinds = _complete_kinds(work, run)
    for kind in kinds:
        _move_mark(work, run, kind)
    discrepancies.ask(work, run.id)
    window = {"since": run.window.since, "until": run.window.until, "kinds": kinds}
    window |= {"heard_since": to_epoch(events_since(work, run))}
    window |= {"heard_until": to_epoch(run.window.until)}
    whose = {"rail": run.rail, "account": run.account}
    discrepancies.settle_in(work, run.id, whose | window)


def fail(work: Work, run: Run, error: str) -> None:
    """Give a run up; its window stays open, and the next run covers it."""
    work.session.execute(_FAIL, {"run": run.id, "error": error[:500], "now": work.now})
    rows.drop_all(work.session, run.id)


def marks(session: Session, rail: str, account: str) -> dict[str, datetime]:
    """Up to when nothing is missing, by kind."""
    found = session.execute(_MARKS, {"rail": rail, "account": account})
    return {row.kind: row.complete_until for row in found}


def known_since(session: Session, rail: str, account: str) -> datetime | None:
    """From when on anything was ever compared; None before the first run is over."""
    given = {"rail": rail, "account": account}
    found: datetime | None = session.scalar(_KNOWN_SINCE, given)
    return found


def _complete_kinds(work: Work, run: Run) -> list[str]:
    if run.purpose == OPEN_ITEMS:
        return []  # it read some of everything, and all of nothing
    done = work.session.scalars(_COMPLETE, {"run": run.id})
    return [kind for kind in done if kind not in _WITHOUT_ROWS]


def _move_mark(work: Work, run: Run, kind: str) -> None:
    known = marks(work.session, run.rail, run.account).get(kind)
    until = rules.advanced(known, run.window)
    if until == known:
        return
    given = {"rail": run.rail, "account": run.account, "kind": kind, "now": work.now}
    given |= {"since": run.window.since, "until": until, "run": run.id}
    work.session.execute(_MARK, given)
