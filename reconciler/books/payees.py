"""To which account a transfer goes: what is an account's number, and how little of it is shown."""

import re
from dataclasses import dataclass

from reconciler.books import ibans, texts
from reconciler.errors import Invalid

HOLDER_CHARS_MAX = 140  # as much as a transfer carries
BANK_CHARS_MAX = 140
NUMBER_CHARS_MAX = 34  # of an IBAN; no other is longer
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_LIKE_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}")
_NUMBER = re.compile(rf"[A-Z0-9-]{{4,{NUMBER_CHARS_MAX}}}")
_SHOWN = 4
_COVER = "••••"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that somebody may be paid to; `bank` is a BIC, a routing number or a name."""

    holder: str
    number: str
    bank: str | None = None


def read(*, holder: str, number: str, bank: str | None = None) -> Account:
    """An account as it is kept. Raises Invalid for one that cannot be.

    What begins as an IBAN has to be one: as long as its country has them, and with check digits
    that find every single wrong character and nearly every swap. Any other number says nothing
    without its bank.
    """
    kept = re.sub(r"\s", "", texts.line(number, field="number", chars_max=80)).upper()
    named = texts.line(bank, field="bank", chars_max=BANK_CHARS_MAX) if bank else None
    if _LIKE_IBAN.match(kept):
        long = ibans.length(kept)
        if long not in {None, len(kept)}:
            raise Invalid(
                f"this IBAN is mistyped: one of {kept[:2]} has {long} characters, and this"
                f" {len(kept)}",
                field="number",
            )
        if not is_iban(kept):
            raise Invalid("this IBAN is mistyped: its check digits do not fit", field="number")
    elif not _NUMBER.fullmatch(kept) or not re.search(r"[0-9]", kept):
        raise Invalid("an account is an IBAN, or 4 to 34 letters and digits", field="number")
    elif named is None:
        raise Invalid(
            "an account that is no IBAN needs its bank: a BIC or a routing number", field="bank"
        )
    said = texts.line(holder, field="holder", chars_max=HOLDER_CHARS_MAX)
    return Account(said, kept, named)


def is_iban(number: str) -> bool:
    """Whether it is formed like one, as long as its country has them, and its check digits fit.

    Those are of ISO 7064, MOD 97-10.
    """
    if not _IBAN.fullmatch(number) or ibans.length(number) not in {None, len(number)}:
        return False
    digits = "".join(str(int(char, 36)) for char in number[4:] + number[:4])
    return int(digits) % 97 == 1


def masked(number: str) -> str:
    """As much as tells it from another of theirs: `DE89 •••• 3000`, `•••• 6789`."""
    end = number[-_SHOWN:] if len(number) >= 2 * _SHOWN else number[-2:]
    return f"{number[:4]} {_COVER} {end}" if is_iban(number) else f"{_COVER} {end}"


def in_groups(number: str) -> str:
    """As people read it out: an IBAN by fours, any other as it was typed."""
    return " ".join(re.findall(".{1,4}", number)) if is_iban(number) else number
