"""Files as strangers send them: good ones, and each way of being something else."""

import base64
import io
import zipfile
import zlib

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + b"$H+H*"


def pdf(*, extra: bytes = b"", after: bytes = b"\n", packed: bytes = b"") -> bytes:
    """A PDF of one empty page; `extra` is in its trailer, `packed` in an object stream."""
    body = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    body += b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    body += b"3 0 obj\n<< /Length 9 >>\nstream\n/JS /Enc \nendstream\nendobj\n"
    if packed:
        body += b"4 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n"
        body += packed + b"\nendstream\nendobj\n"
    return body + b"trailer\n<< /Root 1 0 R " + extra + b" >>\nstartxref\n9\n%%EOF" + after


def chunk(name: bytes, held: bytes) -> bytes:
    seal = zlib.crc32(name + held).to_bytes(4, "big")
    return len(held).to_bytes(4, "big") + name + held + seal


def png(width: int = 2, height: int = 2, *, comment: bytes = b"", after: bytes = b"") -> bytes:
    """A picture that says it is this large."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    if comment:
        body += chunk(b"tEXt", comment)
    return body + chunk(b"IDAT", zlib.compress(b"\0\0\0" * 2)) + chunk(b"IEND", b"") + after


def jpeg(width: int = 8, height: int = 8, *, after: bytes = b"") -> bytes:
    """The frame of one."""
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    frame = b"\xff\xc0\x00\x0b\x08" + size + b"\x01\x01\x11\x00"
    segment = b"\xff\xe0\x00\x04hi"
    return b"\xff\xd8\xff\x01" + segment + b"\xff" + frame + b"\xff\xda\x00\x02x\xff\xd9" + after


def mail(*parts: tuple[str, bytes], head: bytes = b"") -> bytes:
    """A letter that says yes, and carries these files."""
    body = b"From: ann@example.com\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\n" + head
    body += b"Subject: Approved\r\nMIME-Version: 1.0\r\n"
    if not parts:
        return body + b"Content-Type: text/plain\r\n\r\nYes, go ahead.\r\n"
    body += b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    for name, held in parts:
        body += b'--b\r\nContent-Type: application/octet-stream; name="' + name.encode() + b'"\r\n'
        body += b"Content-Transfer-Encoding: base64\r\n\r\n" + _base64(held) + b"\r\n"
    return body + b"--b--\r\n"


def archive(name: str = "word/document.xml", held: bytes = b"<xml/>") -> bytes:
    """A ZIP, as Office documents are."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr(name, held)
    return packed.getvalue()


def _base64(held: bytes) -> bytes:
    return base64.encodebytes(held)
