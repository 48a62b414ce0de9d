"""The route /tie-out."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.books.tie_out import Reason, TiedOut, place
from reconciler.flows import tie_out as flow
from reconciler.flows.tie_out import RailTied
from reconciler.reads import pages
from reconciler.reads.pages import Page, Wanted
from reconciler.runtime import Runtime
from reconciler.web.api.fields import Paged
from reconciler.web.api.routes import Look, Resource

resource = Resource("tie-out")


PATIENCE_SECONDS = 20.0
SUSPENSE_MAX = 200  # of one currency, as /ledger/suspense has them
_Place = tuple[str, str, int, str, str, int]  # rail, currency, and where in it
_KINDS = ("text", "text", "bigint", "text", "text", "bigint")


def _asked(runtime: Runtime) -> list[RailTied]:
    return flow.tie_out_within(runtime, PATIENCE_SECONDS)


@resource.get("/tie-out", looks=_asked)
def tie_out(look: Look, query: Paged, looked: list[RailTied]) -> Page[RailTied]:
    """Ask each rail what it holds, and compare it with clearing, unit by unit.

    Every page has all sums, and the next of the lines that explain them, the largest first; the
    rail is asked anew for each.
    """
    del look
    return _part(looked, query.wanted)


def _part(looked: Sequence[RailTied], wanted: Wanted) -> Page[RailTied]:
    after = tuple(pages.decode(wanted.cursor, _KINDS)) if wanted.cursor else ()
    places = sorted(_place(one, line) for rail in looked for one in rail.tied for line in one.lines)
    rest = [one for one in places if one > after]
    shown = set(rest[: wanted.limit])
    more = pages.encode(rest[wanted.limit - 1]) if len(rest) > wanted.limit else None
    return Page(
        [replace(rail, tied=[_cut(one, shown) for one in rail.tied]) for rail in looked], more
    )


def _place(one: TiedOut, line: Reason) -> _Place:
    return one.rail, one.currency, *place(line)


def _cut(one: TiedOut, shown: set[_Place]) -> TiedOut:
    lines = [line for line in one.lines if _place(one, line) in shown]
    return replace(one, lines=lines, suspense=one.suspense[:SUSPENSE_MAX])
