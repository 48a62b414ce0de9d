"""Stories in which everything is done that people can do, each kind of deed at least once."""

from dataclasses import replace
from datetime import timedelta

from reconciler.books.consent import RefundPolicy
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.disputes import Decision
from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part as Share
from reconciler.books.proposals import digest, text
from reconciler.books.sign_offs import digest as signed
from reconciler.flows import another_route, keep_file
from reconciler.services import (
    allocations,
    applications,
    billing,
    change_orders,
    closings,
    credits_taken_back,
    customers,
    deposit_requests,
    deposits,
    disputes,
    forfeits,
    invoices,
    milestones,
    pay_links,
    projects,
    proposals,
    receipts,
    receipts_taken_back,
    refund_routes,
    refunds,
    resolutions,
    sign_offs,
)
from reconciler.services.allocations import Part
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.milestones import Stage
from reconciler.services.pay_links import PayAsk
from reconciler.services.projects import NewProject
from reconciler.services.proposals import NewProposal
from reconciler.services.receipts import Receipt
from reconciler.services.refunds import RefundAsk
from reconciler.services.resolutions import Resolution
from reconciler.store.projects import Milestone
from reconciler.store.proposals import Proposal
from reconciler.work import Cause, Work
from tests.builders import customer, deposit, invoice
from tests.file_samples import pdf
from tests.flows.bank_told import at_bank, imported, read, short
from tests.flows.telling import in_cash, paid, tell
from tests.flows.test_rebuild_purchases import every_deed
from tests.runtime import Office

ANN, BEN = Cause("person", "usr_ann"), Cause("person", "usr_ben")
POLICY = RefundPolicy()
_LINE = Line(description="Doors", quantity="4", unit_price=2_500)
_STAGES = (
    Stage(kind="deposit", part=Share(share=3_000)),
    Stage(kind="final", part=Share(share=7_000)),
)


def documents(office: Office) -> None:
    """Invoices, deposits and whose money is whose."""
    ann = customer(office, rail_id="cus_1")
    office.do(
        lambda w: customers.patch(w, ann, {"name": "Anna", "rail_customers": {"stripe": None}})
    )
    made = invoice(office, "INV-1", 5_000, customer_id=ann, send=False)
    office.do(lambda w: invoices.patch(w, made, {"total": 6_000, "due_on": office.clock().date()}))
    office.do(lambda w: invoices.patch(w, made, {"lines": (replace(_LINE, tax_rate="19"),)}))
    office.do(lambda w: invoices.send(w, made))
    office.do(lambda w: invoices.add_references(w, made, "stripe", ["in_77"]))
    held = deposit(office, "DEP-1", 3_000, customer_id=ann)
    office.do(lambda w: deposits.patch(w, held, {"notes": "for doors"}))
    office.do(lambda w: deposits.add_references(w, held, "stripe", ["cs_77"]))
    payment = paid(office, 5_000)
    parts = [Part(invoice_id=made, amount=2_000), Part(deposit_id=held, amount=3_000)]
    office.do(lambda w: allocations.allocate(w, payment, parts))
    claim = office.scalar(
        "select id from allocation where payment_id = :p and invoice_id = :i", p=payment, i=made
    )
    use = office.do(lambda w: applications.apply(w, held, made, 1_000))
    office.do(lambda w: applications.unapply(w, held, use))
    office.do(lambda w: applications.apply(w, held, made, 500))
    office.do(lambda w: allocations.unallocate(w, payment, claim))
    link = office.do(lambda w: pay_links.plan(w, PayAsk(noun="invoice", target_id=made)).id)
    office.do(lambda w: pay_links.record(w, link, "cs_88", "https://pay.test/88"))


