"""Where attachments lie: on the disk or in a bucket, what is swept up, and what is noticed."""

import os
import re
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from reconciler.errors import Invalid, Refused, Unavailable
from reconciler.files import Folder, files_of
from reconciler.flows import keep_file
from reconciler.flows.tidy import tidy
from reconciler.runtime import system_clock
from reconciler.sandbox.server import serve
from reconciler.services import attachments, restores
from reconciler.settings import Secret, Settings
from tests import builders
from tests.file_samples import pdf, png

OLD = timedelta(days=8)


class Shelf:
    """As much of S3 as a bucket of ours needs, over real HTTP: put, get, delete, list."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.is_broken = False

    def __call__(self, environ, start_response):
        name = environ["PATH_INFO"].removeprefix("/papers/")
        method, asked = environ["REQUEST_METHOD"], parse_qs(environ["QUERY_STRING"])
        status, body = self._answer(method, name, asked, environ)
        head = [("Content-Length", str(len(body))), ("ETag", '"1"')]
        if method == "GET" and "list-type" not in asked:
            head.append(("Last-Modified", format_datetime(system_clock(), usegmt=True)))
        start_response(status, head)
        return [body]

    def _answer(self, method, name, asked, environ):
        if self.is_broken:
            return "403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>"
        if "list-type" in asked:
            return "200 OK", self._listing().encode()
        if method == "PUT" and name in self.held:
            return "412 Precondition Failed", b""
        if method == "PUT":
            self.held[name] = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        if method == "POST":  # several are deleted at once
            asked_for = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            keys = re.findall(r"<Key>(.*?)</Key>", asked_for)
            for key in keys:
                self.held.pop(key, None)
            said = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            return "200 OK", f"<DeleteResult>{said}</DeleteResult>".encode()
        if name not in self.held:
            return "404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>"
        return "200 OK", self.held[name]

    def _listing(self) -> str:
        long_ago = "2020-01-01T00:00:00.000Z"
        rows = "".join(
            f"<Contents><Key>{name}</Key><LastModified>{long_ago}</LastModified>"
            f'<ETag>"1"</ETag><Size>{len(body)}</Size></Contents>'
            for name, body in self.held.items()
        )
        return (
            '<?xml version="1.0"?><ListBucketResult><Name>papers</Name>'
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        )


@pytest.fixture
def shelf():
    made = Shelf()
    server = serve(made)
    made.url = server.url.replace("http://", "s3+http://ann:secret@") + "/papers/house"
    yield made
    server.close()


@pytest.fixture(params=["folder", "bucket", "server"])
def files(request, tmp_path: Path, shelf: Shelf):
    """Either place; and a bucket of a real server, where TEST_BUCKET_URL names one."""
    url = shelf.url if request.param == "bucket" else ""
    if request.param == "server":
        url = os.getenv("TEST_BUCKET_URL", "")
        if not url:
            pytest.skip("TEST_BUCKET_URL names no bucket, such as that of `moto_server`")
        url = f"{url.rstrip('/')}/{tmp_path.name}"  # a folder for each test
    return files_of(Settings(data_dir=tmp_path, attachments_url=Secret(url)))


def test_what_is_put_is_there_until_it_is_deleted(files):
    assert files.get("file_1") is None
    files.put("file_1", b"words")
    assert files.get("file_1") == b"words"
    assert list(files.older_than(system_clock() + timedelta(hours=1))) == ["file_1"]
    files.delete("file_1")
    files.delete("file_1")
    assert files.get("file_1") is None


def test_a_name_is_written_once(files):
    files.put("file_1", b"first")
    with pytest.raises(Unavailable):
        files.put("file_1", b"second")
    assert files.get("file_1") == b"first"


def test_a_bucket_that_refuses_is_out_of_reach(tmp_path, shelf):
    files = files_of(Settings(data_dir=tmp_path, attachments_url=Secret(shelf.url)))
    files.put("file_1", b"words")
    assert list(shelf.held) == ["house/file_1"]
    shelf.is_broken = True
    for deed in (lambda: files.get("file_1"), lambda: files.put("file_2", b"x"),
                 lambda: list(files.older_than(system_clock()))):  # fmt: skip
        with pytest.raises(Unavailable, match="out of reach"):
            deed()


def test_a_folder_that_cannot_be_written_is_out_of_reach(tmp_path):
    (tmp_path / "attachments").write_text("no folder")
    with pytest.raises(Unavailable, match="out of reach"):
        Folder(tmp_path / "attachments").put("file_1", b"words")


def test_a_folder_tells_old_files_from_new_ones(tmp_path):
    folder = Folder(tmp_path / "attachments")
    for name in ("file_old", "file_new"):
        folder.put(name, b"words")
    old = (system_clock() - OLD).timestamp()
    os.utime(tmp_path / "attachments" / "ld" / "file_old", (old, old))
    assert list(folder.older_than(system_clock() - timedelta(days=1))) == ["file_old"]


@pytest.fixture
def house(office, tmp_path):
    """An office with a folder of its own."""
    office.runtime = replace(
        office.runtime, settings=replace(office.runtime.settings, data_dir=tmp_path)
    )
    return office


def attach(house, body=None) -> str:
    target = builders.deposit(house, "DEP-1", 5_000)
    with keep_file.kept(house.runtime, body or pdf()) as file:
        return house.do(lambda work: attachments.keep_on_deposit(work, target, "a.pdf", file))


def age(house, by: timedelta = OLD) -> None:
    """Everything that lies there was written that long ago."""
    then = (house.clock() - by).timestamp()
    for place in (house.runtime.settings.data_dir / "attachments").glob("??/*"):
        os.utime(place, (then, then))


def held(house) -> int:
    return len(list((house.runtime.settings.data_dir / "attachments").glob("??/*")))


def test_what_a_rule_refuses_leaves_nothing(house):
    with pytest.raises(Refused), keep_file.kept(house.runtime, pdf()):
        raise Refused("no")
    with pytest.raises(Invalid), keep_file.kept(house.runtime, b"words"):
        raise AssertionError("never begun")
    assert held(house) == 0


def test_a_crash_leaves_bytes_that_are_swept_up_a_week_later(house):
    with pytest.raises(RuntimeError), keep_file.kept(house.runtime, pdf()):
        raise RuntimeError("the power went")
    attach(house)
    age(house, timedelta(days=6))
    tidy(house.runtime)
    assert held(house) == 2
    age(house)
    tidy(house.runtime)
    assert held(house) == 1
    assert list(keep_file.differing(house.runtime)) == []


def test_in_restored_books_nothing_is_swept_up(house):
    with pytest.raises(RuntimeError), keep_file.kept(house.runtime, pdf()):
        raise RuntimeError("the power went")
    age(house)
    house.do(lambda work: restores.suspect(work, "a drill"))
    assert keep_file.sweep(house.runtime) == 0
    assert held(house) == 1


def test_many_unnamed_files_are_swept_up_in_batches(house, monkeypatch):
    monkeypatch.setattr(keep_file, "_AT_A_TIME", 2)
    for _ in range(5):
        with pytest.raises(RuntimeError), keep_file.kept(house.runtime, png()):
            raise RuntimeError("again")
    age(house)
    assert keep_file.sweep(house.runtime) == 5


def test_files_that_are_gone_or_others_are_named(house):
    made = attach(house)
    assert list(keep_file.differing(house.runtime)) == []
    [place] = (house.runtime.settings.data_dir / "attachments").glob("??/*")
    place.write_bytes(png())
    [found] = keep_file.differing(house.runtime)
    assert made in found
    with pytest.raises(Unavailable, match="SHA-256"):
        keep_file.download(house.runtime, made)
    place.unlink()
    [found] = keep_file.differing(house.runtime)
    assert "not where it was kept" in found
