"""What a deed will do in money, in words: for every choice that is offered before it is taken."""

from collections.abc import Iterable

from reconciler.services.effects import Effect
from reconciler.web.admin import words

_SAID = {
    "outstanding": "{name} is owed {after} instead of {before}",
    "remaining": "{name} has {after} left instead of {before}",
    "unapplied": "{after} of the payment is unapplied instead of {before}",
}


def said(changed: Iterable[Effect]) -> str:
    """What becomes of documents and payment, in one line; empty where no amount of them changes."""
    return ", ".join(
        _SAID[one.measure].format(
            name=one.name,
            after=words.shown(one.after, one.currency),
            before=words.shown(one.before, one.currency),
        )
        for one in changed
        if one.measure in _SAID
    )
