"""Closed periods on screen: an approver closes, an admin opens, and what came late is listed."""

from tests.web.screens import Screens, said


def test_an_approver_closes_and_an_admin_opens_with_a_reason(screens: Screens) -> None:
    approver = screens.as_("approver")
    page = approver.read("/ledger/periods")
    assert "Every day is open" in page
    done = approver.post("/ledger/periods/close", {"through": "2026-10-31", "note": "October"})
    assert done.status_code == 303
    page = approver.read("/ledger/periods?closed=1")
    assert "Closed and opened Closed through 31 Oct 2026" in page
    assert "counts on 1 Nov 2026 or later" in page
    assert "Open the books" not in page
    assert "closed through 31 Oct 2026" in approver.read("/ledger/trial-balance")
    admin = screens.as_("admin")
    refused = admin.post("/ledger/periods/reopen", {"reason": ""})
    assert refused.status_code == 422
    admin.post("/ledger/periods/reopen", {"through": "2026-09-30", "reason": "A bill was missing"})
    assert "Opened again after 30 Sep 2026" in admin.read("/ledger/periods")


def test_a_day_that_is_not_over_is_refused_by_name_and_stays_typed(screens: Screens) -> None:
    answer = screens.as_("admin").post("/ledger/periods/close", {"through": "2026-11-22"})
    assert answer.status_code == 422
    assert "The last day that can be closed is 2026-11-21" in said(answer) or (
        "the last day that can be closed is 2026-11-21" in said(answer)
    )
    assert 'value="2026-11-22"' in answer.get_data(as_text=True)


def test_the_journal_says_when_an_entry_counts_and_when_it_happened(screens: Screens) -> None:
    admin = screens.as_("admin")
    admin.post("/ledger/periods/close", {"through": "2026-11-21"})
    ann = screens.customer("Ann Lee")
    owed = screens.invoice(ann, 5_000, "INV-1")
    form = {"amount": "50.00", "received_on": "2026-11-20", "source": "cash"}
    assert admin.post(f"/invoices/{owed}/receive", form).status_code == 303
    journal = admin.read("/ledger/entries")
    assert "counts on 22 Nov 2026, happened on 20 Nov 2026, which was closed" in journal
    assert "20 Nov 2026 22 Nov 2026" in admin.read("/ledger/periods")
    invoice = admin.read(f"/invoices/{owed}")
    assert "of 20 Nov 2026, which was closed: it counts on 22 Nov 2026" in invoice
