"""Mail leaves once: one sender at a time, under one name, and every way that it can go wrong."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from reconciler.books.mail import MessageKind
from reconciler.failpoints import Struck, armed, strike
from reconciler.flows.send_mail import send_mail
from reconciler.runtime import Runtime
from reconciler.services import mail, switches
from reconciler.services.mail import NewMessage
from reconciler.settings import Secret
from tests.carriers.mail_server import MailServer, mail_server
from tests.runtime import Office


@pytest.fixture
def server():
    with mail_server() as there:
        yield there


def sending_through(office: Office, server: MailServer) -> Runtime:
    settings = dataclasses.replace(
        office.runtime.settings, smtp_url=Secret(server.url), mail_from="Acme <us@acme.example>"
    )
    return dataclasses.replace(office.runtime, settings=settings)


def into_files(office: Office, folder: Path) -> Runtime:
    settings = dataclasses.replace(office.runtime.settings, data_dir=folder)
    return dataclasses.replace(office.runtime, settings=settings)


def written(office: Office, once: str = "a", **said) -> str | None:
    new = {
        "kind": MessageKind.NOTE, "to": "ann@example.com", "to_name": "Ann", "about": "inv_1",
        "subject": "Hello", "text": "Good day", "html": "<p>Good day</p>",
    }  # fmt: skip
    return office.do(lambda work: mail.write(work, NewMessage(once=once, **new | said)))


def states(office: Office) -> list[tuple]:
    rows = office.rows("select state, tries, unknowns, why from message order by created_at, id")
    return [tuple(row) for row in rows]


def test_a_mail_is_sent_with_its_words_and_once(office: Office, server: MailServer) -> None:
    runtime = sending_through(office, server)
    written(office, subject="Rechnung für Ärzte", text="Größe €5")
    for _ in range(3):
        send_mail(runtime)
    (body,) = server.taken
    got = message_from_bytes(body, policy=policy.default)
    assert got["From"] == "Acme <us@acme.example>"
    assert got["To"] == "Ann <ann@example.com>"
    assert got["Subject"] == "Rechnung für Ärzte"
    words = [part.get_content().strip() for part in got.iter_parts()]
    assert words == ["Größe €5", "<p>Good day</p>"]
    assert got["Auto-Submitted"] == "auto-generated"
    assert states(office) == [("sent", 1, 0, None)]
    assert office.scalar("select carried_by from message") == "127.0.0.1"


def test_one_reason_is_one_mail(office: Office) -> None:
    assert written(office, "receipt/pay_1")
    assert written(office, "receipt/pay_1", text="in other words") is None
    assert office.scalar("select count(*) from message") == 1


def test_without_a_mail_server_mails_are_files(office: Office, tmp_path: Path) -> None:
    runtime = into_files(office, tmp_path)
    written(office)
    assert send_mail(runtime)
    (file,) = (tmp_path / "mail").iterdir()
    assert message_from_bytes(file.read_bytes())["Subject"] == "Hello"
    assert office.scalar("select carried_by from message") == f"mail/{file.name}"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"RCPT": "550 nobody of that name"}, "failed"),
        ({"DATA": "554 not that"}, "failed"),
        ({".": "552 too much"}, "failed"),
        ({"RCPT": "451 later"}, "waiting"),
        ({".": "451 later"}, "waiting"),
        ({"MAIL": None}, "waiting"),
        ({".": None, "lost": "yes"}, "waiting"),
    ],
)
def test_what_a_mail_server_may_say(
    office: Office, server: MailServer, answers: dict, state: str
) -> None:
    runtime = sending_through(office, server)
    server.answers = answers
    written(office)
    send_mail(runtime)
    ((found, tries, unknowns, why),) = states(office)
    assert (found, tries, unknowns) == (state, 1, int("lost" in answers))
    assert why
    server.answers = {}
    office.clock.advance(hours=1)
    send_mail(runtime)
    assert states(office)[0][0] == ("failed" if state == "failed" else "sent")


def test_a_mail_whose_answer_was_lost_is_sent_again_under_its_name_and_not_for_ever(
    office: Office, server: MailServer
) -> None:
    runtime = sending_through(office, server)
    server.answers = {".": None, "lost": "yes"}
    written(office)
    for _ in range(8):
        send_mail(runtime)
        office.clock.advance(hours=5)
    assert len(server.taken) == 3
    assert len({message_from_bytes(body)["Message-ID"] for body in server.taken}) == 1
    ((state, _, unknowns, why),) = states(office)
    assert (state, unknowns) == ("failed", 3)
    assert "lost" in why


def test_who_was_stopped_while_sending_is_followed_by_another_and_the_name_stays(
    office: Office, server: MailServer
) -> None:
    runtime = sending_through(office, server)
    written(office)
    with armed({"mail.after_send": strike}), pytest.raises(Struck):
        send_mail(runtime)
    assert send_mail(runtime) == 0  # somebody may still have it in hand
    office.clock.advance(minutes=4)
    send_mail(runtime)
    first, second = (message_from_bytes(body)["Message-ID"] for body in server.taken)
    assert first == second
    assert states(office) == [("sent", 2, 1, None)]


def test_several_senders_at_once_send_each_mail_once(office: Office, server: MailServer) -> None:
    runtime = sending_through(office, server)
    for number in range(12):
        written(office, f"reason {number}")
    with ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda _: send_mail(runtime), range(4)))
    names = [message_from_bytes(body)["Message-ID"] for body in server.taken]
    assert len(names) == len(set(names)) == 12


def test_a_mail_server_that_is_away_costs_no_try(office: Office, server: MailServer) -> None:
    runtime = sending_through(office, dataclasses.replace(server, port=1))
    written(office)
    assert send_mail(runtime) == 0
    ((state, tries, _, why),) = states(office)
    assert (state, tries) == ("waiting", 0)
    assert "no mail server" in why
    runtime = sending_through(office, server)
    assert send_mail(runtime) == 0  # half a minute is waited
    office.clock.advance(seconds=31)
    send_mail(runtime)
    assert states(office)[0][0] == "sent"


def test_the_switch_stops_the_very_next_mail(office: Office, server: MailServer) -> None:
    runtime = sending_through(office, server)
    for number in range(3):
        written(office, f"reason {number}")

    def stop() -> None:
        if len(server.taken) == 1:
            office.do(lambda w: switches.change(w, "outbound", on=False, reason="a drill"))

    with armed({"mail.after_send": stop}):
        send_mail(runtime)
    assert len(server.taken) == 1
    assert [state for state, *_ in states(office)].count("waiting") == 2
    office.do(lambda work: switches.change(work, "outbound", on=True, reason="over"))
    send_mail(runtime)
    assert len(server.taken) == 3


def test_a_sender_that_slept_since_its_last_look_does_not_send(
    office: Office, server: MailServer, monkeypatch
) -> None:
    runtime = sending_through(office, server)
    written(office)
    ticks = iter([0.0, 6.0])
    monkeypatch.setattr("reconciler.flows.send_mail._boot_seconds", lambda: next(ticks, 100.0))
    send_mail(runtime, messages_max=1)
    assert server.taken == []
    assert states(office)[0][0] == "waiting"


@pytest.mark.parametrize(
    ("to", "to_name", "subject"),
    [
        ("ann@example.com\r\nBcc: all@example.com", "Ann", "Hello"),
        ("ann@example.com", "Ann\r\nBcc: all@example.com", "Hello"),
        ("ann@example.com", "Ann", "Hello\r\nBcc: all@example.com\r\n\r\nmore"),
        ("ann@example.com", "Ann", "Hello\u2028Bcc: all@example.com"),
        ("ann@example.com", '"Ann" <all@example.com>,', "Hello"),
    ],
)
def test_nobody_can_put_a_header_into_a_mail(
    office: Office, server: MailServer, to: str, to_name: str, subject: str
) -> None:
    runtime = sending_through(office, server)
    written(office, to=to, to_name=to_name, subject=subject)
    send_mail(runtime)
    for body in server.taken:
        got = message_from_bytes(body, policy=policy.default)
        assert got["Bcc"] is None
        assert got["To"].addresses[0].addr_spec == "ann@example.com"
        assert len(got["To"].addresses) == 1
    assert [line for line in server.heard if line.startswith("RCPT")] in (
        [], ["RCPT TO:<ann@example.com>"],
    )  # fmt: skip


def test_whoever_has_no_address_is_written_nothing_and_people_see_why(office: Office) -> None:
    written(office, "a", to=None)
    written(office, "b", to="ann at example")
    assert [(state, why) for state, _, _, why in states(office)] == [
        ("failed", "there is no mail address"),
        ("failed", "the mail address cannot be written to"),
    ]


def test_what_failed_is_sent_when_somebody_says_so(office: Office, server: MailServer) -> None:
    runtime = sending_through(office, server)
    server.answers = {"RCPT": "550 nobody"}
    message_id = written(office)
    send_mail(runtime)
    server.answers = {}
    office.do(lambda work: mail.retry(work, message_id))
    send_mail(runtime)
    assert len(server.taken) == 1
    assert office.scalar("select action from audit_line where subject = :id", id=message_id) == (
        "message.retried"
    )


def test_a_mail_that_waits_does_not_hold_up_the_others(office: Office, server: MailServer) -> None:
    runtime = sending_through(office, server)
    written(office, "later", due_at=office.clock() + timedelta(days=1))
    written(office, "now")
    send_mail(runtime)
    assert [state for state, *_ in states(office)].count("sent") == 1
