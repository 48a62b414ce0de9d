"""An office that writes to its customers: mails become files, which a test reads like mails."""

import dataclasses
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from reconciler.books.mail import MessageKind
from reconciler.books.webhooks import Told
from reconciler.flows.remind import plan_reminders
from reconciler.flows.send_mail import send_mail
from reconciler.runtime import Runtime
from reconciler.services import customers, mail, reminders, webhooks
from reconciler.services.mail import NewMessage
from reconciler.services.reminders import PlanChange
from reconciler.services.webhooks import News
from tests.builders import invoice
from tests.runtime import Office

DUE = "2026-12-01"
OF_INVOICE = "select state, step, why from message where about = :id order by created_at, step"


@dataclass(repr=False)
class MailRoom:
    """Whoever writes, and what they have written."""

    office: Office
    folder: Path
    runtime: Runtime

    def an_invoice(self, number: str, total: int, **more) -> str:
        """One that is owed by somebody who can be written to."""
        if "customer_id" not in more:
            more["customer_id"] = self.a_customer()
        return invoice(self.office, number, total, **{"due_on": _day(DUE)} | more)

    def a_customer(self, name: str = "Ann", email: str | None = "ann@example.com", **more) -> str:
        return self.office.do(lambda work: customers.create(work, name=name, email=email, **more))

    def on(self, day: str, hour: int = 9) -> None:
        """Let it be this day, with all that came in applied."""
        self.office.clock.instant = self.office.clock().replace(
            year=int(day[:4]), month=int(day[5:7]), day=int(day[8:]), hour=hour, minute=0, second=0
        )

    def work(self) -> list[EmailMessage]:
        """Write what is due, send it, and give what is new."""
        before = {file.name for file in self._files()}
        plan_reminders(self.runtime)
        send_mail(self.runtime)
        return [_read(file) for file in self._files() if file.name not in before]

    def letters(self) -> list[EmailMessage]:
        """All that was ever sent."""
        return [_read(file) for file in self._files()]

    def of(self, invoice_id: str) -> list[tuple]:
        """The reminders of an invoice: state, step, why."""
        return [tuple(row) for row in self.office.rows(OF_INVOICE, id=invoice_id)]

    def _files(self) -> list[Path]:
        return sorted((self.folder / "mail").glob("*.eml"), key=lambda f: f.stat().st_mtime_ns)


def open_mail_room(office: Office, folder: Path) -> MailRoom:
    """The mail room of an office. Receipts are off, until a test turns them on."""
    plan = PlanChange(steps=[-3, 0, 7, 14], receipts=False)
    office.do(lambda work: reminders.change(work, "house", plan))
    settings = dataclasses.replace(
        office.runtime.settings, data_dir=folder, mail_from="Acme Studio <us@acme.example>"
    )
    return MailRoom(office, folder, dataclasses.replace(office.runtime, settings=settings))


def a_mail(made) -> None:
    """A mail that nobody has carried yet, and a webhook that has arrived."""
    new = NewMessage(
        kind=MessageKind.NOTE,
        to="ann@example.com",
        to_name="Ann",
        about="inv_1",
        once="a note",
        subject="Good day",
        text="Good day to you",
    )
    made.ids["mail"] = made.office.do(lambda work: mail.write(work, new))
    seals = made.office.runtime.seals
    made.ids["endpoint"], _ = made.office.do(
        lambda work: webhooks.create(work, seals, url="https://hooks.acme.dev/in", note="The shop")
    )
    news = News(kind=Told.INVOICE_PAID, object_id="inv_1", key="1", data={"number": "INV-1"})
    made.office.do(lambda work: webhooks.tell(work, [news]))
    parcel = made.office.do(lambda work: webhooks.claim(work, seals))
    made.office.do(lambda work: webhooks.record(work, parcel, status=200, took_ms=35))
    made.ids["delivery"] = parcel.delivery_id


def said(letter: EmailMessage) -> str:
    """The plain words of a mail."""
    body = letter.get_body(("plain",))
    assert body is not None
    return body.get_content().replace("\r\n", "\n")


def page(letter: EmailMessage) -> str:
    """The HTML of a mail."""
    body = letter.get_body(("html",))
    assert body is not None
    return body.get_content().replace("\r\n", "\n")


def _read(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=policy.default)


def _day(text: str) -> date:
    return date.fromisoformat(text)
