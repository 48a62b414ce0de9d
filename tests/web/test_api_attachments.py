"""Files over the API: what is taken, what is refused, and how a file is handed out again."""

import hashlib
from io import BytesIO

import pytest
import sqlalchemy as sa

from reconciler.services import attachments
from tests.file_samples import EICAR, archive, jpeg, mail, pdf, png
from tests.web.api import PREFIX, ok, refused


def attach(api, deposit_id: str, body: bytes, name: str = "terms.pdf", *, key=None, **form):
    headers = {"Idempotency-Key": key} if key else {}
    data = form | {"file": (BytesIO(body), name)}
    answer = api.call("POST", f"/deposits/{deposit_id}/attachments", data=data, headers=headers)
    answer.request.environ["wsgi.input"].close()  # a large form lies in a file of the test client
    return answer


@pytest.mark.parametrize(
    ("body", "name", "kind", "shown"),
    [
        (pdf(), "terms.pdf", "application/pdf", "terms.pdf"),
        (png(), "photo.PNG", "image/png", "photo.png"),
        (jpeg(), "photo.jpeg", "image/jpeg", "photo.jpg"),
        (mail(), "Re: yes.eml", "message/rfc822", "Re_ yes.eml"),
        (pdf(), "../../x.exe", "application/pdf", "x.exe.pdf"),
    ],
)
def test_a_file_is_kept_by_what_it_is_and_handed_out_as_it_was(api, body, name, kind, shown):
    deposit = api.a_deposit()["id"]
    made = ok(attach(api, deposit, body, name))
    assert made["media_type"] == kind
    assert (made["file_name"], made["bytes"], made["version"]) == (shown, len(body), 1)
    assert made["sha256"] == hashlib.sha256(body).hexdigest()
    assert api.read(f"/attachments/{made['id']}") == made
    assert api.read(f"/deposits/{deposit}")["attachments"] == [made]
    answer = api.get(f"/attachments/{made['id']}/content")
    assert answer.get_data() == body
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_part_of_a_file_is_not_handed_out(api):
    deposit = api.a_deposit()["id"]
    made = ok(attach(api, deposit, pdf()))
    for ranged in ("bytes=0-3", "bytes=" + ",".join(["0-"] * 500), "bytes=5-2"):
        answer = api.call("GET", f"/attachments/{made['id']}/content", headers={"Range": ranged})
        assert (answer.status_code, answer.get_data()) == (200, pdf())
        assert answer.headers["Accept-Ranges"] == "none"


@pytest.mark.parametrize(
    "body",
    [b"", b"MZ\x90\0", archive(), EICAR, png(20_000, 20_000), pdf(extra=b"/Encrypt 1 0 R"),
     pdf(after=b"\n" + archive()), b"<svg onload=alert(1)>", b"<html></html>",
     b"PK vbaProject.bin"],
)  # fmt: skip
def test_what_is_not_taken_is_refused_and_leaves_nothing(api, body):
    deposit = api.a_deposit()["id"]
    files = list_files(api)
    refused(attach(api, deposit, body, "terms.pdf"), 422, "file")
    assert api.read(f"/deposits/{deposit}")["attachments"] == []
    assert list_files(api) == files


def test_a_file_that_is_too_large_is_refused_as_that(api):
    deposit = api.a_deposit()["id"]
    assert "10 MiB" in refused(attach(api, deposit, pdf() + b"\0" * (10 << 20)), 413)
    assert "10 MiB" in refused(attach(api, deposit, pdf() + b"\0" * (11 << 20)), 413)


def test_a_form_without_a_file_is_refused(api):
    deposit = api.a_deposit()["id"]
    path = f"/deposits/{deposit}/attachments"
    refused(api.call("POST", path, data={"name": "x"}), 422, "file")
    refused(api.call("POST", path, json={}), 422, "file")


def test_a_refused_row_leaves_no_bytes(api):
    files = list_files(api)
    refused(attach(api, "dep_none", pdf()), 404)
    assert list_files(api) == files