def freed(office: Office) -> None:
    """Credit notes and voids that free money, each way."""
    ann = customer(office)
    for number, to in enumerate(("credit", "deposit", "refund")):
        made = invoice(office, f"CR-{number}", 4_000, customer_id=ann)
        paid(office, 4_000, invoice=f"CR-{number}")
        office.do(
            lambda w: invoices.credit_note(
                w,
                made,  # noqa: B023  at once
                amount=1_500,
                reason="less",
                freed_to=to,  # noqa: B023
                policy=POLICY,
            )
        )
    made = invoice(office, "CR-9", 4_000, customer_id=ann)
    paid(office, 4_000, invoice="CR-9")
    for to in ("credit", "deposit"):
        note = office.do(
            lambda w: invoices.credit_note(w, made, amount=900, reason="less", freed_to=to)  # noqa: B023
        )
        if to == "deposit":
            on_deposit = "select id, payment_id from allocation where deposit_id is not null"
            [claim] = office.rows(f"{on_deposit} and amount = 900")
            office.do(lambda w: allocations.unallocate(w, claim.payment_id, claim.id))  # noqa: B023
        office.do(lambda w: credits_taken_back.take_back(w, note, reason="It was not less"))  # noqa: B023
    taken = invoice(office, "RC-1", 600, customer_id=ann)
    noted = in_cash(office, taken)
    office.do(lambda w: receipts_taken_back.take_back(w, noted, reason="Noted twice"))
    for number, to in enumerate(("credit", "deposit")):
        made = invoice(office, f"VO-{number}", 2_000, customer_id=ann)
        paid(office, 2_000, invoice=f"VO-{number}")
        office.do(lambda w: invoices.void(w, made, release_to=to))  # noqa: B023
    held, made = (
        deposit(office, "DEP-V", 900, customer_id=ann),
        invoice(office, "VO-9", 900, customer_id=ann),
    )
    in_cash(office, held)
    office.do(lambda w: applications.apply(w, held, made))
    office.do(lambda w: invoices.void(w, made, release_to="credit"))


def projects_(office: Office) -> None:
    """A plan, what becomes of it, and a deposit that is used when its invoice is sent."""
    new = NewProject(
        customer_id=customer(office), name="Kitchen", currency="USD", original_price=9_000
    )
    project = office.do(lambda w: projects.create(w, new))
    office.do(
        lambda w: projects.patch(w, project, {"name": "The kitchen", "original_price": 10_000})
    )
    first, last = office.do(lambda w: milestones.plan(w, project, _STAGES))
    more = Stage(kind="midpoint", part=Share(amount=500), due_on=office.clock().date())
    order = NewChangeOrder(approved_price=10_500, reason="Doors", document="7", stages=[more])
    office.do(lambda w: change_orders.approve(w, project, order))
    added = office.scalar("select id from milestone where kind = 'midpoint'")
    office.do(lambda w: milestones.patch(w, added, {"amount": 400}))
    office.do(lambda w: milestones.drop(w, added))
    held = office.do(lambda w: billing.deposit(w, first))
    in_cash(office, held, 2_000)
    made = office.do(lambda w: billing.invoice(w, first))
    office.do(lambda w: invoices.send(w, made))
    assert office.scalar("select paid from invoice where id = :id", id=made) == 2_000
    for source in ("file", "portal"):
        sign(office, last, source)
    rest = office.do(lambda w: billing.invoice(w, last))
    office.do(lambda w: invoices.send(w, rest))


def sign(office: Office, milestone: str, source: str) -> None:
    if source == "file":
        with keep_file.kept(office.runtime, pdf()) as file:
            office.do(lambda w: sign_offs.sign_off_by_file(w, milestone, "ok.pdf", file))
        office.do(lambda w: milestones.patch(w, milestone, {"name": "Done"}))
        return
    seen = office.do(lambda w: signed(sign_offs.terms(w.session.get(Milestone, milestone))))
    office.do(lambda w: sign_offs.sign_off_by_client(w, milestone, "Ann Lee", seen=seen))


def offers(office: Office) -> None:
    """A proposal that is declined, written anew and accepted; another that is withdrawn."""
    new = NewProposal(
        customer_id=customer(office), name="Bath", currency="USD", lines=[_LINE], stages=_STAGES
    )
    made = office.do(lambda w: proposals.create(w, new))
    office.do(lambda w: proposals.rewrite(w, made, replace(new, introduction="Dear Ann,")))
    office.do(lambda w: proposals.send(w, made))
    office.do(lambda w: proposals.decline(w, made, name="Ann Lee", reason="too dear"))
    office.do(lambda w: proposals.revise(w, made))
    office.do(lambda w: proposals.send(w, made))
    seen = office.do(lambda w: digest(text(proposals.offer_of(w, w.session.get(Proposal, made)))))
    office.do(lambda w: proposals.accept(w, made, name="Ann Lee", seen=seen))
    other = office.do(lambda w: proposals.create(w, new))
    office.do(lambda w: proposals.withdraw(w, other, reason="too late"))


def ask(office: Office, by: Cause = ANN, **of) -> str:
    given = RefundAsk(**{"reason": "goodwill", "note": "sorry"} | of)
    return office.do(lambda w: refunds.request(w, given, POLICY), by)


