"""Files on the page of a deposit: added by who may, handed out to who looks, never another's."""

from io import BytesIO

import pytest

from tests.file_samples import archive, pdf
from tests.web.screens import Screens, said


def upload(somebody, deposit_id: str, body: bytes, name="terms.pdf", **form):
    fields = {"form_token": somebody.token} | form | {"file": (BytesIO(body), name)}
    return somebody.client.post(f"/admin/deposits/{deposit_id}/attachments", data=fields)


@pytest.fixture
def deposit(screens: Screens) -> str:
    customer = screens.customer("Ann")
    return screens.deposit(customer, 5_000, "DEP-1")


def test_a_file_is_added_shown_replaced_and_handed_out(screens, deposit):
    rae = screens.as_("reconciler")
    assert "No file yet" in rae.read(f"/deposits/{deposit}")
    assert upload(rae, deposit, pdf(), "<b>Terms</b>.pdf").status_code == 303
    page = rae.read(f"/deposits/{deposit}")
    assert "b_.pdf" in page
    made = screens.office.scalar("select id from attachment")
    assert upload(rae, deposit, pdf(after=b"\n\n"), "Terms 2.pdf", replaces=made).status_code == 303
    page = rae.read(f"/deposits/{deposit}")
    assert "version 2" in page
    newest = screens.office.scalar("select id from attachment where version = 2")
    answer = screens.as_("viewer").get(f"/deposits/{deposit}/attachments/{newest}")
    assert (answer.status_code, answer.get_data()) == (200, pdf(after=b"\n\n"))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="Terms 2.pdf"')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_not_taken_is_said_on_the_page(screens, deposit):
    rae = screens.as_("reconciler")
    answer = upload(rae, deposit, archive(), "terms.docx")
    assert answer.status_code == 422
    assert "send a PDF, PNG, JPEG or EML" in said(answer)
    assert rae.post(f"/deposits/{deposit}/attachments", {}).status_code == 422
    assert screens.office.scalar("select count(*) from attachment") == 0


def test_another_deposits_file_is_not_there(screens, deposit):
    rae = screens.as_("reconciler")
    upload(rae, deposit, pdf())
    made = screens.office.scalar("select id from attachment")
    other = screens.deposit(screens.customer("Bo"), 5_000, "DEP-2")
    assert rae.get(f"/deposits/{other}/attachments/{made}").status_code == 404
    assert rae.get(f"/deposits/dep_none/attachments/{made}").status_code == 404
    assert rae.get(f"/deposits/{deposit}/attachments/{made}").status_code == 200
