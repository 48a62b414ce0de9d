"""A deposit that was asked for: its work begins, or it is asked for no more, or again.

What is asked for no more is not reminded of, and no page to pay on is made for it. Money that comes
all the same is taken as ever.
"""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import texts
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.money import shown
from reconciler.services import audit, deposits, pay_links
from reconciler.store.deposits import Deposit
from reconciler.work import Work

WHY_CHARS_MAX = 300
BATCH_MAX = 100
_UNPAID = """deposit d where d.received = 0 and d.ended_at is null
      and not exists (select 1 from payment p where p.bound_for = d.id and p.on_its_way > 0)"""
_WITHOUT_A_DAY = sa.text(
    f"""select d.id, greatest(coalesce(d.due_on, d.taken_on), :today) as since
    from {_UNPAID} and d.expires_on is null order by d.id limit {BATCH_MAX}"""
)
_OVER = sa.text(
    f"select d.id from {_UNPAID} and d.expires_on < :today order by d.id limit {BATCH_MAX}"
)
_IS_OVER = sa.text(f"select 1 from {_UNPAID} and d.expires_on < :today and d.id = :id")


def begin_work(work: Work, deposit_id: str, on: date | None, *, rev: int | None = None) -> None:
    """The work that it was paid for began on a day; None takes that back.

    From that day on its terms may keep it. Raises NotFound, Conflict for an old rev, Invalid for a
    day to come.
    """
    deposit = _locked(work, deposit_id, rev)
    if on is not None and on > work.now.date():
        raise Invalid("work that is to begin has not begun", field="work_began_on")
    if deposit.forfeited and (on is None or on > (deposit.work_began_on or work.now.date())):
        kept = shown(deposit.forfeited, deposit.currency)
        raise Refused(f"{kept} of it is kept because work began: hold that again first", field="on")
    before, deposit.work_began_on = deposit.work_began_on, on
    was, became = {"work_began_on": before}, {"work_began_on": on}
    audit.note(work, "deposit.work_began", deposit_id, before=was, after=became)
    _keep(work, deposit)


def end(work: Work, deposit_id: str, *, why: str, rev: int | None = None) -> None:
    """Ask for it no more; a page to pay on ends. What came of it stays.

    Raises NotFound, Invalid without a reason, Conflict for an old rev, Refused where all of it has
    come or it has ended.
    """
    reason = texts.line(why, field="why", chars_max=WHY_CHARS_MAX)
    deposit = _locked(work, deposit_id, rev)
    if deposit.ended_at is not None:
        raise Refused(f"deposit {deposit.code} is asked for no more already")
    if deposit.received >= deposit.amount:
        raise Refused(f"all of deposit {deposit.code} has come")
    deposit.ended_at, deposit.ended_why = work.now, reason
    audit.note(work, "deposit.ended", deposit_id, after={"left": _left(deposit)}, why=reason)
    _keep(work, deposit)
    pay_links.end_those_of(work, deposit_id, "it is asked for no more")


def give_days(work: Work, days: int) -> int:
    """Let requests without a last day have one: so many days from their due day, or from today.

    From today at least, so that nothing ends at once where the house begins with it. Gives how
    many.
    """
    rows = work.session.execute(_WITHOUT_A_DAY, {"today": work.now.date()}).all()
    for row in rows:
        deposits.patch(work, row.id, {"expires_on": row.since + timedelta(days=days)})
    return len(rows)


def over(session: Session, today: date) -> list[str]:
    """Requests of which nothing came by their last day, nor is on its way."""
    return list(session.scalars(_OVER, {"today": today}))


def end_in_time(work: Work, deposit_id: str) -> None:
    """End a request whose last day is over, if that is still so. Twice is once."""
    deposit = _locked(work, deposit_id, None)
    given = {"today": work.now.date(), "id": deposit_id}
    if work.session.scalar(_IS_OVER, given):
        end(work, deposit_id, why=f"Nothing came until {deposit.expires_on}")
    else:
        work.has_only_looked = True


def ask_again(work: Work, deposit_id: str, *, rev: int | None = None) -> None:
    """Ask for what has not come; its last day, if that is over, is its last no more.

    Raises NotFound, Conflict, Refused where it is asked for.
    """
    deposit = _locked(work, deposit_id, rev)
    if deposit.ended_at is None:
        raise Refused(f"deposit {deposit.code} is asked for")
    before = {"ended_why": deposit.ended_why, "expires_on": deposit.expires_on}
    deposit.ended_at, deposit.ended_why = None, None
    if deposit.expires_on is not None and deposit.expires_on < work.now.date():
        deposit.expires_on = None
    after = {"left": _left(deposit)}
    audit.note(work, "deposit.asked_again", deposit_id, before=before, after=after)
    _keep(work, deposit)


def _left(deposit: Deposit) -> int:
    return deposit.amount - deposit.received


def _locked(work: Work, deposit_id: str, rev: int | None) -> Deposit:
    deposit = work.session.get(Deposit, deposit_id, with_for_update={"key_share": True})
    if deposit is None:
        raise NotFound(f"there is no deposit {deposit_id}")
    if rev is not None and rev != deposit.rev:
        raise Conflict(f"deposit {deposit.code} was changed meanwhile", field="rev")
    return deposit


def _keep(work: Work, deposit: Deposit) -> None:
    deposit.rev += 1
    work.session.flush()
