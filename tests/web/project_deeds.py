"""The deeds of projects and their milestones; see deeds.py."""

_API = "/api/v1"


def _sends(house):
    milestone = house.milestone()
    invoice = house.api.make(f"/milestones/{milestone}/invoice")["id"]
    return {"milestone_id": milestone}, {"invoice_id": invoice, "due_on": "2026-12-20"}


def offered(house, *, send: bool = True):
    """A proposal of 100.00."""
    made = house.api.make("/proposals", _offer(house))
    return house.api.make(f"/proposals/{made['id']}/send") if send else made


def _offer(house):
    return {
        "customer_id": house.api.a_customer()["id"], "name": "Kitchen", "currency": "USD",
        "lines": [{"description": "Doors", "quantity": "4", "unit_price": 2_500}],
        "milestones": [{"kind": "deposit", "percent": 30}, {"kind": "final", "percent": 70}],
    }  # fmt: skip


def _accepts(house):
    made = offered(house)
    return {"proposal_id": made["id"]}, {"name": "Ann Lee", "sha256": made["sha256"]}


def _on(body, *, send: bool = True):
    return lambda house: ({"proposal_id": offered(house, send=send)["id"]}, body)


def _mails(house):
    made = offered(house)
    house.api.patch(f"/customers/{made['customer_id']}", {"email": "ann@example.com"})
    return {"proposal_id": made["id"]}, {}


def _rewrites(house):
    made = offered(house, send=False)
    form = {
        "rev": "1", "customer": made["customer_id"], "name": "Kitchen", "currency": "USD",
        "description-line-1": "Doors", "unit_price-line-1": "100", "kind-1": "final",
        "share-1": "100 %", "conditions": "As always",
    }  # fmt: skip
    return {"proposal_id": made["id"]}, form


PROJECTS = {
    f"POST {_API}/proposals": lambda house: ({}, _offer(house)),
    f"PUT {_API}/proposals/<proposal_id>": lambda house: (
        {"proposal_id": offered(house, send=False)["id"]}, _offer(house),
    ),
    f"POST {_API}/proposals/<proposal_id>/send": _on({}, send=False),
    f"POST {_API}/proposals/<proposal_id>/withdraw": _on({"reason": "Too late"}),
    f"POST {_API}/proposals/<proposal_id>/revise": _on({}),
    f"POST {_API}/proposals/<proposal_id>/decline": _on({"name": "Ann Lee"}),
    f"POST {_API}/proposals/<proposal_id>/accept": _accepts,
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
    "POST /admin/proposals/new": lambda house: (
        {}, {"customer": house.api.a_customer()["id"], "name": "Kitchen", "currency": "usd",
             "description-line-1": "Doors", "unit_price-line-1": "100", "kind-1": "final",
             "share-1": "100 %"},
    ),
    "POST /admin/proposals/<proposal_id>/send": _on({"rev": "1"}, send=False),
    "POST /admin/proposals/<proposal_id>/change": _rewrites,
    "POST /admin/proposals/<proposal_id>/revise": _on({"rev": "2"}),
    "POST /admin/proposals/<proposal_id>/mail": _mails,
    f"POST {_API}/proposals/<proposal_id>/mail": _mails,
    "POST /admin/proposals/<proposal_id>/withdraw": _on({"rev": "2", "reason": "Too late"}),
    "POST /admin/proposals/<proposal_id>/accept": _accepts,
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
    "POST /admin/milestones/<milestone_id>/change": lambda house: (
        {"milestone_id": house.milestone()},
        {"rev": "1", "kind": "deposit", "name": "First", "amount": "20.00"},
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
