"""What the fields of requests may hold. Strict: a number is a number, and nothing is guessed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from reconciler import currencies
from reconciler.books import texts
from reconciler.books.part_payments import FORM as PART_PAYMENTS
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX
from reconciler.reads.pages import LIMIT_DEFAULT, LIMIT_MAX, Wanted

_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_CHARS_MAX = 10_000  # each type below has its own, smaller one

RefundTreatment = Literal["credit", "reopen"]  # books/allocations.py, REFUND_TREATMENTS
RefundMethod = Literal["rail", "hand"]  # books/refund_routes.py, ASKED_BY


class Body(BaseModel):
    """A request's body: unknown fields are refused, values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for described in schema["properties"].values():
        described.pop("default", None)


class Changes(Body):
    """A change of some fields: what is left out stays, so no field has a default."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def given(self) -> dict[str, Any]:
        """What was given, and no more. `rev` is not one of them."""
        return self.model_dump(exclude_unset=True, exclude={"rev"})


class Query(BaseModel):
    """What stands after the question mark: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Body):
    """A body that may be left out."""


def _one_line(text: str) -> str:
    try:
        return texts.line(text, field="it", chars_max=_CHARS_MAX)
    except Invalid as error:
        raise ValueError(str(error)) from None


def _some_lines(text: str) -> str:
    try:
        return texts.words(text, field="it", chars_max=_CHARS_MAX)
    except Invalid as error:
        raise ValueError(str(error)) from None


def _currency(text: str) -> str:
    try:
        return currencies.code(text)
    except Invalid as error:
        raise ValueError(str(error)) from None


def _day(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"expected a day between {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


def _start(value: object) -> object:
    """A day stands for its first instant, in UTC."""
    return _instant(value, timedelta())


def _end(value: object) -> object:
    """A day stands for its end: all of it is before that."""
    return _instant(value, timedelta(days=1))


def _instant(value: object, later: timedelta) -> object:
    try:
        return _read_instant(str(value), later)
    except (ValueError, OverflowError):
        raise ValueError("expected a day or an instant such as 2026-11-22T10:00:00Z") from None


def _read_instant(text: str, later: timedelta) -> datetime:
    if len(text) <= len("2026-11-22"):
        return datetime.combine(_day(date.fromisoformat(text)), time(), UTC) + later
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no offset from UTC")
    _day(instant.astimezone(UTC).date())
    return instant


Line40 = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_one_line)]
Line64 = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_one_line)]
Line128 = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_one_line)]
Line255 = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_one_line)]
Line500 = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
Words2000 = Annotated[str, Field(max_length=2_000), AfterValidator(_some_lines)]
Words4000 = Annotated[str, Field(max_length=4_000), AfterValidator(_some_lines)]
Words20000 = Annotated[str, Field(max_length=20_000), AfterValidator(_some_lines)]
Amount = Annotated[
    int,
    Field(strict=True, gt=0, le=MINOR_MAX, description="Whole minor units of the currency."),
]
Currency = Annotated[
    str,
    Field(min_length=3, max_length=3, description="ISO 4217, in any case.", examples=["USD"]),
    AfterValidator(_currency),
]
PartPayments = Annotated[
    str,
    Field(
        max_length=40,
        pattern=f"^({PART_PAYMENTS})$",
        description="What part may be paid at a time where we ask for the money: `any`, `full`, or"
        " the least as `at_least:25%` of the document or `at_least:5000:USD` in minor units.",
        examples=["at_least:25%"],
    ),
]
Day = Annotated[date, AfterValidator(_day)]
Start = Annotated[datetime, BeforeValidator(_start), Field(description="A day or an instant.")]
End = Annotated[
    datetime,
    BeforeValidator(_end),
    Field(description="A day, counted whole, or an instant that is not counted."),
]
Rev = Annotated[
    int | None,
    Field(
        default=None,
        ge=1,
        le=2**63 - 1,
        description="The `rev` last read: 409 if it was changed since.",
    ),
]


class TakingBack(Body):
    """Why it is taken back, where somebody wants to say so."""

    reason: Line500 | None = None


class Paged(Query):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=400)] = None

    @property
    def wanted(self) -> Wanted:
        """The part of the list."""
        return Wanted(self.limit, self.cursor)

    @property
    def filters(self) -> dict[str, Any]:
        """All that was asked but for the part of the list."""
        return self.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
