"""What a file is, told by its bytes and never by its name; and what of it is not taken.

Files come from strangers and are opened by people who trust us. Four kinds are taken, each whole
and nothing else beside: a file that is also something else, or that runs, is refused with a reason
that helps whoever sent it.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from enum import StrEnum

from reconciler.errors import Invalid, TooLarge

FILE_BYTES_MAX = 10 << 20
IMAGE_SIDE_MAX = 12_000
IMAGE_PIXELS_MAX = 50_000_000  # a few hundred megabytes once it is unpacked to be shown
MAIL_PARTS_MAX = 200
INFLATED_BYTES_MAX = 32 << 20  # of all of a PDF's packed structure
_HEAD_BYTES = 1_024
_EICAR = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!"
_ZIP_TAIL_BYTES = 22
_ZIP_COMMENT_MAX = 65_535
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = re.compile(rb"<\s*(!doctype\s+html|html|head|body|script|svg|iframe)\b", re.IGNORECASE)
_MAIL_HEAD = re.compile(rb"[!-9;-~]+:")
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"L\x00\x00\x00")
_PROGRAM_NAMES = re.compile(
    r"\.(exe|dll|scr|com|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|msi|jar|lnk|iso|img|svg|html?)\.?$",
    re.IGNORECASE,
)
_PDF_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_RUNS = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA)(?![A-Za-z0-9])")
_PDF_LOCKED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
_PDF_DICT_BYTES = 2_000  # before a stream stands what it is
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class MediaType(StrEnum):
    """The kinds of file that are kept."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    EML = "message/rfc822"


SUFFIXES = {
    MediaType.PDF: (".pdf",),
    MediaType.PNG: (".png",),
    MediaType.JPEG: (".jpg", ".jpeg"),
    MediaType.EML: (".eml",),
}


def media_type_of(body: bytes) -> MediaType:
    """What a file is. Raises Invalid with why it is not taken, TooLarge above 10 MiB."""
    if len(body) > FILE_BYTES_MAX:
        raise TooLarge(f"a file has at most {FILE_BYTES_MAX >> 20} MiB", field="file")
    if not body.strip(b"\0 \t\r\n"):
        raise _refused("the file is empty")
    if _EICAR in body:
        raise _refused("the file holds the test virus")
    kind, check = _check_for(body)
    if kind is not MediaType.EML and _MARKUP.search(body[:_HEAD_BYTES]):
        raise _refused("the file is a web page as well")
    if _ends_as_zip(body):
        raise _refused("the file is an archive as well")
    check(body)
    return kind


def _check_for(body: bytes) -> tuple[MediaType, Callable[[bytes], None]]:
    if body.startswith(b"%PDF-"):
        return MediaType.PDF, _check_pdf
    if body.startswith(_PNG):
        return MediaType.PNG, _check_png
    if body.startswith(_JPEG):
        return MediaType.JPEG, _check_jpeg
    if found := _named(body):
        raise _refused(f"this is {found}; send a PDF, PNG, JPEG or EML")
    return MediaType.EML, _check_mail


def _named(body: bytes) -> str:
    """What else it looks like, in words; nothing where it may be mail."""
    if any(body.startswith(mark) for mark in _PROGRAMS):
        return "a program"
    if body.startswith(_OLE):
        return "an old Office document"
    if body.startswith(b"PK"):
        return "a document with macros" if b"vbaProject.bin" in body else "an archive or document"
    if _MAIL_HEAD.match(body):
        return ""  # a letter may be written as a web page
    if _MARKUP.search(body[:_HEAD_BYTES]) or body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "a web page or drawing"
    return ""


def _refused(why: str) -> Invalid:
    return Invalid(why, field="file")


def _ends_as_zip(body: bytes) -> bool:
    """Whether an archive's directory ends where the file ends, as an unpacker would look for it."""
    tail = body[-(_ZIP_TAIL_BYTES + _ZIP_COMMENT_MAX) :]
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + _ZIP_TAIL_BYTES + comment == len(tail):
            return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False


