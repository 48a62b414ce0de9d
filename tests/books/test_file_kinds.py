"""What files are, by their bytes: four kinds are taken whole, and everything else says why not."""

import zlib

import pytest
from hypothesis import given, strategies as st

from reconciler.books import file_kinds, file_names
from reconciler.books.file_kinds import FILE_BYTES_MAX, MediaType, media_type_of
from reconciler.errors import Invalid, TooLarge
from tests.file_samples import EICAR, archive, chunk, jpeg, mail, pdf, png

GOOD = {
    "pdf": (pdf(), MediaType.PDF),
    "pdf with a packed page": (pdf(packed=zlib.compress(b"<< /Page >>")), MediaType.PDF),
    "pdf with zeros after": (pdf(after=b"\r\n\0\0"), MediaType.PDF),
    "png": (png(), MediaType.PNG),
    "png with words": (png(comment=b"Title\0Signed"), MediaType.PNG),
    "png with an archive's mark in words": (
        png(comment=b"Title\0PK\x05\x06 is not where it ends"),
        MediaType.PNG,
    ),
    "jpeg": (jpeg(), MediaType.JPEG),
    "jpeg with zeros after": (jpeg(after=b"\0\0"), MediaType.JPEG),
    "mail": (mail(), MediaType.EML),
    "mail with a pdf": (mail(("yes.pdf", pdf())), MediaType.EML),
    "mail from a web page": (mail(head=b"X-Note: <html>\r\n"), MediaType.EML),
}
_EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 16 + b"\x0a\0" + b"%%EOF\n\n\n\n\n"
BAD = {
    "nothing": (b"", "empty"),
    "only zeros": (b"\0\0\0", "empty"),
    "only spaces": (b" \r\n\t ", "empty"),
    "the test virus": (EICAR, "virus"),
    "the test virus in a pdf": (pdf(extra=EICAR), "virus"),
    "a program": (b"MZ\x90\0" + b"\0" * 60, "a program"),
    "a program of Linux": (b"\x7fELF\x02" + b"\0" * 60, "a program"),
    "a script": (b"#!/bin/sh\nrm -rf /\n", "a program"),
    "an archive": (archive(), "an archive"),
    "a document": (archive("word/document.xml"), "an archive or document|as well"),
    "a document with macros": (b"PK\x03\x04 word/vbaProject.bin", "macros"),
    "an old document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "old Office"),
    "a drawing": (b'<svg xmlns="x"><script/></svg>', "web page or drawing"),
    "a drawing after a mark": (b"\xef\xbb\xbf <?xml version='1.0'?><x/>", "web page or drawing"),
    "a page": (b"<!DOCTYPE html><script>alert(1)</script>", "web page or drawing"),
    "a page in words": (b"Hello <script>alert(1)</script>", "web page or drawing"),
    "words": (b"From nothing comes nothing.", "no PDF, PNG, JPEG or EML"),
    "a table": (b"a,b\n1,2\n", "no PDF, PNG, JPEG or EML"),
    "a head without a date": (b"From: a@b.c\r\n\r\nYes", "no PDF, PNG, JPEG or EML"),
    "a mail with zeros": (mail() + b"\0", "no PDF, PNG, JPEG or EML"),
    "a mail with a program": (mail(("ok.pdf", b"MZ\x90\0")), "carries a program"),
    "a mail with a script by name": (mail(("yes.pdf.exe ", b"hello")), "carries a program"),
    "a mail with macros": (mail(("a.docm", b"PK vbaProject.bin")), "carries a program"),
    "a mail with the virus": (mail(("a.txt", EICAR)), "virus"),
    "a mail of too many parts": (mail(*[("a.txt", b"a")] * 201), "too many parts"),
    "a pdf cut off": (pdf()[:-20], "cut off"),
    "a pdf and something after": (pdf(after=b"\nmore"), "something follows"),
    "a pdf and an archive": (pdf(after=b"\n" + archive()), "archive as well"),
    "a pdf that hides an archive's end": (pdf()[:-7] + _EMPTY_ZIP, "archive as well"),
    "a pdf and a page": (pdf().replace(b"1 0 obj", b"<html>1 0 obj", 1), "web page as well"),
    "a locked pdf": (pdf(extra=b"/Encrypt 5 0 R"), "password"),
    "a locked pdf in disguise": (pdf(extra=b"/#45ncrypt 5 0 R"), "password"),
    "a pdf with a script": (pdf(extra=b"/OpenAction << /S /JavaScript >>"), "JavaScript"),
    "a pdf with a packed script": (pdf(packed=zlib.compress(b"<< /JS (x) >>")), "JS"),
    "a pdf with a file in it": (pdf(extra=b"/EmbeddedFiles 5 0 R"), "EmbeddedFiles"),
    "a pdf that cannot be unpacked": (pdf(packed=b"nonsense"), "cannot be read"),
    "a picture cut off": (png()[:-4], "damaged"),
    "a picture without an end": (png()[:-12], "cut off"),
    "a picture and an archive": (png(after=archive()), "archive as well"),
    "a picture and words": (png(after=b"words"), "something follows"),
    "a picture with a wrong seal": (png()[:-1] + b"\0", "damaged"),
    "a picture without a head": (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b""), "damaged"),
    "a picture of nothing": (png(0, 5), "damaged"),
    "a picture too wide": (png(20_000, 20), "20000 x 20"),
    "a picture too large": (png(20_000, 20_000), "at most 12000"),
    "a picture of too many points": (png(11_000, 11_000), "50 million"),
    "a photo cut off": (jpeg()[:-1], "cut off"),
    "a photo and words": (jpeg(after=b"words"), "something follows"),
    "a photo too large": (jpeg(20_000, 20_000), "at most 12000"),
    "a photo without a frame": (b"\xff\xd8\xff\xe0\x00\x04hi\xff\xd9", "damaged"),
    "a photo out of step": (b"\xff\xd8\xff\xe0\x00\x03hi\xff\xd9\xff\xd9", "damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), GOOD.values(), ids=list(GOOD))
def test_a_good_file_is_known_by_its_bytes(body, kind):
    assert media_type_of(body) is kind


@pytest.mark.parametrize(("body", "why"), BAD.values(), ids=list(BAD))
def test_any_other_file_is_refused_in_words(body, why):
    with pytest.raises(Invalid, match=why) as refusal:
        media_type_of(body)
    assert refusal.value.field == "file"


def test_a_file_of_more_than_ten_mebibytes_is_too_large():
    with pytest.raises(TooLarge, match="10 MiB"):
        media_type_of(pdf() + b"\0" * FILE_BYTES_MAX)


def test_a_pdf_that_unpacks_to_far_more_than_it_is_is_refused(monkeypatch):
    monkeypatch.setattr(file_kinds, "INFLATED_BYTES_MAX", 1_000)
    with pytest.raises(Invalid, match="far more"):
        media_type_of(pdf(packed=zlib.compress(b" " * 2_000)))


def _taken_or_refused(body):
    try:
        return media_type_of(body)
    except Invalid as refusal:
        return str(refusal)


@given(body=st.binary(max_size=300))
def test_any_bytes_are_refused_or_known_and_nothing_else_happens(body):
    for start in (
        b"",
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"From: a\r\nDate: b\r\n",
    ):
        assert _taken_or_refused(start + body)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("sign-off.pdf", "sign-off.pdf"),
        ("Sign Off.PDF", "Sign Off.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\ann\\yes.pdf", "yes.pdf"),
        ("invoice.exe", "invoice.exe.pdf"),
        ("CON", "_CON.pdf"),
        ("nul.pdf", "_nul.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
        ("gnp\u202efdp.exe", "gnpfdp.exe.pdf"),
        ("a\0b.pdf", "ab.pdf"),
        ('he said "yes".pdf', "he said _yes_.pdf"),
        ("", "file.pdf"),
        ("...", "file.pdf"),
        (".pdf", "pdf.pdf"),
        ("Übergabe é.pdf", "Übergabe é.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_is_safe_to_show_and_to_save(given_name, name):
    assert file_names.shown(given_name, MediaType.PDF) == name


def test_a_photo_may_end_in_either_way_and_is_handed_out_in_one():
    assert file_names.shown("a.jpeg", MediaType.JPEG) == "a.jpg"
    assert file_names.shown("a.jpg", MediaType.JPEG) == "a.jpg"


def test_a_file_is_handed_out_under_its_name_for_old_readers_and_new_ones():
    said = file_names.disposition('Übergabe "é".pdf')
    assert said == (
        'attachment; filename="Ubergabe _e_.pdf"; '
        "filename*=UTF-8''%C3%9Cbergabe%20%22%C3%A9%22.pdf"
    )


@given(name=st.text(max_size=400))
def test_no_name_breaks_out_of_its_header_or_its_folder(name):
    plain = file_names.shown(name, MediaType.PNG)
    assert plain.endswith(".png")
    assert len(plain) <= file_names.NAME_CHARS_MAX
    assert not set(plain) & set('/\\"\r\n\0')
    said = file_names.disposition(plain)
    assert said.isascii()
    assert said.isprintable()
