"""One balance in every place, after histories that people and rails make up together by chance.

What befalls payments at the rail alone is told in test_any_life.py, against an oracle. Here people
are at work as well: credit notes, deposits that come late or are kept under their terms, applied,
taken off and held again, money by hand, and what of all this was wrong taken back. Nothing but
agreement is asked for: of API, screens, client's page, project, statement, reminder, paper and
export with each other and with the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.invoice_lines import Line
from reconciler.books.observations import RefundStage
from reconciler.books.plans import Part as Share
from reconciler.errors import Refused
from reconciler.flows.find_payments import find_payments
from reconciler.services import (
    applications,
    billing,
    credits_taken_back,
    deposit_requests,
    forfeits,
    invoices,
    milestones,
    projects,
    receipts,
    receipts_taken_back,
)
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from reconciler.services.receipts import Receipt
from reconciler.work import Work
from tests.builders import captured, customer, deposit, invoice, named, observe, refund
from tests.runtime import Office, open_office
from tests.stories.figures import all_agree

pytestmark = pytest.mark.usefixtures("unmeasured")
_numbers = count(1)
TODAY = date(2026, 11, 22)
KINDS = (
    "pay", "pay", "pay", "give_back", "not_arrived", "credit", "begin", "keep", "hold_again", "use",
    "take_off", "late", "free", "not_less", "cash", "not_come",
)  # fmt: skip
DEEDS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 4), st.integers(1, 9).map(lambda n: n * 700)),
    min_size=2,
    max_size=14,
)
LIVES = settings().max_examples // 3


@pytest.fixture(scope="module")
def shared(module_database_url: str, line, stripe_api) -> Office:
    """One office for all histories: each has a customer and documents of its own."""
    office = open_office(module_database_url, line, stripe_api)
    yield office
    office.runtime.engine.dispose()


@dataclass
class History:
    """A customer with a taxed invoice, one without tax, a deposit on terms, and a project.

    The project's first invoice is sent before its deposit is paid, so that the deposit comes late.
    """

    office: Office
    number: int = field(default_factory=lambda: next(_numbers))
    paid: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        office = self.office
        self.ann = customer(office)
        terms = DepositTerms(once_begun=True, kept=6_000)
        taxed = (Line(description="Work", unit_price=10_001, tax_rate="19"),)
        self.invoices = [
            invoice(office, f"OB-{self.number}.1", None, customer_id=self.ann, lines=taxed),
            invoice(office, f"OB-{self.number}.2", 7_000, customer_id=self.ann),
            office.do(self._milestone),
        ]
        code = f"OBD-{self.number}"
        self.deposits = [
            deposit(office, code, 9_000, customer_id=self.ann, terms=terms),
            office.scalar("select id from deposit where customer_id = :c and code <> :code",
                          c=self.ann, code=code),
        ]  # fmt: skip

    def _milestone(self, work: Work) -> str:
        new = NewProject(customer_id=self.ann, name="Bath", currency="USD", original_price=20_000)
        plan = [
            Stage(kind="deposit", part=Share(amount=5_000)),
            Stage(kind="final", part=Share(amount=15_000)),
        ]
        first = milestones.plan(work, projects.create(work, new), plan)[0]
        billing.deposit(work, first)
        made = billing.invoice(work, first)
        invoices.send(work, made)
        return made

    def live(self, told: list[tuple[str, int, int]]) -> None:
        """Do all of it; what is refused did not happen."""
        for kind, place, amount in told:
            deed: Callable[[int, int], None] = getattr(self, kind)
            try:
                deed(place, amount)
            except (Refused, IndexError):
                continue

    def pay(self, place: int, amount: int) -> None:
        """A card payment that names an invoice or a deposit."""
        noun = "invoice_id" if place < 3 else "deposit_id"
        target = [*self.invoices, *self.deposits][place]
        payment_id = f"pi_ob_{self.number}_{len(self.paid)}"
        self.paid.append((payment_id, amount, named(**{noun: target})))
        self._see(-1)

    def give_back(self, place: int, amount: int) -> None:
        """Somebody refunds a part of a payment in the rail's own dashboard."""
        payment_id, whole, _ = self.paid[place]
        known = self.refunds.setdefault(payment_id, {})
        left = whole - sum(one.amount for one in known.values() if one.stage == RefundStage.LEFT)
        part = min(left, amount)
        if part:
            known |= refund(f"re_{payment_id}_{len(known)}", part)
            self._see(place)

    def not_arrived(self, place: int, amount: int) -> None:
        """The last refund of a payment comes back."""
        payment_id = self.paid[place][0]
        for name, last in list(self.refunds.get(payment_id, {}).items())[-1:]:
            self.refunds[payment_id] |= refund(name, last.amount, RefundStage.FAILED)
            self._see(place)

    def credit(self, place: int, amount: int) -> None:
        """Less is owed; what is freed becomes credit."""
        target = self.invoices[place]
        self._do(
            lambda w: invoices.credit_note(
                w, target, amount=amount, reason="Less", freed_to="credit"
            )
        )

    def free(self, place: int, amount: int) -> None:
        """The same, and what is freed becomes a deposit."""
        target = self.invoices[place]
        self._do(
            lambda w: invoices.credit_note(
                w, target, amount=amount, reason="Less", freed_to="deposit"
            )
        )

    def not_less(self, place: int, amount: int) -> None:
        """A credit note was wrong, and is taken back."""
        note = self.office.rows(
            """select n.id from credit_note n where n.invoice_id = :id and not exists (
              select 1 from credit_note_taken_back t where t.credit_note_id = n.id)
            order by n.created_at, n.id""",
            id=self.invoices[place],
        )[amount // 700 % 2 - 1]
        self._do(lambda w: credits_taken_back.take_back(w, note.id))

    def cash(self, place: int, amount: int) -> None:
        """Money is noted by hand, also more than is owed."""
        target = [*self.invoices, *self.deposits][place]
        came = Receipt("cash", TODAY, amount, may_overpay=True)
        self._do(lambda w: receipts.receive(w, target, came))

    def not_come(self, place: int, amount: int) -> None:
        """The last that was noted by hand had not come."""
        noted = self.office.rows(
            """select id from payment where customer_id = :c and rail = 'manual' and captured > 0
            order by created_at, id""",
            c=self.ann,
        )[-1]
        self._do(lambda w: receipts_taken_back.take_back(w, noted.id))

    def begin(self, place: int, amount: int) -> None:
        """Work begins, or has not."""
        on = TODAY if amount % 2 == 0 else None
        self._do(lambda w: deposit_requests.begin_work(w, self.deposits[0], on))

    def keep(self, place: int, amount: int) -> None:
        """What terms keep becomes income, in part or whole."""
        part = None if place > 2 else amount
        self._do(lambda w: forfeits.keep(w, self.deposits[0], part))

    def hold_again(self, place: int, amount: int) -> None:
        """The last that was kept is held again."""
        kept = self._uses("invoice_id is null")[-1]
        self._do(lambda w: forfeits.take_back(w, self.deposits[0], kept))

    def use(self, place: int, amount: int) -> None:
        """A deposit on an invoice."""
        source, target = self.deposits[place % 2], self.invoices[place % 3]
        self._do(lambda w: applications.apply(w, source, target, amount if place else None))

    def take_off(self, place: int, amount: int) -> None:
        """The last use of a deposit is taken off again."""
        source = self.deposits[place % 2]
        last = self._uses("invoice_id is not null and deposit_id = :source", source=source)[-1]
        self._do(lambda w: applications.unapply(w, source, last))

    def late(self, place: int, amount: int) -> None:
        """What came late is used on its milestone's invoice."""
        find_payments(self.office.runtime)

    def _see(self, place: int) -> None:
        payment_id, amount, names = self.paid[place]
        known = self.refunds.get(payment_id, {})
        observe(self.office, captured(amount, payment_id, named=names, refunds=known))

    def _do(self, step: Callable[[Work], object]) -> None:
        self.office.do(step)

    def _uses(self, which: str, **given: str) -> list[str]:
        rows = self.office.rows(
            f"""select id from application where closed_at is null and {which}
            and deposit_id = any(:deposits) order by created_at, id""",
            deposits=self.deposits,
            **given,
        )
        return [row.id for row in rows]


EVERYTHING = [
    ("pay", 3, 6_300), ("begin", 0, 1_400), ("keep", 0, 700), ("keep", 4, 0), ("pay", 4, 4_900),
    ("late", 0, 0), ("pay", 0, 5_600), ("credit", 0, 1_400), ("use", 4, 700),
    ("give_back", 0, 6_300), ("not_arrived", 0, 0), ("free", 0, 6_300), ("take_off", 0, 0),
    ("hold_again", 0, 0), ("credit", 1, 700), ("not_less", 1, 700), ("cash", 1, 2_100),
    ("not_come", 0, 0),
]  # fmt: skip


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=LIVES,
)
@given(DEEDS)
@example(EVERYTHING)
def test_whatever_people_and_rails_do_every_place_says_one_balance(shared: Office, told) -> None:
    history = History(shared)
    history.live(told)
    all_agree(shared, history.ann, {})
    assert shared.violations() == []


def test_such_histories_have_all_of_it_in_them(shared: Office) -> None:
    history = History(shared)
    for deed in EVERYTHING:
        history.live([deed])
        all_agree(shared, history.ann, {})
    done = {
        row.action
        for row in shared.rows(
            "select distinct action from audit_line where subject = any(:ids)",
            ids=[*history.invoices, *history.deposits],
        )
    }
    assert done >= {
        "deposit.forfeited", "deposit.forfeit_reversed", "deposit.applied", "deposit.unapplied",
        "invoice.credited", "invoice.credit_taken_back", "deposit.work_began",
    }, done  # fmt: skip
    late = shared.scalar(
        "select count(*) from application where deposit_id = :d and cause_kind = 'job'",
        d=history.deposits[1],
    )
    assert late == 1
