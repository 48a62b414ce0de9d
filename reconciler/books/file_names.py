"""A file's name as it is shown and handed out. What a file is called where it is kept is chance."""

import re
import unicodedata
from urllib.parse import quote

from reconciler.books.file_kinds import SUFFIXES, MediaType

NAME_CHARS_MAX = 120
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_UNWANTED = re.compile(r'[<>:"|?*\\/]')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+,=@-]")


def shown(given: str, kind: MediaType) -> str:
    """A name that is safe to show and to save, and that ends as the content does.

    Folders before it, what steers the direction of writing, and everything that a file system
    takes for something else is gone.
    """
    last = re.split(r"[\\/]", given)[-1]
    plain = "".join(
        letter for letter in unicodedata.normalize("NFC", last)
        if unicodedata.category(letter)[0] != "C"
    )  # fmt: skip
    plain = " ".join(_UNWANTED.sub("_", plain).split()).strip(". ")
    if not plain.strip("_"):
        plain = "file"
    if _RESERVED.fullmatch(plain):
        plain = f"_{plain}"
    return _fitted(plain, kind)


def _fitted(plain: str, kind: MediaType) -> str:
    suffixes = SUFFIXES[kind]
    ending = next((one for one in suffixes if plain.lower().endswith(one)), None)
    stem = plain[: -len(ending)] if ending else plain
    return (stem[: NAME_CHARS_MAX - len(suffixes[0])].rstrip(". ") or "file") + suffixes[0]


def disposition(name: str) -> str:
    """The header that hands a file out to be saved (RFC 6266), for old readers and new ones."""
    plain = _NOT_PLAIN.sub(
        "_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
