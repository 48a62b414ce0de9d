"""What each rail says that it holds, against clearing: the same to the unit, or why not."""

from dataclasses import dataclass

from flask import Response

from reconciler.books.tie_out import IN_WORDS, TiedOut
from reconciler.flows import tie_out as flow
from reconciler.reads import reconciliation
from reconciler.web.admin import words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens

screens = Screens()

PATIENCE_SECONDS = 5.0  # a page is not what somebody waits longer for
LINES_MAX = 100  # of one currency on a page; all of them are in the API
SUSPENSE_MAX = 20  # there too; the page of suspense has more


@dataclass(frozen=True, slots=True)
class Shown:
    """One currency, with what is wrong in one word, and what of its lines has no room."""

    tied: TiedOut
    verdict: words.Pill
    hidden: int


@screens.get("/reconciliation/tie-out")
def show_tie_out(desk: Desk) -> Response:
    """Ask each rail what it holds, and say where every unit of a difference is."""
    rails = flow.tie_out_within(desk.runtime, PATIENCE_SECONDS)
    with desk.runtime.read() as session:
        last = {one.rail: one for one in reconciliation.drifts(session)}
    return desk.page(
        "tie_out.html",
        rails=[(rail, [_shown(one) for one in rail.tied]) for rail in rails],
        last=last,
        why=IN_WORDS,
        lines_max=LINES_MAX,
        suspense_max=SUSPENSE_MAX,
    )


def _shown(tied: TiedOut) -> Shown:
    return Shown(tied, _verdict(tied), max(0, len(tied.lines) - LINES_MAX))


def _verdict(tied: TiedOut) -> words.Pill:
    if tied.unexplained:
        return words.Pill("Not explained", "neg")
    if tied.is_below_zero:
        return words.Pill("Below zero" if tied.is_sound else "Explained, below zero", "neg")
    if tied.is_sound:
        return words.Pill("Awaited" if tied.lines else "The same", "info" if tied.lines else "pos")
    return words.Pill("Explained", "warn")
