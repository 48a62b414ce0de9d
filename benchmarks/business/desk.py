"""What people leave at the desk: notes, files, mails, links, who is told what, and views."""

import hashlib
import json
from datetime import date, timedelta

from benchmarks.business import rail
from benchmarks.business.documents import Papers, customer
from benchmarks.business.pen import COMMAND, Pen
from benchmarks.business.refunds import People
from benchmarks.plans import EMAIL, PASSWORD
from reconciler.books.import_kinds import ImportKind
from reconciler.books.observations import RailEvent
from reconciler.books.people import Role
from reconciler.books.portal import Scope
from reconciler.books.reminder_words import ReminderMoment, ReminderWords
from reconciler.flows import import_files, keep_file
from reconciler.services import (
    attachments,
    closings,
    import_drafts,
    inbox,
    notes,
    pay_links,
    people,
    portal_links,
    reminder_texts,
    reminders,
    review_desk,
    saved_views,
    short_payments,
    sign_offs,
    webhooks,
)
from reconciler.services.pay_links import PayAsk
from reconciler.services.reminders import PlanChange
from reconciler.work import Cause, Work

_PDF = "%%PDF-1.4\n%% %s\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF\n"
_HOOKS = 4
_ON_ONE_THING = 150  # notes and files of the thing that has most of them
_FULL_DAY = date(2026, 8, 1)  # before the first payment
_MAILS = """insert into message (id, kind, state, once, name, customer_id, about, recipient,
      recipient_name, subject, body_text, body_html, due_at, tries, why, carried_by, cause_kind,
      cause_id, created_at, sent_at)
    select 'msg_b' || n, 'receipt', case n %% 50 when 0 then 'failed' else 'sent' end,
      'receipt/b' || n, md5('b' || n), 'cus_b' || n %% 1000, 'inv_b' || n %% %s,
      'buyer' || n %% 1000 || '@example.com', 'Customer ' || n %% 1000, 'Thank you',
      repeat('We have received your payment. ', 20), '', now(), 1,
      case n %% 50 when 0 then 'the mail server does not know this address' end, 'mail.example',
      'command', 'benchmark', now() - n * interval '1 minute',
      case when n %% 50 > 0 then now() - n * interval '1 minute' end
    from generate_series(1, %s) n"""
# All but the newest were delivered, most at the first try.
_DELIVERED = """update webhook_delivery set state = 'delivered', tries = 1, ended_at = now()
    where event_seq <= (select max(seq) from webhook_event) - %s"""
_ATTEMPTS = """insert into webhook_attempt (id, delivery_id, at, status, took_ms)
    select 'wha_' || id, id, ended_at, 200, 41 from webhook_delivery where state = 'delivered'"""
_PAID_BY = """select invoice_id, payment_id from allocation
    where invoice_id = any(%s) and closed_at is null order by invoice_id"""
_OPEN = """select id from review_item where state = 'open' and kind <> 'dispute'
    order by opened_at desc, id desc limit %s"""


def staff(pen: Pen) -> People:
    """Who works here, and who is told of what happens. Whoever looks at the pages asks for much."""
    roles = [Role.RECONCILER, Role.APPROVER, Role.VIEWER]

    def add(work: Work, number: int) -> str:
        return people.create_user(
            work, email=f"desk{number}@example.com", password=PASSWORD,
            role=roles[number % len(roles)], name=f"Desk {number}",
        )  # fmt: skip

    pen.runtime.do(COMMAND, lambda work: people.ensure_first_admin(work, EMAIL, PASSWORD))
    made = pen.each(range(pen.of(30, 6)), add, at_once=3)
    pen.each(range(_HOOKS), lambda work, number: _endpoint(pen, work, number))
    pen.each(range(12), _close)
    ((visitor,),) = pen.bench.sql("select id from user_account where email = %s", EMAIL)
    return People(asker=str(visitor), approver=made[1])


def _endpoint(pen: Pen, work: Work, number: int) -> None:
    url = f"https://hooks{number}.example.com/books"
    webhooks.create(work, pen.runtime.seals, url=url, note=f"Shop {number}")


def _close(work: Work, month: int) -> None:
    closings.close(work, _FULL_DAY - timedelta(days=30 * (12 - month)), note=f"Month {month}")


def leave(pen: Pen, papers: Papers, who: People) -> None:
    """All that hangs on what is there already."""
    _tell_and_mail(pen)
    _note(pen, papers)
    _attach(pen, papers)
    pen.each(range(pen.of(2_000, 20)), lambda work, number: _link(work, papers, number))
    pen.each(range(pen.of(1_000, 20)), _to_pay)
    _come_short(pen)
    pen.each(ReminderMoment, _words)
    pen.each(range(1, pen.of(100, 6)), _plan)
    _hand_over(pen, who)
    _put_aside(pen, who)
    pen.each(range(20), _view, cause=Cause("person", who.asker))


def _tell_and_mail(pen: Pen) -> None:
    pen.bench.sql(_MAILS, pen.payments, pen.of(50_000, 200))
    pen.bench.sql(_DELIVERED, pen.of(1_000, 20))
    pen.bench.sql(_ATTEMPTS)


def _note(pen: Pen, papers: Papers) -> None:
    """Most on one customer and one invoice, and some on everybody."""
    last = f"inv_b{pen.payments - 1}"
    much = [one for one in ("cus_b0", last, papers.projects[0]) for _ in range(_ON_ONE_THING)]
    rest = [customer(number) for number in range(pen.of(10_000, 40))]
    said = "They asked for another day, and said that the rest comes with the next invoice."
    pen.each([*much, *rest], lambda work, subject: notes.add(work, subject, said), at_once=200)


