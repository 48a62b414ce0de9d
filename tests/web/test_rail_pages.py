"""Ids of the rail lead to its own pages; ours and the sandbox's lead nowhere."""

import pytest

from reconciler.web import rail_pages

AT = "https://dashboard.stripe.com/"


@pytest.mark.parametrize(
    ("object_id", "page"),
    [
        ("pi_1", "payments/pi_1"),
        ("ch_1", "payments/ch_1"),
        ("cus_1", "customers/cus_1"),
        ("po_1", "payouts/po_1"),
        ("evt_1", "events/evt_1"),
        ("dp_1", "disputes/dp_1"),
        ("re_1", "search?query=re_1"),
        ("pi_1/../x", "payments/pi_1%2F..%2Fx"),
    ],
)
@pytest.mark.parametrize(("livemode", "mode"), [(True, ""), (False, "test/")])
def test_an_id_leads_to_its_page(object_id, page, livemode, mode):
    found = rail_pages.of_id("stripe", object_id, livemode=livemode, is_sandbox=False)
    assert found == f"{AT}{mode}{page}"


@pytest.mark.parametrize(
    ("rail", "object_id", "is_sandbox"),
    [("manual", "pi_1", False), ("stripe", "pi_1", True), ("stripe", "INV-1", False),
     ("stripe", "inv_1", False)],
)  # fmt: skip
def test_what_the_rail_does_not_show_leads_nowhere(rail, object_id, is_sandbox):
    assert rail_pages.of_id(rail, object_id, livemode=True, is_sandbox=is_sandbox) is None
