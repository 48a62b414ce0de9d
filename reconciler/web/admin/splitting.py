"""The split of one payment over several targets: what was typed, and what is left of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.errors import Invalid, Refused
from reconciler.reads import screens_unmatched
from reconciler.reads.screens_payments import PaymentLine
from reconciler.reads.screens_unmatched import Suggested, Target, Wish
from reconciler.services.allocations import Part
from reconciler.web import forms
from reconciler.web.admin import words
from reconciler.web.admin.desk import Desk
from reconciler.work import Work

Step = Callable[[Work], list[str]]

ROWS_MAX = 12  # a payment over more targets is split in two sittings


@dataclass(frozen=True, slots=True)
class Row:
    """One target with what was typed for it."""

    target: Target
    typed: str = ""
    amount: int = 0
    error: str = ""

    @property
    def field(self) -> str:
        """The name of its input."""
        return f"amount-{self.target.id}"


@dataclass(frozen=True, slots=True)
class Split:
    """All rows, and what of the payment they leave. `left` is negative where they are too much."""

    rows: Sequence[Row]
    left: int
    other: str = ""

    def parts(self) -> list[Part]:
        """What is to be allocated."""
        return [part(row.target.id, row.amount) for row in self.rows if row.amount]


def part(target_id: str, amount: int) -> Part:
    """Money for an invoice or a deposit, told apart by our own id."""
    if target_id.startswith("dep_"):
        return Part(deposit_id=target_id, amount=amount)
    return Part(invoice_id=target_id, amount=amount)


def filled(payment: PaymentLine, targets: Sequence[Target]) -> Split:
    """The oldest due first, each up to what is open on it."""
    rows = _in_turn(payment, _lines(payment, targets))
    return Split(rows, payment.unapplied - sum(row.amount for row in rows))


def offered(
    payment: PaymentLine,
    targets: Sequence[Target],
    doubted: Sequence[Target],
    placed: Mapping[str, int],
) -> Split:
    """Lines with the amounts of `placed`, by target; on all others a person may write one.

    What is `doubted` stands below the rest.
    """
    lines = [*_lines(payment, targets), *_lines(payment, doubted)]
    lines.sort(key=lambda target: target.id not in placed)  # no amount is on a line cut off
    rows = [_row(payment, target, placed.get(target.id, 0)) for target in lines[:ROWS_MAX]]
    return Split(rows, payment.unapplied - sum(row.amount for row in rows))


def proposed(
    payment: PaymentLine, suggested: Sequence[Suggested], *, wished: Wish | None, is_twice: bool
) -> Split:
    """The split that is filled in: the first offer, where it fits and no other fits as well.

    Of what is more than was owed it is what the customer wishes: `wished`. Of the others there are
    lines for a person to write on. Nothing is proposed of money that was paid twice.
    """
    offers = [one for one in suggested if one.ways]  # others take no money of this payment
    fits = {t.id: t for one in offers if not one.is_doubtful for t in one.shown}
    doubted = {t.id: t for one in offers for t in one.shown if t.id not in fits}
    if is_twice:
        placed = {}
    elif wished:
        owed = [one for one in wished.owed if one.id not in doubted]
        fits = {one.id: one for one in owed} | fits
        placed = {row.target.id: row.amount for row in _in_turn(payment, owed) if row.amount}
    else:
        placed = _as_offered(offers)
    return offered(payment, list(fits.values()), list(doubted.values()), placed)


def _as_offered(offers: Sequence[Suggested]) -> dict[str, int]:
    first = offers[0] if offers else None
    is_sure = first and first.confidence != "weak" and not (first.is_doubtful or first.is_tied)
    return {way.target.id: way.amount for way in first.ways} if first and is_sure else {}


def _lines(payment: PaymentLine, targets: Sequence[Target]) -> list[Target]:
    """Those that can take money of the payment, the oldest due first."""
    fitting = [t for t in targets if t.currency == payment.currency and t.outstanding > 0]
    fitting.sort(key=lambda t: (t.is_deposit, str(t.due_on or "9999")))
    return fitting[:ROWS_MAX]


def _in_turn(payment: PaymentLine, targets: Sequence[Target]) -> list[Row]:
    left = payment.unapplied
    rows = []
    for target in targets:
        amount = min(left, target.outstanding)
        left -= amount
        rows.append(_row(payment, target, amount))
    return rows


def _row(payment: PaymentLine, target: Target, amount: int) -> Row:
    return Row(target, words.typed(amount, payment.currency) if amount else "", amount)


def typed(desk: Desk, payment: PaymentLine, form: Mapping[str, str]) -> Split:
    """What was typed, read as amounts. Raises Refused where it cannot be saved like that."""
    rows = [_read(row, payment) for row in _rows(desk, payment, form)]
    if "fill" in form:
        return filled(payment, [row.target for row in rows])
    left = payment.unapplied - sum(row.amount for row in rows)
    split = Split(rows, left)
    if "save" in form:
        _may_be_saved(split, payment)
    return split


def as_typed(desk: Desk, payment: PaymentLine, form: Mapping[str, str]) -> Split:
    """The same, where some of it cannot be read: each row keeps its words and its fault."""
    rows = []
    for row in _rows(desk, payment, form, is_strict=False):
        try:
            rows.append(_read(row, payment))
        except Refused as error:
            rows.append(replace(row, error=str(error)))
    left = payment.unapplied - sum(row.amount for row in rows)
    return Split(rows, left, other=form.get("other", "")[:80])


def _rows(
    desk: Desk, payment: PaymentLine, form: Mapping[str, str], *, is_strict: bool = True
) -> list[Row]:
    named = {name.removeprefix("amount-"): value for name, value in form.items() if _is_row(name)}
    with desk.runtime.read() as session:
        targets = screens_unmatched.targets(session, list(named)[:ROWS_MAX])
        rows = [Row(targets[one], typed=text[:40]) for one, text in named.items() if one in targets]
        other = form.get("other", "").strip()[:80]
        added = screens_unmatched.named(session, other) if other else None
    if other and added is None and is_strict:
        raise Invalid(f"There is no invoice or deposit {other}", field="other")
    if added and added.id not in targets:
        is_fitting = added.currency == payment.currency
        if not is_fitting and is_strict:
            text = f"{added.number} is in {added.currency}, the payment in {payment.currency}"
            raise Refused(text, field="other")
        if is_fitting:
            rows.append(Row(added))
    return rows


def _is_row(name: str) -> bool:
    return name.startswith("amount-")


def _read(row: Row, payment: PaymentLine) -> Row:
    given = {row.field: row.typed}
    amount = forms.amount_or_none(given, row.field, payment.currency)
    return replace(row, amount=amount.minor if amount else 0)


def _may_be_saved(split: Split, payment: PaymentLine) -> None:
    if split.left < 0:
        over = words.shown(-split.left, payment.currency)
        raise Refused(f"Split is {over} more than the payment. Lower a line to save.", field="left")
    if not split.parts():
        raise Refused("Write an amount for at least one line", field="left")
    for row in split.rows:
        if row.amount > row.target.outstanding:
            has = words.shown(row.target.outstanding, payment.currency)
            raise Refused(f"{row.target.number} has only {has} open", field=row.field)
