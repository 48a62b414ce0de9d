"""The chain of the audit trail: each line is sealed over its content and the seal before it.

What was said (before, after, why) stands apart, and a line holds only a digest of it. So words
about a person can be erased later, and the chain still closes. The digest is salted: without the
salt, which goes with the words, nobody can find out by guessing what they were.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import msgspec
from typing_extensions import override

_HASH = re.compile(r"[0-9a-f]{64}")
IMPORTED = "file.imported"  # its words have rows beside them
ERASED = "audit_line.erased"  # the action that says whose words were taken away, and why


@dataclass(frozen=True, slots=True)
class Seal:
    """The last line's number and hash. Kept somewhere else, it proves that none before changed."""

    seq: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From how it is printed. Raises ValueError."""
        seq, _, digest = text.strip().partition(":")
        if not (seq.isascii() and seq.isdigit() and _HASH.fullmatch(digest)):
            raise ValueError(f"{text!r} is no line and hash such as 17:9f86d0…")
        return cls(int(seq), digest)

    @override
    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


ORIGIN = Seal(0, "0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What somebody did, without the words about it."""

    at: datetime
    cause_kind: str
    cause_id: str
    action: str
    subject: str
    request_id: str | None
    words_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A line as it is found later: its seal, and its words unless they are gone."""

    line: Line
    seal: Seal
    salt: str | None
    words: str | None
    is_erased: bool


def digest(salt: str, words: str) -> str:
    """The words as a hash that cannot be guessed without the salt."""
    return hashlib.sha256(f"{salt}\n{words}".encode()).hexdigest()


def seal(line: Line, before: Seal) -> Seal:
    """The seal of the line that follows `before`: SHA-256 over one way of writing it as JSON."""
    seq = before.seq + 1
    written = msgspec.json.encode(
        [
            seq,
            line.at.astimezone(UTC).isoformat(timespec="microseconds"),
            line.cause_kind,
            line.cause_id,
            line.action,
            line.subject,
            line.request_id,
            line.words_digest,
            before.hash,
        ]
    )
    return Seal(seq, hashlib.sha256(written).hexdigest())


def breaks(found: Iterable[Kept], before: Seal = ORIGIN) -> Iterator[str]:
    """Where the chain that follows `before` is broken, in words; nothing where it is whole.

    After a break it goes on from what is found, so that one change is not told as a thousand.
    """
    for kept in found:
        seq = kept.seal.seq
        if seq != before.seq + 1:
            missing = f"line {before.seq + 1}" if seq == before.seq + 2 else (
                f"lines {before.seq + 1} to {seq - 1}"
            )  # fmt: skip
            yield f"{missing} missing before line {seq}"
        elif seal(kept.line, before) != kept.seal:
            yield f"line {seq} is not as it was written"
        if kept.words is None or kept.salt is None:
            if not kept.is_erased:
                yield f"the words of line {seq} are gone, and no line says that they were erased"
        elif digest(kept.salt, kept.words) != kept.line.words_digest:
            yield f"the words of line {seq} are not as they were written"
        before = kept.seal
