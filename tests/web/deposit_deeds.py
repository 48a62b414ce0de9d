"""Deeds around deposits that are asked for, for deeds.py."""

from reconciler.services import reminders

_API = "/api/v1/deposits/<deposit_id>"
_ALL_KEPT = {"terms": {"kept_percent": "100"}}


def _asked(house, **sent):
    return {"deposit_id": house.api.a_deposit()["id"]}, sent


def _on_screen(house, **form):
    made = house.api.a_deposit()
    return {"name": made["id"]}, {"rev": str(made["rev"])} | form


def _again(house):
    names, _ = _asked(house)
    house.api.make(f"/deposits/{names['deposit_id']}/end", {"why": "They went elsewhere"})
    return names, {}


def _forfeited(house):
    """A deposit of 100.00 that its terms keep from the first day, and what was kept of it."""
    made = house.api.a_deposit(**_ALL_KEPT)["id"]
    receipt = {"source": "cash", "received_on": "2026-11-20", "amount": 10_000}
    house.api.make(f"/deposits/{made}/receipts", receipt)
    return made, house.api.make(f"/deposits/{made}/forfeits", {"amount": 2_000})["forfeits"][0]


def _kept(house):
    return {"deposit_id": _forfeited(house)[0]}, {"amount": 3_000}


def _held_again(house):
    made, kept = _forfeited(house)
    return {"deposit_id": made, "forfeit_id": kept["id"]}, {}


def _kept_on_screen(house):
    return {"name": _forfeited(house)[0]}, {"kept_amount": "30.00", "kept_on": "2026-11-20"}


def _reminded(house):
    if house.api.read("/reminder-plans/house")["is_paused"]:
        house.screens.office.do(lambda w: reminders.resume(w, "house"))
    house.api.settle()  # none is sent while events wait, such as one that is replayed
    owner = house.api.a_customer("Ann Lee", email="ann@example.com")
    made = house.api.a_deposit(customer_id=owner["id"], due_on="2026-12-01")
    return {"deposit_id": made["id"]}, {"action": "send"}


DEEDS = {
    f"POST {_API}/reminders": _reminded,
    f"POST {_API}/forfeits": _kept,
    f"DELETE {_API}/forfeits/<forfeit_id>": _held_again,
    "POST /admin/deposits/<name>/forfeit": _kept_on_screen,
    f"POST {_API}/work-began": lambda house: _asked(house, on="2026-11-20"),
    f"POST {_API}/end": lambda house: _asked(house, why="They went elsewhere"),
    f"POST {_API}/ask-again": _again,
    "POST /admin/deposits/<name>/terms": lambda house: _on_screen(
        house, kept="20", within_days="14", once_begun="yes", due_on="2026-12-01"
    ),
    "POST /admin/deposits/<name>/work-began": lambda house: _on_screen(house, on="2026-11-20"),
    "POST /admin/deposits/<name>/end": lambda house: _on_screen(
        house, do="end", why="They went elsewhere"
    ),
}
