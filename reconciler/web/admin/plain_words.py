"""Sentences from further inside, in words that a bookkeeper knows; the glossary is the source."""

import re

from markupsafe import Markup, escape

# The glossary's words, and what bookkeepers call it: for sentences that come from further inside.
_PLAIN = (
    (re.compile(r"\bon the same rail\b"), "the same way"),
    (re.compile(r"\bon the rail\b"), "at the payment provider"),
    (re.compile(r"\b([Tt]he|[Aa]|no|this|[Ii]ts) rail(s?)\b"), r"\1 payment provider\2"),
    (
        re.compile(r"^[Mm]etadata \w+ names"),
        "Whoever set the payment up, and not its payer, wrote that it is for",
    ),
)


def plain(text: str) -> str:
    """The same text, in words that a bookkeeper knows."""
    for pattern, instead in _PLAIN:
        text = pattern.sub(instead, text)
    return text


def mail(address: str) -> Markup:
    """A mail address that breaks before its @ and its dots where it has no room, in no word."""
    broken = str(escape(address)).replace("@", "<wbr>@").replace(".", "<wbr>.")
    return Markup('<span class="mail">{}</span>').format(Markup(broken))  # noqa: S704  escaped above


def stopped(text: str) -> str:
    """A sentence's end: the text with one full stop, also where it brings one, as `Acme Inc.`."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