def _attach(pen: Pen, papers: Papers) -> None:
    """Files on one deposit and a few others, and a sign-off on some milestones."""
    codes = [code for code, _ in papers.deposits]
    known = pen.bench.sql("select id from deposit where code = any(%s)", codes[:40])
    where = [str(known[0][0])] * _ON_ONE_THING + [str(row[0]) for row in known]
    for at, deposit in enumerate(where):
        with keep_file.kept(pen.runtime, (_PDF % at).encode()) as file:
            name = f"receipt-{at}.pdf"
            pen.runtime.do(
                COMMAND,
                lambda work: attachments.keep_on_deposit(work, deposit, name, file),  # noqa: B023  run at once
            )
    for milestone in papers.milestones[: pen.of(200, 6)]:
        with keep_file.kept(pen.runtime, (_PDF % milestone).encode()) as file:
            pen.runtime.do(
                COMMAND,
                lambda work: sign_offs.sign_off_by_file(work, milestone, "signed.pdf", file),  # noqa: B023  run at once
            )


def _link(work: Work, papers: Papers, number: int) -> None:
    if number % 2:
        portal_links.create(work, scope=Scope.CUSTOMER, subject_id=customer(number))
        return
    project = papers.projects[number % len(papers.projects)]
    portal_links.create(work, scope=Scope.PROJECT, subject_id=project)


def _to_pay(work: Work, at: int) -> None:
    """Through a page of the rail; every third is ended again."""
    target = f"inv_b{at * 4 + 1}"  # captured in part, so that something is left
    planned = pay_links.plan(work, PayAsk(noun="invoice", target_id=target))
    pay_links.record(work, planned.id, f"cs_{at:012d}", f"https://pay.example/{at}")
    if at % 3 == 0:
        pay_links.revoke(work, planned.id)


def _come_short(pen: Pen) -> None:
    """Of payments that were captured in part, a little of what is missing is a bank's fee."""
    short = [f"inv_b{at * 124 + 6}" for at in range(pen.of(200, 10))]

    def step(work: Work, paid: tuple[object, ...]) -> None:
        invoice_id, payment_id = map(str, paid)
        short_payments.bear(
            work, invoice_id, why="Their bank took it", bounds={}, amount=40, payment_id=payment_id
        )

    pen.each(pen.bench.sql(_PAID_BY, short), step)


def _words(work: Work, moment: ReminderMoment) -> None:
    said = ReminderWords(
        subject="About {number}", opening="Of {number}, {left} is left to pay.", closing="{house}"
    )
    reminder_texts.write(work, moment, said)


def _plan(work: Work, number: int) -> None:
    if number % 2:
        reminders.change(work, f"cus_b{number}", PlanChange(steps=[0, 7, 21]))
    else:
        reminders.pause(work, f"cus_b{number}", until=None, why="We are talking")


def _hand_over(pen: Pen, who: People) -> None:
    """Files of customers and documents, looked at; some are taken over."""
    for number in range(pen.of(60, 6)):
        head = "external_id,name,email"
        rows = [f"b{number}-{at},Import {number} {at},a{at}@example.com" for at in range(200)]
        body = "\n".join([head, *rows]).encode()
        handed = import_files.keep(
            pen.runtime, body, file_name=f"customers-{number}.csv", kind=ImportKind.CUSTOMER
        )
        cause = Cause("person", who.asker)
        pen.runtime.do(cause, lambda work: import_drafts.add(work, handed))  # noqa: B023  run at once
    while import_files.import_files(pen.runtime):
        pass


def _put_aside(pen: Pen, who: People) -> None:
    """Of the newest questions some are somebody's, and some wait for a later day."""
    items = [str(row[0]) for row in pen.bench.sql(_OPEN, pen.of(600, 12))]

    def step(work: Work, at: tuple[int, str]) -> None:
        place, item = at
        if place % 3 == 0:
            review_desk.assign(work, item, who.approver)
        elif place % 3 == 1:
            review_desk.snooze(work, item, work.now.date() + timedelta(days=5))

    pen.each([*enumerate(items)], step)


def _view(work: Work, at: int) -> None:
    saved_views.save(
        work, page="/admin/invoices", query=f"view=overdue&customer=cus_b{at}", name=f"Late {at}",
        is_shared=at % 2 == 0,
    )  # fmt: skip


def mistrust(pen: Pen) -> None:
    """Messages of another mode, and such as come again with other words."""

    def step(work: Work, number: int) -> None:
        kind, body = "charge.updated", json.dumps({"number": number}).encode()
        event = RailEvent(
            rail="stripe", account="own", id=f"evt_{number:018d}other", kind=kind,
            livemode=True, api_version=None, created=1_790_000_000, body=body,
        )  # fmt: skip
        inbox.store_event(work, event, quarantine="it is of live mode, and these books are not")
        told = rail.happened(number, "2", "charge.updated", {"id": hashlib.md5(body).hexdigest()})  # noqa: S324  a name
        again = RailEvent(
            rail="stripe", account="own", id=str(told["id"]), kind=kind, livemode=False,
            api_version=str(told["api_version"]), created=1_790_000_000,
            body=json.dumps(told).encode(),
        )  # fmt: skip
        inbox.note_conflict(work, again)

    pen.each(range(pen.of(100, 6)), step)