def asked_back(office: Office) -> None:
    """Refunds by the rail: changed, approved, sent, failed, tried again; rejected, canceled."""
    made = invoice(office, "RF-1", 8_000)
    payment = paid(office, 8_000, invoice="RF-1")
    refund = ask(office, invoice_id=made, amount=3_000)
    office.do(lambda w: refunds.approve(w, refund), BEN)
    office.do(lambda w: refunds.change(w, refund, {"amount": 2_500, "note": None}, POLICY), ANN)
    office.do(lambda w: refunds.approve(w, refund), BEN)
    office.drain()
    office.clock.advance(days=29)
    rail_id = office.scalar("select rail_refund_id from refund_leg where status = 'succeeded'")
    office.world.advance_refund(rail_id, "failed", "declined")
    tell(office)
    office.do(lambda w: refunds.retry(w, refund), BEN)
    tell(office)
    assert office.scalar("select status from refund where id = :id", id=refund) == "succeeded"
    office.faults.add("drop_after", method="POST", path="/v1/refunds")
    lost = ask(office, payment_id=payment, amount=700)
    office.do(lambda w: refunds.approve(w, lost), BEN)
    tell(office)
    office.faults.clear()
    tell(office)
    for deed in (refunds.reject, refunds.cancel):
        other = ask(office, payment_id=payment, amount=100)
        office.do(lambda w: deed(w, other), BEN)  # noqa: B023


def other_ways(office: Office) -> None:
    """Cash is paid back by hand; what a rail cannot pay goes by transfer, or stays."""
    cash = in_cash(office, invoice(office, "CA-1", 2_000))
    refund = ask(office, payment_id=cash, amount=2_000)
    office.do(lambda w: refunds.approve(w, refund), BEN)
    office.do(lambda w: refunds.settle_by_hand(w, refund, reference="out of the till"), BEN)
    by_hand(office)
    for way in ("hand", "credit", "deposit"):
        number = f"OW-{way}"
        made = invoice(office, number, 5_000)
        paid(office, 5_000, invoice=number)
        refund = ask(office, invoice_id=made, amount=1_000)
        office.do(lambda w: refunds.approve(w, refund), BEN)  # noqa: B023
        tell(office)
        rail_id = office.scalar(
            "select rail_refund_id from refund_leg where refund_id = :id", id=refund
        )
        office.world.advance_refund(rail_id, "failed", "lost_or_stolen_card")
        tell(office)
        go(office, refund, way)


def by_hand(office: Office) -> None:
    """Asked for by hand at once, one after it was asked for by the rail; one goes by it again."""
    made = invoice(office, "BH-1", 5_000)
    paid(office, 5_000, invoice="BH-1")
    for amount, was, now in ((1_000, "hand", None), (500, "rail", "hand"), (300, "hand", "rail")):
        refund = ask(office, invoice_id=made, amount=amount, method=was)
        if now:
            office.do(lambda w: refunds.change(w, refund, {"method": now}, POLICY), ANN)  # noqa: B023
        office.do(lambda w: refunds.approve(w, refund), BEN)  # noqa: B023
        if (now or was) == "hand":
            day = office.clock().date() + timedelta(days=1)  # east of here it has begun
            office.do(
                lambda w: refunds.settle_by_hand(w, refund, reference="transfer", paid_on=day),  # noqa: B023
                BEN,
            )
        tell(office)
    day = office.clock().date() + timedelta(days=1)
    read(office, "out.csv", f"Date,Amount,Currency,Description\n{day},-10.00,USD,transfer\n")
    tied = office.scalar("select target_kind from bank_line where amount = -1000")
    assert tied == "refund"


def go(office: Office, refund: str, way: str) -> None:
    looked = another_route.look(office.runtime, refund)
    if way == "hand":
        office.do(
            lambda w: refund_routes.pay_another_way(w, refund, looked, method="bank_transfer"), ANN
        )
        office.do(lambda w: refunds.settle_by_hand(w, refund, reference="transfer"), BEN)
        return
    office.do(
        lambda w: refund_routes.keep(w, refund, looked, kept_as=way, consent="Ann, by mail"), BEN
    )


def decisions(office: Office) -> None:
    """What is owed after a refund made elsewhere, and after a loss; and taken back."""
    for number, action in enumerate(("reopen", "split", "credit")):
        made = invoice(office, f"EX-{number}", 4_000)
        payment = paid(office, 4_000, invoice=f"EX-{number}")
        charge = office.scalar("select facts->'charges' from payment where id = :id", id=payment)
        office.world.refund(next(iter(charge)), 1_000)
        tell(office)
        more = {"parts": (Part(invoice_id=made, amount=1_000),), "treatment": "reopen"}
        answer(office, payment, action, **(more if action == "split" else {}))
    item = office.scalar("select id from review_item where resolution = 'reopen: because'")
    office.do(lambda w: resolutions.undo(w, item))
    loose = paid(office, 123)
    answer(office, loose, "acknowledge")
    invoice(office, "LO-1", 3_000)
    payment = paid(office, 3_000, invoice="LO-1")
    charge = office.scalar("select facts->'charges' from payment where id = :id", id=payment)
    office.world.close_dispute(office.world.dispute(next(iter(charge))), "lost")
    tell(office)
    answer(office, payment, "write_off")
    case = office.scalar("select id from dispute where payment_id = :id", id=payment)
    office.do(lambda w: disputes.decide(w, case, Decision.UNDECIDED))
    office.do(lambda w: disputes.decide(w, case, Decision.CREDIT, note="they were right"))


