"""Days and instants as they are typed on a command line."""

from datetime import UTC, datetime

import click
from typing_extensions import override

FORMS = "2026-11-22, or 2026-11-22T09:30 with Z or an offset; UTC where none is said"


class Moment(click.ParamType[datetime]):
    """A day, which means its first instant, or an instant. UTC where no offset is given."""

    name = "DATE"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value).strip())
            if found.tzinfo is None:
                found = found.replace(tzinfo=UTC)
            return found.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no date; write it like {FORMS}", param, ctx)


MOMENT = Moment()
