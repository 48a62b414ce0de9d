"""Taxed and paid documents from a file, made anew: the same, to the unit and the day."""

import pytest

from reconciler.flows.rebuild import rebuild
from reconciler.services.replaying import LAW
from tests.flows.bank_told import bring
from tests.flows.telling import by_the_owner
from tests.runtime import Office, may_make_a_schema
from tests.services.test_imported_money import LAST_YEAR


@pytest.fixture(autouse=True)
def owned(office: Office, owner_url: str) -> Office:
    """Its books may be made anew."""
    return may_make_a_schema(office, owner_url)


def differing(office: Office) -> list[str]:
    return [one.detail for one in rebuild(office.runtime)[0] if one.invariant == LAW]


def test_what_came_with_its_money_is_taken_over_again(office: Office) -> None:
    bring(office, LAST_YEAR)
    office.clock.advance(minutes=5)
    bring(office, LAST_YEAR.replace("deposit,stripe:cus_1; other:7", "hold,stripe:cus_9"))
    assert differing(office) == []


DUE = {"update deposit set due_on = '2025-02-11'": "deposit "}
OTHERS = {
    "update deposit set expires_on = '2025-02-21'": "deposit ",
    "update customer_rail_id set rail_customer_id = 'cus_x' where rail = 'stripe'":
        "customer of a rail",
    "update bill_payment set paid_on = '2025-05-10'": "payment of a bill",
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("planted", [DUE, OTHERS], ids=["due", "others"])
def test_what_somebody_changed_behind_it_is_named(
    office: Office, owner_url: str, planted: dict[str, str]
) -> None:
    bring(office, LAST_YEAR)
    for statement in planted:
        by_the_owner(owner_url, statement)
    told = differing(office)
    for word in planted.values():
        assert any(detail.startswith(word) for detail in told), told
