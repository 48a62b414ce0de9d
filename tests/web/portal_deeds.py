"""Deeds around the client's page, for deeds.py."""

from tests.web.project_deeds import offered

_API = "/api/v1"


def _ends_a_link(house):
    customer = house.api.a_customer()["id"]
    made = house.api.make(f"/customers/{customer}/portal-links")
    return {"link_id": made["link"]["id"]}, {}


def _can_be_mailed(house):
    return {"customer_id": house.api.a_customer(email="ann@example.com")["id"]}, {}


def _pay_link(house):
    return house.api.make(f"/invoices/{house.invoice()}/pay-links")["id"]


def _takes_parts(house):
    made = house.api.an_invoice()
    return {"name": made["id"]}, {"rev": str(made["rev"]), "parts": "full"}


DEEDS = {
    f"POST {_API}/customers/<customer_id>/portal-links": lambda house: (
        {"customer_id": house.api.a_customer()["id"]},
        {"days": 7},
    ),
    f"POST {_API}/customers/<customer_id>/mail": _can_be_mailed,
    "POST /admin/customers/<customer_id>/mail": _can_be_mailed,
    f"POST {_API}/projects/<project_id>/portal-links": lambda house: (
        {"project_id": house.api.a_project()["id"]},
        {},
    ),
    f"POST {_API}/proposals/<proposal_id>/portal-links": lambda house: (
        {"proposal_id": offered(house)["id"]},
        {},
    ),
    f"POST {_API}/portal-links/<link_id>/revoke": _ends_a_link,
    "POST /admin/portal-links": lambda house: (
        {},
        {"scope": "customer", "subject_id": house.api.a_customer()["id"], "days": "7"},
    ),
    "POST /admin/portal-links/<link_id>/revoke": _ends_a_link,
    "POST /admin/invoices/<name>/pay-link": lambda house: ({"name": house.invoice()}, {}),
    "POST /admin/deposits/<name>/pay-link": lambda house: (
        {"name": house.api.a_deposit()["id"]},
        {},
    ),
    "POST /admin/pay-links/<pay_link_id>/revoke": lambda house: (
        {"pay_link_id": _pay_link(house)},
        {},
    ),
    "POST /admin/invoices/<name>/part-payments": _takes_parts,
    f"POST {_API}/invoices/<invoice_id>/part-payments": lambda house: (
        {"invoice_id": house.invoice()},
        {"part_payments": "full"},
    ),
    f"POST {_API}/invoices/<invoice_id>/pay-links": lambda house: (
        {"invoice_id": house.invoice()},
        {"amount": 500},
    ),
    f"POST {_API}/deposits/<deposit_id>/pay-links": lambda house: (
        {"deposit_id": house.api.a_deposit()["id"]},
        {},
    ),
    f"POST {_API}/pay-links/<pay_link_id>/revoke": lambda house: (
        {"pay_link_id": _pay_link(house)},
        {},
    ),
}
