"""People and programs at one refund at once: one wins, the others read why, nobody sees a fault."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.runtime import Office
from tests.web.api import Api
from tests.web.screens import Screens, Somebody, open_screens, said

CAPTURED = 300_000
TURNS = 4  # of a race whose winner is not known beforehand
_ONCE = re.compile(r'name="once" value="([^"]+)"')


@dataclass
class Town:
    """An invoice of 3,000.00 paid by card, and whoever wants money of it back."""

    screens: Screens
    api: Api
    payment: str

    def browsers(self, number: int, name: str = "reconciler") -> list[Somebody]:
        return [self.screens.as_(name) for _ in range(number)]

    def lines_of(self, somebody: Somebody, number: int) -> list[Somebody]:
        """The same browser several times, as one that does not wait for its first answer."""
        cookie = somebody.client.get_cookie("reconciler")
        assert cookie is not None, "somebody is signed in"
        lines = [self.screens.browser() for _ in range(number)]
        for line in lines:
            line.set_cookie("reconciler", cookie.value)
        return [Somebody(line, somebody.token) for line in lines]

    def programs(self, number: int) -> list[Api]:
        """Programs with a key and a line each."""
        app = self.screens.app
        made = [Api(self.screens.office, app.test_client()) for _ in range(number)]
        for place, one in enumerate(made):
            one.key(f"refund {place}")
        return made

    def ask(self, amount: str = "300.00") -> str:
        """A refund that waits for a second person; gives its id."""
        answer = self.browsers(1)[0].post("/refunds/new", self.form(amount))
        assert answer.status_code == 303, said(answer)
        return answer.location.rpartition("/")[2].partition("?")[0]

    def form(self, amount: str, **more: str) -> dict[str, str]:
        """What the page that asks for a refund sends."""
        asked = {"amount": amount, "reason": "goodwill", "treatment": "credit"}
        return {"payment": self.payment, **asked, **more}

    def refunds(self) -> list:
        """Every refund, the first asked for first."""
        return self.screens.office.rows("select * from refund order by requested_at, id")

    def row(self, refund: str):
        """One refund as it stands now."""
        return self.screens.office.rows("select * from refund where id = :id", id=refund)[0]

    def is_within_the_cap(self) -> bool:
        asked = "select coalesce(sum(amount), 0) from refund_leg where status <> 'canceled'"
        return self.screens.office.scalar(asked) <= CAPTURED


@pytest.fixture
def town(office: Office) -> Town:
    screens = open_screens(office)
    birch = screens.customer("Birch")
    screens.invoice(birch, CAPTURED, "INV-1041")
    payment = screens.paid(CAPTURED, metadata={"invoice": "INV-1041"})
    return Town(screens, Api(office, screens.app.test_client()), payment)


def together(*calls: Callable[[], TestResponse]) -> list[TestResponse]:
    """Make all calls at once; a fault in any of them is the test's."""
    gate = threading.Barrier(len(calls))
    answers: list[TestResponse | None] = [None] * len(calls)
    faults: list[BaseException] = []

    def make(place: int, call: Callable[[], TestResponse]) -> None:
        gate.wait()
        try:
            answers[place] = call()
        except BaseException as fault:  # noqa: BLE001  told by the test's own thread
            faults.append(fault)

    threads = [threading.Thread(target=make, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return [answer for answer in answers if answer is not None]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("amount", "winners"), [(CAPTURED, 1), (200_000, 1), (60_000, 5)])
def test_five_programs_and_five_people_want_one_payments_money_at_once(town, amount, winners):
    typed = f"{amount // 100}.00"
    body = {"payment_id": town.payment, "amount": amount, "reason": "goodwill"}
    browsers, programs = town.browsers(5), town.programs(5)
    answers = together(
        *(
            partial(one.post, "/refunds", body, by=f"refund {place}")
            for place, one in enumerate(programs)
        ),
        *(partial(one.post, "/refunds/new", town.form(typed)) for one in browsers),
    )
    by_program, by_person = answers[:5], answers[5:]
    made = [answer for answer in by_program if answer.status_code == 201]
    made += [answer for answer in by_person if answer.status_code == 303]
    lost = [answer for answer in answers if answer not in made]
    assert (len(made), len(lost)) == (winners, 10 - winners)
    assert {answer.status_code for answer in lost} == {422}
    for answer in lost:
        words = answer.get_json()["detail"] if answer in by_program else said(answer)
        assert "can be refunded here" in words, words
    assert len(town.refunds()) == winners
    assert town.is_within_the_cap()
    town.screens.office.drain()
    sent = town.screens.office.world.table("refund").values()
    assert sum(one["amount"] for one in sent) <= CAPTURED
    assert town.screens.office.violations() == []


def once(page: TestResponse) -> str:
    """The name that the page's form has."""
    found = _ONCE.search(page.get_data(as_text=True))
    assert found, "the form has no name of its own"
    return unescape(found[1])


def test_a_form_that_is_sent_twice_by_a_double_click_counts_once(town):
    rae = town.browsers(1)[0]
    form = town.form("300.00", once=once(rae.get(f"/refunds/new?payment={town.payment}")))
    clicks = [partial(one.post, "/refunds/new", form) for one in town.lines_of(rae, 3)]
    answers = together(*clicks)
    answers.append(rae.post("/refunds/new", form))
    (refund,) = town.refunds()
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.location for answer in answers} == {f"/admin/refunds/{refund.id}?did=asked"}


