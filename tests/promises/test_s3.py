"""Milestones with sign-off, as they are promised.

The number in a test's name is the promise's; README says in words what each of them is.
"""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.reads import client_statements
from tests.file_samples import pdf
from tests.web.api import Api, empty_api, ok, refused

__all__ = ["empty_api"]

PLAN = (("deposit", 30), ("midpoint", 40), ("final", 30))
CASH = {"source": "cash", "received_on": "2026-11-20"}


def at(api: Api, project) -> dict:
    """The project as it is read now."""
    return api.read(f"/projects/{project['id']}")


def statuses(api: Api, project) -> list[str]:
    return [one["status"] for one in at(api, project)["milestones"]]


def sign_off(api: Api, milestone_id: str):
    form = {"file": (io.BytesIO(pdf()), "approved.pdf")}
    path = f"/milestones/{milestone_id}/sign-offs"
    return ok(api.call("POST", path, data=form, content_type="multipart/form-data"))


def billed(api: Api, milestone_id: str, *, send: bool = True):
    """The milestone's invoice, signed off and sent."""
    sign_off(api, milestone_id)
    made = api.make(f"/milestones/{milestone_id}/invoice")
    return api.make(f"/invoices/{made['id']}/send") if send else made


def reconciled(api: Api, project) -> None:
    """What the project says is what its documents and the ledger say."""
    now = at(api, project)
    sent = [
        one
        for one in api.read("/invoices", project_id=project["id"])["data"]
        if one["status"] not in {"draft", "void"}
    ]
    assert now["invoiced"] == sum(one["total"] for one in sent)
    assert now["paid"] == sum(one["paid"] for one in sent)
    assert now["credited"] == sum(one["credited"] for one in sent)
    assert now["outstanding"] == sum(one["outstanding"] for one in sent)
    assert now["invoiced"] - now["credited"] - now["paid"] == now["outstanding"]
    held = api.read("/deposits", project_id=project["id"])["data"]
    assert now["held"] == sum(one["remaining"] for one in held)
    today = api.office.clock().date()
    with api.office.runtime.read() as session:
        told = client_statements.of_project(session, project["id"], today.replace(day=1), today)
    assert sum(one.closing for one in told) == now["outstanding"] - now["held"]
    api.sound()


def test_50_a_plan_of_deposit_midpoint_and_final_comes_to_the_contract_to_the_cent(empty_api):
    project = empty_api.a_project(100_001, plan=PLAN)
    amounts = [one["amount"] for one in project["milestones"]]
    assert amounts == [30_000, 40_001, 30_000]
    assert sum(amounts) == project["approved_price"]


def test_49_a_deposit_of_30_percent_is_held_and_pays_its_invoice_once_the_work_begins(empty_api):
    api = empty_api
    project = api.a_project(200_000, plan=PLAN)
    first = project["milestones"][0]["id"]
    deposit = api.make(f"/milestones/{first}/deposit")
    api.paid(60_000, metadata={"deposit": deposit["code"]})
    assert statuses(api, project) == ["paid", "draft", "draft"]
    assert (at(api, project)["held"], at(api, project)["invoiced"]) == (60_000, 0)
    made = api.make(f"/milestones/{first}/invoice")
    sent = api.make(f"/invoices/{made['id']}/send")
    assert (sent["status"], sent["paid"]) == ("paid", 60_000)
    assert statuses(api, project)[0] == "paid"
    assert (at(api, project)["held"], at(api, project)["paid"]) == (0, 60_000)
    reconciled(api, project)


def test_51_an_invoice_with_its_sign_off_missing_is_refused_or_says_why(empty_api):
    api = empty_api
    project = api.a_project(plan=PLAN)
    _, middle, last = (one["id"] for one in project["milestones"])
    made = api.make(f"/milestones/{middle}/invoice")
    path = f"/invoices/{made['id']}/send"
    with api.unchanged():
        refused(api.post(path), 422, "without_sign_off")
    assert statuses(api, project)[1] == "draft"
    api.make(path, {"without_sign_off": "Signed on paper, the scan follows"})
    assert statuses(api, project)[1] == "sent"
    assert billed(api, last)["status"] == "sent"


def test_51_a_sign_off_is_kept_on_the_milestone_whose_invoice_it_authorizes(empty_api):
    api = empty_api
    middle = api.a_project(plan=PLAN)["milestones"][1]["id"]
    sign_off(api, middle)
    [kept] = api.read(f"/milestones/{middle}")["sign_offs"]
    assert (kept["source"], kept["version"], kept["is_current"]) == ("file", 1, True)
    assert len(kept["sha256"]) == 64
    made = api.make(f"/milestones/{middle}/invoice")
    assert made["sign_offs"] == [kept]
    assert api.read(f"/invoices/{made['id']}")["sign_offs"] == [kept]
    api.make(f"/invoices/{made['id']}/void")
    assert api.read(f"/invoices/{made['id']}")["sign_offs"] == []


def test_52_the_final_payment_closes_the_invoice_by_itself_and_the_milestone_says_paid(empty_api):
    api = empty_api
    project = api.a_project(200_000, plan=PLAN)
    last = billed(api, project["milestones"][2]["id"])
    api.paid(20_000, metadata={"invoice": last["number"]})
    assert statuses(api, project)[2] == "partially_paid"
    api.paid(40_000, metadata={"invoice": last["number"]})
    assert statuses(api, project)[2] == "paid"
    assert api.read(f"/invoices/{last['id']}")["status"] == "paid"
    reconciled(api, project)


