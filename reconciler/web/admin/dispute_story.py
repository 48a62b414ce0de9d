"""What happened to a dispute, by the days on which it happened: news of it comes in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise

from reconciler.reads.audit import AuditRow
from reconciler.reads.disputes import DisputeRow
from reconciler.reads.ledger import EntryRow
from reconciler.reads.timeline import Happening
from reconciler.web.admin import dispute_words, timeline, words
from reconciler.web.admin.timeline import Moment

# What an entry is for, by the last word of its key that says it.
_FOR = {
    "withdrawn": "For what the bank took",
    "lost": "For what is lost for good",
    "beyond": "For what is lost beyond the payment",
    "converted": "For the same in the currency of the payment",
    "lost_converted": "For what is lost for good",
}
_FINAL = frozenset({"lost", "won"})


def moments(
    dispute: DisputeRow,
    entries: Sequence[EntryRow],
    names: timeline.Names,
    told: Iterable[AuditRow],
) -> list[Moment]:
    """All of it, the first first."""
    claimed = words.shown(dispute.amount, dispute.currency) if dispute.currency else "the payment"
    opened = Moment(dispute.opened_at, 0, f"Opened: the bank claims {claimed}", tone="warn")
    dated = [(opened.at.date(), opened)]
    dated += _steps(dispute.history, entries, names)
    dated += _decisions(dispute.history, names, {line.at: line.why for line in told if line.why})
    dated += _booked(entries, names)
    return [one for _, one in sorted(dated, key=lambda d: (d[0], d[1].at, d[1].rank))]


def _steps(
    history: Iterable[Happening], entries: Iterable[EntryRow], names: timeline.Names
) -> Iterable[tuple[date, Moment]]:
    """What the bank said: of what was booked with it is known on which day that was."""
    days: dict[datetime, list[date]] = {}
    for entry in entries:
        days.setdefault(entry.at, []).append(entry.effective_on)
    steps = _once([line for line in history if line.kind == "event"])
    latest = date.max
    found = []
    for line in reversed(steps):
        booked = days.get(line.at, [line.at.date()])
        day = max(booked) if line.text in _FINAL else min(booked)
        # What was told before something else was so before that, whenever it was heard.
        latest = min(latest, day)
        moment = Moment(
            line.at,
            0,
            dispute_words.status(line.text.replace(" ", "_")),
            tone="warn" if line.text not in _FINAL else "neg" if line.text == "lost" else "pos",
            by=timeline.who(line.cause, names) if line.cause else "",
            on=day if day == latest and line.at in days else None,
        )
        found.append((latest, moment))
    return found


def _once(steps: Sequence[Happening]) -> list[Happening]:
    """Of those that say the same one after the other, the last: only its money was news."""
    kept = [one for one, following in pairwise(steps) if one.text != following.text]
    return [*kept, *steps[-1:]]


def _decisions(
    history: Iterable[Happening], names: timeline.Names, whys: dict[datetime, str]
) -> Iterable[tuple[date, Moment]]:
    for line in history:
        if line.kind != "event":
            title = line.text[:1].upper() + line.text[1:]
            by = timeline.who(line.cause, names) if line.cause else ""
            why = whys.get(line.at, "")
            yield line.at.date(), Moment(line.at, 1, title, text=why, by=by)


def _booked(entries: Sequence[EntryRow], names: timeline.Names) -> Iterable[tuple[date, Moment]]:
    for entry, moment in zip(entries, timeline.of_entries(entries, names), strict=True):
        said = next((part for part in reversed(_parts(entry.key)) if part in _FOR), "")
        day = entry.effective_on
        is_late = day != entry.posted_on
        text = ". ".join(
            part for part in (_FOR.get(said, ""), moment.text if is_late else "") if part
        )
        yield day, replace(moment, text=text, key="", on=day)


def _parts(key: str) -> list[str]:
    return key.replace("@", "/").split("/")
