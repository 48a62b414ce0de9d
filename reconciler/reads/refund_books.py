"""What refunds did to documents and accounts, and what those still to come will do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.allocations import Take, Treatment
from reconciler.reads import refund_splits
from reconciler.reads.refunds import LegRow, RefundRow


class Fate(StrEnum):
    """Whether a leg is in the books."""

    POSTED = "posted"
    TO_COME = "to_come"
    STOPPED = "stopped"  # it did not arrive, and nobody has said yet how it goes on


@dataclass(frozen=True, slots=True)
class Part:
    """One leg: what of it comes off which invoice or deposit. The rest was nobody's yet."""

    leg: LegRow
    fate: Fate
    targets: Mapping[str, int]

    @property
    def unapplied(self) -> int:
        """What of it no document loses, in minor units."""
        return self.leg.amount - sum(self.targets.values())


@dataclass(frozen=True, slots=True)
class Document:
    """What a refund comes off, as it stands. Minor units.

    `owed` is what an invoice is for after its credit notes, `left` what is open on it; of a
    deposit, `left` is what of it is not used.
    """

    id: str
    name: str
    is_deposit: bool
    owed: int
    left: int


@dataclass(frozen=True, slots=True)
class Net:
    """What a refund's entries come to on one account, debits less credits, in minor units."""

    role: str
    rail: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class RefundBooks:
    """A refund in the books. `posted` is empty if nothing ever was, all 0 if it was taken back."""

    parts: Sequence[Part]
    documents: Mapping[str, Document]
    posted: Sequence[Net]

    def of(self, *fates: Fate) -> list[Part]:
        """The legs that stand so."""
        return [part for part in self.parts if part.fate in fates]

    @property
    def comes_off(self) -> list[tuple[Document, int]]:
        """Each document with what it loses, in minor units."""
        found: dict[str, int] = {}
        for part in self.parts:
            for target, amount in part.targets.items():
                found[target] = found.get(target, 0) + amount
        return [(self.documents[one], much) for one, much in found.items()]


_OVER = frozenset({"canceled", "rejected"})
_DOCUMENTS = sa.text(
    """select id, number as name, false as is_deposit, total - credited as owed,
      outstanding as left from invoice where id = any(:ids)
    union all select id, code, true, received - refunded, received - applied - refunded
      from deposit where id = any(:ids)"""
)
_TARGETS = sa.text("select id, target_id from refund_leg where id = any(:ids)")
# Of every leg that there ever was: what a rail carried out after all is in the books, too.
_POSTED = sa.text(
    """select l.refund_id, a.role, a.rail, sum(t.amount)::bigint as amount
    from refund_leg l join payment p on p.id = l.payment_id
      join journal_entry e on e.payment_id = l.payment_id and starts_with(
        e.key, p.rail || '/' || p.rail_payment_id || '/refund/' || l.rail_refund_id || '/')
      join posting t on t.entry_id = e.id join ledger_account a on a.id = t.account_id
    where l.refund_id = any(:ids) and l.rail_refund_id is not null
    group by l.refund_id, a.id order by a.role, a.rail"""
)


def of(session: Session, refunds: Collection[RefundRow]) -> dict[str, RefundBooks]:
    """By the refund's id."""
    legs = [(refund, leg) for refund in refunds for leg in refund.legs]
    took = refund_splits.of_payments(session, {leg.payment_id for _, leg in legs})
    asked_of = session.execute(_TARGETS, {"ids": [leg.id for _, leg in legs]})
    targets = {row.id: row.target_id for row in asked_of}
    waiting = {
        leg.id: (leg.payment_id, Take(leg.amount, Treatment(refund.treatment), targets[leg.id]))
        for refund, leg in legs
        if leg.status not in _OVER and leg.rail_refund_id not in took
    }
    to_come = refund_splits.to_come(session, waiting)
    parts: dict[str, list[Part]] = {refund.id: [] for refund in refunds}
    for refund, leg in legs:
        if leg.rail_refund_id in took:
            off = {p.invoice_id or p.deposit_id or "": p.amount for p in took[leg.rail_refund_id]}
            parts[refund.id].append(Part(leg, Fate.POSTED, _of_its_own(refund, off)))
        elif leg.id in to_come:
            part = Part(leg, _fate(leg), _of_its_own(refund, to_come[leg.id]))
            parts[refund.id].append(part)
    documents = _documents(session, (part for found in parts.values() for part in found))
    posted: dict[str, list[Net]] = {}
    for row in session.execute(_POSTED, {"ids": list(parts)}):
        posted.setdefault(row.refund_id, []).append(Net(row.role, row.rail, row.amount))
    return {
        refund_id: RefundBooks(found, documents, posted.get(refund_id, []))
        for refund_id, found in parts.items()
    }


def _fate(leg: LegRow) -> Fate:
    is_stopped = leg.status == "failed" or (leg.status == "manual" and not leg.is_for_people)
    return Fate.STOPPED if is_stopped else Fate.TO_COME


def _of_its_own(refund: RefundRow, targets: Mapping[str, int]) -> Mapping[str, int]:
    """What is asked back of an invoice comes off that, through whichever deposit it was paid."""
    total = sum(targets.values())
    return {refund.invoice_id: total} if refund.invoice_id and total else targets


def _documents(session: Session, parts: Iterable[Part]) -> dict[str, Document]:
    ids = {target for part in parts for target in part.targets}
    rows = session.execute(_DOCUMENTS, {"ids": list(ids)})
    return {row.id: Document(**row._asdict()) for row in rows}