def answer(office: Office, payment: str, action: str, **more) -> None:
    item = office.scalar(
        "select id from review_item where payment_id = :id and state = 'open'", id=payment
    )
    given = Resolution(action=action, note="because", **more)
    office.do(lambda w: resolutions.resolve(w, item, given, POLICY))


def closed(office: Office) -> None:
    """The books are closed through a day, further, and open again."""
    day = office.clock().date() - timedelta(days=30)
    office.do(lambda w: closings.close(w, day, note="October"))
    office.do(lambda w: closings.close(w, day + timedelta(days=1)))
    office.do(lambda w: closings.reopen(w, day, reason="a late bill"))
    office.do(lambda w: closings.reopen(w, None, reason="another"))
    made = invoice(office, "PP-1", 500)
    office.do(lambda w: invoices.take_parts(w, made, "any"))


def asked_for(office: Office) -> None:
    """A deposit that nobody pays ends, is asked for again, and its work begins."""
    held = deposit(office, "DEP-8", 700)
    office.do(lambda w: deposit_requests.end(w, held, why="nobody paid"))
    office.do(lambda w: deposit_requests.ask_again(w, held))
    in_cash(office, held)
    office.do(lambda w: deposit_requests.begin_work(w, held, office.clock().date()))
    terms = DepositTerms(once_begun=True, kept=5_000)
    forfeited = deposit(office, "DEP-9", 400, terms=terms)
    in_cash(office, forfeited)
    office.do(lambda w: deposit_requests.begin_work(w, forfeited, office.clock().date()))
    made = office.do(lambda w: forfeits.keep(w, forfeited))
    office.do(lambda w: forfeits.take_back(w, forfeited, made))
    office.do(lambda w: forfeits.keep(w, forfeited, 150, on=office.clock().date()))
    unpaid = deposit(office, "DEP-10", 500, expires_on=office.clock().date())
    office.do(lambda w: deposits.patch(w, unpaid, {"expires_on": None}))


def all_at_once(office: Office) -> None:
    """Many deeds in one transaction, as a program or an import may do them."""

    def step(work: Work) -> None:
        ann = customers.create(work, name="Ann")
        held = deposits.create(work, NewDeposit(customer_id=ann, currency="USD", amount=900))
        receipts.receive(work, held, Receipt("cash", work.now.date()))
        for number, amount in (("AO-1", 900), ("AO-2", 700)):
            new = NewInvoice(customer_id=ann, currency="USD", total=amount, number=number)
            made = invoices.create(work, new)
            invoices.send(work, made)
        receipts.receive(work, made, Receipt("cash", work.now.date()))
        invoices.credit_note(work, made, amount=200, reason="late", freed_to="deposit")

    office.do(step)


def numbered_at_once(office: Office) -> None:
    """Who began first waited for the other, and got the later number."""
    ann = customer(office)
    made: dict[int, str] = {}
    for seconds in (1, 2):
        made[seconds] = invoice(office, f"AT-{seconds}", 4_000, customer_id=ann)
        paid(office, 4_000, invoice=f"AT-{seconds}")
    began = office.clock.instant
    for seconds in (2, 1):
        office.clock.instant = began + timedelta(seconds=seconds)
        office.do(
            lambda w: invoices.credit_note(
                w,
                made[seconds],  # noqa: B023  at once
                amount=100,
                reason="less",
                freed_to="credit",
            )
        )


def crowded_out(office: Office) -> None:
    """What was approved has no room any more, for the rail gave the money back by itself."""
    payment = paid(office, 4_000)
    for amount in (1_000, 2_500):
        refund = ask(office, payment_id=payment, amount=amount)
        office.do(lambda w: refunds.approve(w, refund), BEN)  # noqa: B023
    charge = office.scalar("select facts->'charges' from payment where id = :id", id=payment)
    office.world.refund(next(iter(charge)), 3_000)
    tell(office)


STORIES = (
    documents, freed, short, numbered_at_once, projects_, offers, asked_back, crowded_out,
    other_ways, decisions, at_bank, every_deed, all_at_once, closed, asked_for, imported,
)  # fmt: skip
