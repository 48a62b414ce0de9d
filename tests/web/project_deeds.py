"""The deeds of projects and their milestones; see deeds.py."""

_API = "/api/v1"


def _sends(house):
    milestone = house.milestone()
    invoice = house.api.make(f"/milestones/{milestone}/invoice")["id"]
    return {"milestone_id": milestone}, {"invoice_id": invoice}


PROJECTS = {
    f"POST {_API}/projects": lambda house: (
        {}, {"customer_id": house.api.a_customer()["id"], "name": "Kitchen", "currency": "USD",
             "original_price": 100},
    ),
    f"PATCH {_API}/projects/<project_id>": lambda house: (
        {"project_id": house.api.a_project()["id"]}, {"name": "Bath"},
    ),
    f"POST {_API}/projects/<project_id>/milestones": lambda house: (
        {"project_id": house.api.a_project()["id"]}, {"kind": "final", "amount": 100},
    ),
    f"POST {_API}/projects/<project_id>/change-orders": lambda house: (
        {"project_id": house.api.a_project()["id"]},
        {"approved_price": 12_000, "reason": "Two more doors"},
    ),
    f"PATCH {_API}/milestones/<milestone_id>": lambda house: (
        {"milestone_id": house.milestone()}, {"name": "Done"},
    ),
    f"DELETE {_API}/milestones/<milestone_id>": lambda house: (
        {"milestone_id": house.milestone()}, {},
    ),
    f"POST {_API}/milestones/<milestone_id>/invoice": lambda house: (
        {"milestone_id": house.milestone()}, {},
    ),
    f"POST {_API}/milestones/<milestone_id>/deposit": lambda house: (
        {"milestone_id": house.milestone()}, {},
    ),
    "POST /admin/projects/new": lambda house: (
        {}, {"customer": house.api.a_customer()["id"], "name": "Kitchen", "currency": "usd",
             "price": "1,000.01", "kind-1": "final", "share-1": "100 %"},
    ),
    "POST /admin/projects/<project_id>/milestones": lambda house: (
        {"project_id": house.api.a_project()["id"]}, {"kind-1": "final", "share-1": "40 %"},
    ),
    "POST /admin/projects/<project_id>/change-orders": lambda house: (
        {"project_id": house.api.a_project()["id"]},
        {"approved_price": "120.00", "reason": "Two more doors"},
    ),
    "POST /admin/milestones/<milestone_id>/invoice": lambda house: (
        {"milestone_id": house.milestone()}, {},
    ),
    "POST /admin/milestones/<milestone_id>/send": _sends,
    "POST /admin/milestones/<milestone_id>/deposit": lambda house: (
        {"milestone_id": house.milestone()}, {},
    ),
    "POST /admin/milestones/<milestone_id>/drop": lambda house: (
        {"milestone_id": house.milestone()}, {},
    ),
}  # fmt: skip
