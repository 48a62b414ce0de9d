"""Deeds around the client's page, for deeds.py."""

from tests.web.project_deeds import offered

_API = "/api/v1"


def _ends_a_link(house):
    customer = house.api.a_customer()["id"]
    made = house.api.make(f"/customers/{customer}/portal-links")
    return {"link_id": made["link"]["id"]}, {}


DEEDS = {
    f"POST {_API}/customers/<customer_id>/portal-links": lambda house: (
        {"customer_id": house.api.a_customer()["id"]},
        {"days": 7},
    ),
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
}
