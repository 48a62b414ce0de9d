"""The stages of a plan as a form sends them: some rows, of which the empty ones do not count."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler import money
from reconciler.books import plans
from reconciler.books.milestones import MilestoneKind
from reconciler.books.plans import Part
from reconciler.errors import Invalid
from reconciler.services.milestones import Stage
from reconciler.web import forms

ROWS = 6
KINDS = {
    MilestoneKind.DEPOSIT: "Deposit",
    MilestoneKind.MIDPOINT: "Midpoint",
    MilestoneKind.FINAL: "Final payment",
    MilestoneKind.NAMED: "Named",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A row as it was typed, to be shown again."""

    place: int
    kind: str
    name: str
    description: str
    share: str
    due_on: str


# What a new plan begins with: a third ahead is what most ask for.
USUAL = (
    Typed(1, "deposit", "", "", "30 %", ""),
    Typed(2, "midpoint", "", "", "40 %", ""),
    Typed(3, "final", "", "", "30 %", ""),
)


def typed(form: Mapping[str, str], *, rows: int = ROWS) -> list[Typed]:
    """The rows as they were typed."""
    fields = ("kind", "name", "description", "share", "due_on")
    return [
        Typed(place, *(form.get(f"{field}-{place}", "").strip() for field in fields))
        for place in range(1, rows + 1)
    ]


def blank(first: int, last: int) -> list[Typed]:
    """Empty rows."""
    return [Typed(place, "named", "", "", "", "") for place in range(first, last + 1)]


def stages(form: Mapping[str, str], currency: str, *, rows: int = ROWS) -> list[Stage]:
    """The stages of a plan. Raises Invalid with the field of the row at fault."""
    return [_stage(row, currency) for row in typed(form, rows=rows) if row.share]


def stage(row: Typed, currency: str) -> Stage:
    """One stage. Raises Invalid with its field."""
    if not row.share:
        raise Invalid("Write an amount or a percentage", field=f"share-{row.place}")
    return _stage(row, currency)


def _stage(row: Typed, currency: str) -> Stage:
    due = {"due_on": row.due_on}
    return Stage(
        kind=row.kind,
        part=part(row.share, currency, field=f"share-{row.place}"),
        name=row.name or None,
        description=row.description or None,
        due_on=forms.day(due, "due_on") if row.due_on else None,
    )


def part(written: str, currency: str, *, field: str) -> Part:
    """`30 %` or `1,200.00`. Raises Invalid with the field."""
    if written.endswith("%"):
        return Part(share=plans.share(written.removesuffix("%"), field=field))
    amount = money.parse(written, currency, field=field).minor
    if amount <= 0:
        raise Invalid("An amount must be more than zero", field=field)
    return Part(amount=amount)
