"""The terms of deposits: kept with them, and how each stands under its own on a day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import deposit_terms as rules, texts
from reconciler.books.deposit_terms import DepositTerms, Stand
from reconciler.errors import Forbidden
from reconciler.money import shown
from reconciler.store.deposits import Deposit
from reconciler.work import Work

WHY_CHARS_MAX = 500

# The last day on which money came for it, by the rail's clock or the receipt.
_STANDS = sa.text(
    """select d.id, d.received, d.applied, d.forfeited, d.refunded, d.work_began_on,
      d.forfeit_once_begun, d.forfeit_within_days, d.forfeit_kept,
      (select max((p.occurred_at at time zone 'UTC')::date) from allocation a
        join payment p on p.id = a.payment_id
        where a.deposit_id = d.id and a.closed_at is null and a.gross > 0) as paid_on
    from deposit d where d.id = any(:ids) and d.forfeit_kept is not null"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What of a deposit's rest its terms keep, in minor units, and why.

    `forfeited` is what was kept as income before; the terms may keep no more than that.
    """

    amount: int
    why: str
    forfeited: int = 0


def of(deposit: Deposit) -> DepositTerms | None:
    """The terms of a deposit, if it has any."""
    if deposit.forfeit_kept is None:
        return None
    return DepositTerms(
        once_begun=deposit.forfeit_once_begun,
        within_days=deposit.forfeit_within_days,
        kept=deposit.forfeit_kept,
    )


def put(deposit: Deposit, terms: DepositTerms | None) -> None:
    """Let these be its terms."""
    deposit.forfeit_once_begun = terms.once_begun if terms else False
    deposit.forfeit_within_days = terms.within_days if terms else None
    deposit.forfeit_kept = terms.kept if terms else None


def held_back(session: Session, ids: Collection[str], today: date) -> dict[str, HeldBack]:
    """Of which of these deposits something may be kept under its terms now."""
    kept = kept_or_forfeited(session, ids, today)
    return {one: held for one, held in kept.items() if held.amount}


def kept_or_forfeited(session: Session, ids: Collection[str], today: date) -> dict[str, HeldBack]:
    """Of which of these deposits something may be kept now, or is income already."""
    found: dict[str, HeldBack] = {}
    for row in session.execute(_STANDS, {"ids": list(ids)}) if ids else ():
        terms = DepositTerms(
            once_begun=row.forfeit_once_begun,
            within_days=row.forfeit_within_days,
            kept=row.forfeit_kept,
        )
        at = Stand(
            received=row.received,
            applied=row.applied,
            refunded=row.refunded,
            paid_on=row.paid_on,
            begun_on=row.work_began_on,
            today=today,
        )
        amount, why = rules.kept(terms, at), rules.why_forfeited(terms, at)
        if amount or row.forfeited:
            words = why or "it was kept as income"
            found[row.id] = HeldBack(amount=amount, why=words, forfeited=row.forfeited)
    return found


def kept_in_words(amount: int, currency: str, why: Collection[str]) -> str:
    """Why so much less may be refunded, for whoever asks; nothing where nothing is kept."""
    if not amount:
        return ""
    return f"{shown(amount, currency)} is kept under the deposit's terms: {', '.join(why)}"


def override(work: Work, said: str | None) -> str | None:
    """Why terms are set aside. Raises Forbidden for a program, Invalid for no words."""
    if said is None:
        return None
    if work.cause.kind == "api_key":
        raise Forbidden("a person sets a deposit's terms aside, with a reason; a key is no person")
    return texts.line(said, field="terms_override", chars_max=WHY_CHARS_MAX)