def _check_pdf(body: bytes) -> None:
    _, mark, rest = body.rpartition(b"%%EOF")
    if not mark or rest.strip(b"\0 \t\r\n"):
        raise _refused("the PDF is cut off, or something follows its end")
    for part in _structure(body):
        plain = _PDF_ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), part)
        if _PDF_LOCKED.search(plain):
            raise _refused("the PDF is locked with a password; save it without one")
        if found := _PDF_RUNS.search(plain):
            what = found[1].decode()
            raise _refused(f"the PDF holds a script, a form or another file ({what}); print it")


def _structure(body: bytes) -> Iterator[bytes]:
    """A PDF's objects without what they show; those packed together are unpacked."""
    yield _PDF_STREAM.sub(b"stream endstream", body)
    left = INFLATED_BYTES_MAX
    for found in _PDF_STREAM.finditer(body):
        about = body[max(0, found.start() - _PDF_DICT_BYTES) : found.start()]
        about = about[about.rfind(b" obj") :]
        if b"/ObjStm" in about:
            unpacked = _inflated(found[1], left)
            left -= len(unpacked)
            yield unpacked


def _inflated(packed: bytes, most: int) -> bytes:
    machine = zlib.decompressobj()
    try:
        plain = machine.decompress(packed, max(1, most))
    except zlib.error:
        raise _refused("a part of the PDF cannot be read") from None
    if machine.unconsumed_tail:
        raise _refused("the PDF unpacks to far more than it is")
    return plain


def _check_png(body: bytes) -> None:
    at, is_first, name = len(_PNG), True, b""
    while at < len(body) and name != b"IEND":
        size, name = int.from_bytes(body[at : at + 4], "big"), body[at + 4 : at + 8]
        held, seal = body[at + 8 : at + 8 + size], body[at + 8 + size : at + 12 + size]
        if len(seal) < 4 or zlib.crc32(name + held) != int.from_bytes(seal, "big"):
            raise _refused("the picture is damaged")
        if is_first and (name != b"IHDR" or size != 13):
            raise _refused("the picture is damaged")
        if is_first:
            _check_size(int.from_bytes(held[:4], "big"), int.from_bytes(held[4:8], "big"))
        at, is_first = at + 12 + size, False
    if name != b"IEND" or at != len(body):
        raise _refused("the picture is cut off, or something follows its end")


def _check_jpeg(body: bytes) -> None:
    if not body.rstrip(b"\0\r\n").endswith(b"\xff\xd9"):
        raise _refused("the picture is cut off, or something follows its end")
    at = 2
    while at + 4 <= len(body):
        mark = body[at + 1]
        if body[at] != 0xFF:
            break
        if mark == 0xFF or mark in _JPEG_ALONE:
            at += 1 if mark == 0xFF else 2
            continue
        if mark in _JPEG_FRAMES:
            height, width = body[at + 5 : at + 7], body[at + 7 : at + 9]
            return _check_size(int.from_bytes(width, "big"), int.from_bytes(height, "big"))
        at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    raise _refused("the picture is damaged")


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise _refused("the picture is damaged")
    if max(width, height) > IMAGE_SIDE_MAX or width * height > IMAGE_PIXELS_MAX:
        raise _refused(
            f"the picture has {width} x {height} points; at most {IMAGE_SIDE_MAX} on a side and "
            f"{IMAGE_PIXELS_MAX // 1_000_000} million in all"
        )


def _check_mail(body: bytes) -> None:
    unknown = _refused("this is no PDF, PNG, JPEG or EML")
    if b"\0" in body or not _MAIL_HEAD.match(body):
        raise unknown
    said = BytesParser(policy=policy.default).parsebytes(body)
    if not (said["from"] and said["date"]):
        raise unknown
    for number, part in enumerate(said.walk()):
        if number >= MAIL_PARTS_MAX:
            raise _refused("the mail has too many parts")
        _check_part(part)


def _check_part(part: Message) -> None:
    assert isinstance(part, EmailMessage)
    held = part.get_payload(decode=True)
    plain = held if isinstance(held, bytes) else b""
    name = part.get_filename() or ""
    is_program = any(plain.startswith(mark) for mark in _PROGRAMS)
    if is_program or b"vbaProject.bin" in plain or _PROGRAM_NAMES.search(name.strip()):
        raise _refused("the mail carries a program, a script or macros")
    if _EICAR in plain:
        raise _refused("the mail carries the test virus")