def test_29_the_invoice_number_leads_from_the_milestone_to_the_money_and_back(empty_api):
    api = empty_api
    project = api.a_project(plan=PLAN)
    middle = project["milestones"][1]["id"]
    invoice = billed(api, middle)
    payment = api.paid(4_000, description=f"Thank you, {invoice['number']}")
    milestone = api.read(f"/milestones/{middle}")
    assert milestone["invoice_number"] == invoice["number"]
    assert milestone["invoice_id"] == invoice["id"]
    assert api.read(f"/invoices/{invoice['id']}")["milestone_id"] == middle
    assert payment["allocations"][0]["invoice_id"] == invoice["id"]
    assert milestone["status"] == "paid"


def test_53_a_milestone_past_its_due_day_is_overdue(empty_api):
    api = empty_api
    project = api.a_project()
    stage = {"kind": "final", "amount": 10_000, "due_on": "2026-11-21"}
    made = api.make(f"/projects/{project['id']}/milestones", stage)
    assert made["status"] == "draft"
    billed(api, made["id"])
    assert statuses(api, project) == ["overdue"]
    assert at(api, project)["overdue"] == 10_000


def test_52_void_credit_and_refund_bring_the_milestone_back(empty_api):
    api = empty_api
    project = api.a_project(30_000, plan=(("midpoint", 50), ("final", 50)))
    middle, last = (one["id"] for one in project["milestones"])
    draft = billed(api, middle, send=False)
    ok(api.post(f"/invoices/{draft['id']}/void"))
    assert statuses(api, project)[0] == "draft"
    sent = billed(api, middle)
    ok(api.post(f"/invoices/{sent['id']}/void"))
    assert statuses(api, project)[0] == "draft"
    third = billed(api, middle)
    api.in_cash(third["id"], 5_000)
    api.make(f"/invoices/{third['id']}/credit-notes", {"amount": 10_000, "reason": "Smaller"})
    assert statuses(api, project)[0] == "paid"
    other = billed(api, last)
    payment = api.paid(15_000, metadata={"invoice": other["number"]})
    assert statuses(api, project)[1] == "paid"
    api.office.world.refund(payment["rail_payment_id"], 15_000)
    api.settle()
    assert statuses(api, project)[1] == "refunded"  # a refund at the rail is not asked for again
    reconciled(api, project)


def test_55_a_change_order_moves_the_last_approved_price_and_the_totals_reconcile(empty_api):
    api = empty_api
    project = api.a_project(100_000, plan=PLAN)
    change = {"approved_price": 125_000, "reason": "A second bathroom", "approved_by": "Ann Lee",
              "milestones": [{"kind": "named", "name": "Bathroom", "percent": 100}]}  # fmt: skip
    changed = api.make(f"/projects/{project['id']}/change-orders", change)
    assert (changed["original_price"], changed["approved_price"]) == (100_000, 125_000)
    assert changed["planned"] == 125_000
    billed(api, changed["milestones"][3]["id"])
    now = at(api, project)
    assert (now["invoiced"], now["paid"], now["outstanding"]) == (25_000, 0, 25_000)
    reconciled(api, project)


@pytest.mark.parametrize("people", [2, 8])
def test_52_people_who_bill_at_once_never_exceed_the_plan(empty_api, people):
    api = empty_api
    project = api.a_project(10_000, plan=PLAN)
    ids = [one["id"] for one in project["milestones"]]
    head = {"Authorization": f"Bearer {api.key('write')}"}
    client = api.client.application.test_client

    def bill(turn: int) -> int:
        path = f"/api/v1/milestones/{ids[turn % 3]}/invoice"
        return client().post(path, json={}, headers=head).status_code

    with ThreadPoolExecutor(people) as crowd:
        answers = list(crowd.map(bill, range(3 * people)))
    assert sorted(answers) == [201] * 3 + [409] * (3 * people - 3)
    made = api.read("/invoices", project_id=project["id"])["data"]
    assert sum(one["total"] for one in made) == project["approved_price"]
    api.sound()


def test_55_the_whole_contract_is_paid_to_the_last_unit(empty_api):
    api = empty_api
    project = api.a_project(100_001, plan=PLAN)
    first, *others = (one["id"] for one in project["milestones"])
    deposit = api.make(f"/milestones/{first}/deposit")
    api.make(f"/deposits/{deposit['id']}/receipts", CASH | {"amount": 30_000})
    billed(api, first)
    for milestone in others:
        api.in_cash(billed(api, milestone)["id"])
    assert statuses(api, project) == ["paid"] * 3
    now = at(api, project)
    assert (now["invoiced"], now["paid"], now["outstanding"]) == (100_001, 100_001, 0)
    reconciled(api, project)


def test_48_an_accepted_proposal_becomes_the_project_its_milestones_and_the_deposit(empty_api):
    api = empty_api
    offer = {
        "customer_id": api.a_customer()["id"], "name": "Kitchen", "currency": "USD",
        "lines": [{"description": "Oak doors", "quantity": "3", "unit_price": 33_333},
                  {"description": "Delivery", "unit_price": 2}],
        "milestones": [{"kind": kind, "percent": percent} for kind, percent in PLAN],
    }  # fmt: skip
    made = api.make("/proposals", offer)
    made = api.make(f"/proposals/{made['id']}/send")
    project = api.make(
        f"/proposals/{made['id']}/accept", {"name": "Ann Lee", "sha256": made["sha256"]}
    )
    assert [one["amount"] for one in project["milestones"]] == [30_000, 40_001, 30_000]
    assert statuses(api, project) == ["sent", "draft", "draft"]
    [deposit] = api.read("/deposits", project_id=project["id"])["data"]
    assert deposit["amount"] == 30_000
    kept = api.read(f"/proposals/{made['id']}")
    assert (kept["status"], kept["decided_by"]) == ("accepted", "Ann Lee")
    assert (kept["sha256"], kept["text"]) == (made["sha256"], made["text"])
    reconciled(api, project)
