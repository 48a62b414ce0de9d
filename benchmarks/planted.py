"""Two sides of a comparison that differ exactly where it is known, of any size.

One record in a thousand is spoilt on one side, each of six ways in turn, at a place that only the
seed tells. Both sides are made by the program's own rules (`view_of_movement`), so what is written
and what is compared is what a run has. Nothing of them is kept in memory.
"""

import marshal
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path

import msgspec
from sqlmodel import Session

from reconciler.books.observations import BalanceFact
from reconciler.books.payouts import Movement
from reconciler.books.rail_objects import ObjectKind, View, view_of_movement
from reconciler.books.reconciliation import Difference
from reconciler.store import rail_objects
from reconciler.store.reconciliation_rows import Row

RAIL, ACCOUNT, KIND = "stripe", "own", ObjectKind.MOVEMENT
BEGINS = 1_760_000_000
BLOCK = 5_000
EVERY = 1_000  # of so many records one is spoilt
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Fault(StrEnum):
    """How a record is spoilt."""

    NEVER_HEARD = "never heard"
    NOT_AT_THE_RAIL = "not at the rail"
    GROSS = "gross"
    FEE = "fee"
    CURRENCY = "currency"
    CATEGORY = "category"


# What a run calls it. A movement is compared by its net, in which gross and fee are both.
CALLED = {
    Fault.NEVER_HEARD: Difference.MISSING_HERE,
    Fault.NOT_AT_THE_RAIL: Difference.MISSING_THERE,
    Fault.GROSS: Difference.AMOUNT,
    Fault.FEE: Difference.AMOUNT,
    Fault.CURRENCY: Difference.CURRENCY,
    Fault.CATEGORY: Difference.STATE,
}


@dataclass(frozen=True)
class Planted:
    """`size` records on both sides, and what of them differs."""

    size: int
    seed: int = 42

    @property
    def faults(self) -> dict[int, Fault]:
        """Which records are spoilt, and how."""
        draw, kinds = random.Random(self.seed), list(Fault)
        return {
            block * EVERY + draw.randrange(EVERY): kinds[block % len(kinds)]
            for block in range(self.size // EVERY)
        }

    @property
    def differences(self) -> dict[str, Difference]:
        """What a comparison has to find: nothing else, and none under another name."""
        return {_record(number).id: CALLED[fault] for number, fault in self.faults.items()}

    @property
    def since(self) -> int:
        """The rail's second of the first record."""
        return BEGINS

    @property
    def until(self) -> int:
        """The second after the last one."""
        return _made(self.size) + 1

    def shown(self) -> Iterator[View]:
        """What the rail lists, the newest first."""
        faults = self.faults
        for number in range(self.size - 1, -1, -1):
            if faults.get(number) is not Fault.NOT_AT_THE_RAIL:
                yield _view(_record(number))

    def known(self) -> Iterator[View]:
        """What is here, as it was booked: the oldest first, spoilt where it is planted."""
        faults = self.faults
        for number in range(self.size):
            fault = faults.get(number)
            if fault is not Fault.NEVER_HEARD:
                yield _view(_spoilt(_record(number), fault))


def write(planted: Planted, path: Path) -> None:
    """What the rail lists as a file, in blocks that are read again at little cost."""
    with path.open("wb") as file:
        shown = ((view.id, view.amount, view.currency, view.state) for view in planted.shown())
        while block := list(islice(shown, BLOCK)):
            packed = marshal.dumps(block)
            file.write(len(packed).to_bytes(4))
            file.write(packed)


class Reader:
    """The file again. What reading takes (`seconds`) is the rail's time, not comparing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = 0.0

    def pages(self, rows: int) -> Iterator[Iterator[Row]]:
        """So many rows at a time."""
        read = chain.from_iterable(self._blocks())
        for first in read:
            yield chain([first], islice(read, rows - 1))

    def _blocks(self) -> Iterator[list[Row]]:
        with self._path.open("rb") as file:
            while length := int.from_bytes(file.read(4)):
                begun = time.perf_counter()
                block = marshal.loads(file.read(length))  # noqa: S302  this script wrote it
                self.seconds += time.perf_counter() - begun
                yield block


def put(session: Session, known: Iterator[View]) -> int:
    """Write some of what is here, the way the books write it; gives how many."""
    block = [(RAIL, ACCOUNT, None, view) for view in islice(known, BLOCK)]
    rail_objects.put(session, block)
    return len(block)


def _record(number: int) -> BalanceFact:
    is_refund = number % 5 == 0
    amount = 1_000 + number * 7_919 % 250_000
    return BalanceFact(
        id=f"txn_3{_made(number):x}LkdIwHu7ix{_tail(number)}",
        amount=-amount // 3 if is_refund else amount,
        fee=0 if is_refund else amount * 29 // 1_000 + 30,
        currency="USD",
        category="refund" if is_refund else "charge",
        created=_made(number),
    )


def _spoilt(record: BalanceFact, fault: Fault | None) -> BalanceFact:
    changes: dict[Fault | None, dict[str, object]] = {
        Fault.GROSS: {"amount": record.amount + 1},
        Fault.FEE: {"fee": record.fee + 1},
        Fault.CURRENCY: {"currency": "EUR"},
        Fault.CATEGORY: {"category": "other_adjustment"},
    }
    return msgspec.structs.replace(record, **changes.get(fault, {}))


def _view(record: BalanceFact) -> View:
    return view_of_movement(Movement(rail=RAIL, account=ACCOUNT, row=record, kind=record.category))


def _made(number: int) -> int:
    return BEGINS + number // 20


def _tail(number: int) -> str:
    rest, tail = number * 131_071_213_777 % 62**8, ""
    for _ in range(8):
        rest, at = divmod(rest, 62)
        tail += _LETTERS[at]
    return tail