def test_the_same_request_again_attaches_once(api):
    deposit = api.a_deposit()["id"]
    first = ok(attach(api, deposit, pdf(), key="k-1"))
    files = list_files(api)
    assert ok(attach(api, deposit, pdf(), key="k-1")) == first
    assert list_files(api) == files
    refused(attach(api, deposit, png(), key="k-1"), 422)
    refused(attach(api, deposit, pdf(), "other.pdf", key="k-1"), 422)
    assert len(api.read(f"/deposits/{deposit}")["attachments"]) == 1


def test_a_newer_version_takes_the_place_and_the_older_one_stays(api):
    deposit = api.a_deposit()["id"]
    first = ok(attach(api, deposit, pdf()))
    second = ok(attach(api, deposit, png(), "terms.png", replaces=first["id"]))
    assert second["version"] == 2
    assert [one["id"] for one in api.read(f"/deposits/{deposit}")["attachments"]] == [second["id"]]
    assert api.read(f"/attachments/{first['id']}")["is_newest"] is False
    assert api.get(f"/attachments/{first['id']}/content").get_data() == pdf()
    refused(attach(api, deposit, pdf(), replaces=first["id"]), 422, "replaces")


def test_a_version_is_only_of_a_file_of_the_same_thing(api):
    theirs = ok(attach(api, api.a_deposit()["id"], pdf()))
    deposit = api.a_deposit()["id"]
    refused(attach(api, deposit, pdf(), replaces=theirs["id"]), 422, "replaces")
    refused(attach(api, deposit, pdf(), replaces="att_none"), 422, "replaces")


def test_there_is_no_attachment_that_is_not_there(api):
    refused(api.get("/attachments/att_none"), 404)
    refused(api.get("/attachments/att_none/content"), 404)


def test_a_thing_has_at_most_so_many_files(api, monkeypatch):
    deposit = api.a_deposit()["id"]
    monkeypatch.setattr(attachments, "FILES_MAX", 2)
    for _ in range(2):
        ok(attach(api, deposit, pdf()))
    files = list_files(api)
    assert "2 files" in refused(attach(api, deposit, pdf()), 422, "file")
    assert list_files(api) == files


def test_all_files_together_have_so_much_room(api, monkeypatch):
    deposit = api.a_deposit()["id"]
    held = int(api.office.scalar("select coalesce(sum(bytes), 0) from attachment"))
    room = (held >> 20) + 1
    object.__setattr__(api.office.runtime.settings, "attachments_quota_mib", room)
    try:
        big = pdf(after=b"\0" * (1 << 20))
        assert "ATTACHMENTS_QUOTA_MIB" in refused(attach(api, deposit, big), 422, "file")
        ok(attach(api, deposit, pdf()))
    finally:
        object.__setattr__(api.office.runtime.settings, "attachments_quota_mib", 1_024)


def test_bytes_that_are_not_what_was_kept_are_not_handed_out(api):
    deposit = api.a_deposit()["id"]
    made = ok(attach(api, deposit, pdf()))
    place = next(
        path for path in list_files(api)
        if path.name == api.office.scalar(
            "select stored_as from attachment where id = :id", id=made["id"]
        )
    )  # fmt: skip
    place.write_bytes(pdf(extra=b"/Amount 9"))
    detail = refused(api.get(f"/attachments/{made['id']}/content"), 503)
    assert "SHA-256" in detail
    place.unlink()
    assert "not where it was kept" in refused(api.get(f"/attachments/{made['id']}/content"), 503)


def test_nobody_changes_a_row_once_it_is_there(api):
    ok(attach(api, api.a_deposit()["id"], pdf()))
    for statement in ("update attachment set sha256 = sha256", "delete from attachment"):
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            api.office.do(lambda work, s=statement: work.session.execute(sa.text(s)))


def list_files(api) -> list:
    root = api.office.runtime.settings.data_dir / "attachments"
    return sorted(path for path in root.glob("??/*") if path.is_file())


def test_the_document_says_that_a_form_is_taken_and_a_file_comes_back(api):
    paths = api.client.get(PREFIX + "/openapi.json").get_json()["paths"]
    form = paths[PREFIX + "/deposits/{deposit_id}/attachments"]["post"]["requestBody"]["content"]
    assert form["multipart/form-data"]["schema"]["required"] == ["file"]
    content = paths[PREFIX + "/attachments/{attachment_id}/content"]["get"]["responses"]["200"]
    assert "application/pdf" in content["content"]