def test_a_form_that_was_sent_and_filled_anew_is_not_taken_for_the_same(town):
    rae = town.browsers(1)[0]
    form = town.form("300.00", once=once(rae.get(f"/refunds/new?payment={town.payment}")))
    assert rae.post("/refunds/new", form).status_code == 303
    other = rae.post("/refunds/new", form | {"amount": "310.00"})
    assert other.status_code == 409
    assert "This form was sent already, with something else in it. Nothing was done." in said(other)
    assert [refund.amount for refund in town.refunds()] == [30_000]
    form["once"] = once(other)  # the page that says so is a form of its own
    assert rae.post("/refunds/new", form | {"amount": "310.00"}).status_code == 303
    assert [refund.amount for refund in town.refunds()] == [30_000, 31_000]


def test_what_did_not_go_through_can_be_sent_again_from_the_same_form(town):
    rae = town.browsers(1)[0]
    form = town.form("9000.00", once=once(rae.get(f"/refunds/new?payment={town.payment}")))
    assert rae.post("/refunds/new", form).status_code == 422
    assert rae.post("/refunds/new", form | {"amount": "300.00"}).status_code == 303


def test_two_forms_of_two_people_are_two_requests(town):
    name = "the same name by chance"
    for somebody in (*town.browsers(1), *town.browsers(1, "admin")):
        form = town.form("300.00", once=name)
        assert somebody.post("/refunds/new", form).status_code == 303
    assert len(town.refunds()) == 2


def test_a_deposit_is_not_applied_twice_by_a_double_click(town):
    screens = town.screens
    cedar = screens.customer("Cedar")
    screens.invoice(cedar, 50_000, "INV-1050")
    screens.deposit(cedar, 60_000, "DEP-1001")
    screens.paid(60_000, metadata={"deposit": "DEP-1001"})
    rae = screens.as_("reconciler")
    for page, path, more in (
        ("/deposits/DEP-1001", "/deposits/DEP-1001/apply", "invoice_id"),
        ("/invoices/INV-1050", "/invoices/INV-1050/apply", "deposit_id"),
    ):
        target = screens.ids["INV-1050" if more == "invoice_id" else "DEP-1001"]
        form = {more: target, "amount": "100.00", "once": once(rae.get(page))}
        answers = together(*(partial(one.post, path, form) for one in town.lines_of(rae, 2)))
        assert {answer.status_code for answer in answers} == {303}
    assert screens.office.scalar("select applied from deposit") == 20_000


def revised(town: Town, refund: str) -> dict[str, int]:
    return {"rev": town.screens.rev("refund", refund)}


def wins(*answers: TestResponse) -> list[bool]:
    """Who won; who did not reads that nothing was done, and how it stands."""
    for answer in answers:
        assert answer.status_code in {200, 303, 409}, answer.status_code
        if answer.status_code == 409 and answer.is_json:
            assert "changed" in answer.get_json()["detail"] or "is" in answer.get_json()["detail"]
        elif answer.status_code == 409:
            assert "Nothing was done. Below is how it stands now." in said(answer)
    return [answer.status_code != 409 for answer in answers]


def test_of_two_approvers_one_approves(town):
    aki, bo = town.browsers(1, "approver")[0], town.browsers(1, "second")[0]
    for _ in range(TURNS):
        refund = town.ask("10.00")
        sent = (f"/refunds/{refund}/approve", revised(town, refund))
        won = wins(*together(partial(aki.post, *sent), partial(bo.post, *sent)))
        assert sorted(won) == [False, True]
        winner = town.screens.known["approver" if won[0] else "second"]
        assert (town.row(refund).status, town.row(refund).approved_by) == ("approved", winner)


def test_an_approval_and_a_cancellation_at_once_leave_one_of_them(town):
    aki, rae = town.browsers(1, "approver")[0], town.browsers(1)[0]
    for _ in range(TURNS):
        refund = town.ask("10.00")
        form = revised(town, refund)
        approved, canceled = wins(
            *together(
                partial(aki.post, f"/refunds/{refund}/approve", form),
                partial(rae.post, f"/refunds/{refund}/cancel", form),
            )
        )
        assert approved != canceled
        assert town.row(refund).status == ("approved" if approved else "canceled")


def test_an_approval_and_an_edit_at_once_never_approve_what_nobody_saw(town):
    aki, program = town.browsers(1, "approver")[0], town.programs(1)[0]
    edit = partial(program.call, "PATCH", by="refund 0")
    for _ in range(TURNS):
        refund = town.ask("10.00")
        form = revised(town, refund)
        approved, edited = wins(
            *together(
                partial(aki.post, f"/refunds/{refund}/approve", form),
                partial(edit, f"/refunds/{refund}", json=form | {"amount": 2_000}),
            )
        )
        assert approved != edited
        expected = ("approved", 1_000) if approved else ("requested", 2_000)
        assert (town.row(refund).status, town.row(refund).amount) == expected


def test_what_was_read_in_another_tab_before_is_not_decided(town):
    aki = town.browsers(1, "approver")[0]
    refund = town.ask()
    old = revised(town, refund)
    program = town.programs(1)[0]
    change = {"amount": 29_000}
    assert (
        program.call("PATCH", f"/refunds/{refund}", by="refund 0", json=change).status_code == 200
    )
    late = aki.post(f"/refunds/{refund}/approve", old)
    assert late.status_code == 409
    assert "Nothing was done. Below is how it stands now." in said(late)
    assert "$290.00" in said(late)
    assert town.refunds()[0].status == "requested"
