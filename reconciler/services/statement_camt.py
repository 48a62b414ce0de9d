"""A bank's camt.053 (ISO 20022): booked entries of its statements, versions 02 to 13 alike.

Read without a schema: the parts that matter have kept their names over all versions, and banks
leave out or add what they like. Nothing outside the file is ever fetched, and of its tree no more
is kept than one entry at a time.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError  # types only; defusedxml reads

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from reconciler import currencies, money
from reconciler.books import texts
from reconciler.books.bank_lines import LINES_MAX, TEXT_CHARS_MAX, BadRow, BankLine
from reconciler.errors import Invalid
from reconciler.timestamps import parse_day

_BOOKED = "BOOK"
_IN, _OUT = "CRDT", "DBIT"
_NOT_PROVIDED = "NOTPROVIDED"  # what the standard has in a reference that there is not
_CHARS_MAX = 100_000  # of all that one entry says


def read(body: bytes) -> tuple[list[BankLine], list[BadRow]]:
    """The booked entries, and those that could not be read. Raises Invalid with the field."""
    lines: list[BankLine] = []
    bad: list[BadRow] = []
    for number, entry in enumerate(_entries(body), start=1):
        if number > LINES_MAX:
            raise Invalid(f"a statement has at most {LINES_MAX:,} lines", field="file")
        try:
            if _status(entry) == _BOOKED:
                lines.append(_line(number, entry))
        except Invalid as error:
            bad.append(BadRow(number, error.field or "entry", str(error)))
    if not lines and not bad:
        raise Invalid("the statement has no booked entry", field="file")
    return lines, bad


def _entries(body: bytes) -> Iterator[Element]:
    """The entries of the statements, each gone again when the next one is asked for."""
    within: list[Element] = []
    is_statement = False
    try:
        for event, element in iterparse(BytesIO(body), events=("start", "end")):
            if event == "start":
                within.append(element)
                is_statement |= _name(element) == "BkToCstmrStmt"
                continue
            within.pop()
            if _name(element) == "Ntry":
                yield element
                within[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Invalid("the file is not XML that may be read", field="file") from None
    if not is_statement:
        raise Invalid("the file is XML, and no camt.053 statement", field="file")


def _line(number: int, entry: Element) -> BankLine:
    # For what is taken back as well, this says which way the money went.
    way = _at(entry, "CdtDbtInd")
    if way not in (_IN, _OUT):
        raise Invalid("is neither CRDT nor DBIT", field="CdtDbtInd")
    found = next((one for one in entry if _name(one) == "Amt"), None)
    currency = "" if found is None else found.get("Ccy", "").upper()
    if found is None or currency not in currencies.KNOWN:
        raise Invalid("has no amount in a known currency", field="Amt")
    minor = money.parse(found.text or "", currency, field="Amt").minor
    if minor <= 0:
        raise Invalid("is not above zero", field="Amt")
    return BankLine(
        number=number,
        booked_on=_day(entry),
        amount=minor if way == _IN else -minor,
        currency=currency,
        text=_joined([*_every(entry, "Ustrd"), *_every(entry, "AddtlNtryInf")]),
        reference=_joined([*_every(entry, "EndToEndId"), *_every(entry, "Ref")]),
        counterparty=_joined(_names(entry, "Dbtr" if way == _IN else "Cdtr")),
        bank_reference=_joined([_at(entry, "AcctSvcrRef")]),
    )


def _status(entry: Element) -> str:
    """Up to version 08 the word stands there by itself, since then within a `Cd`."""
    found = next((one for one in entry if _name(one) == "Sts"), None)
    if found is None:
        raise Invalid("is missing", field="Sts")
    return (_at(found, "Cd") or found.text or "").strip()


def _day(entry: Element) -> date:
    booked = next((one for one in entry if _name(one) == "BookgDt"), None)
    text = "" if booked is None else _at(booked, "Dt") or _at(booked, "DtTm")[:10]
    try:
        return parse_day(text)
    except ValueError:
        raise Invalid("is not a day", field="BookgDt") from None


def _names(entry: Element, role: str) -> Iterator[str]:
    for party in (one for one in entry.iter() if _name(one) == role):
        yield from _every(party, "Nm")


def _name(element: Element) -> str:
    """Without the namespace, which differs by version."""
    return element.tag.rpartition("}")[2]


def _at(element: Element, name: str) -> str:
    """The text of a child; empty where there is none."""
    return next(((one.text or "").strip() for one in element if _name(one) == name), "")


def _every(element: Element, name: str) -> Iterator[str]:
    """The texts of all of this name, however deep."""
    return ((one.text or "").strip() for one in element.iter() if _name(one) == name)


def _joined(parts: Iterable[str]) -> str:
    """Each once, in order, as one line; what a bank repeats says nothing more."""
    said = " ".join(dict.fromkeys(part for part in parts if part and part != _NOT_PROVIDED))
    cleaned = texts.words(" ".join(said.split()), field="text", chars_max=_CHARS_MAX)
    return cleaned[:TEXT_CHARS_MAX]
