"""Deeds around closed periods and deposits; each closes a day that no deed posts into."""

from datetime import date, timedelta

from tests.web import deposit_deeds

_THROUGH = "select coalesce(max(through), '2001-01-01') + 1 from books_closing where :id = ''"


def _closes(house):
    day = house.scalar(_THROUGH, "")
    house.api.make("/ledger/closings", {"through": day})
    return {}, {"through": str(date.fromisoformat(day) + timedelta(days=1))}


def _opens(house):
    _closes(house)
    return {}, {"reason": "A bill was missing"}


DEEDS = deposit_deeds.DEEDS | {
    "POST /api/v1/ledger/closings": _closes,
    "POST /api/v1/ledger/closings/reopen": _opens,
    "POST /admin/ledger/periods/close": _closes,
    "POST /admin/ledger/periods/reopen": _opens,
}
