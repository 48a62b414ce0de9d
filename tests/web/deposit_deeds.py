"""Deeds around deposits that are asked for, for deeds.py."""

_API = "/api/v1/deposits/<deposit_id>"


def _asked(house, **sent):
    return {"deposit_id": house.api.a_deposit()["id"]}, sent


def _on_screen(house, **form):
    made = house.api.a_deposit()
    return {"name": made["id"]}, {"rev": str(made["rev"])} | form


def _again(house):
    names, _ = _asked(house)
    house.api.make(f"/deposits/{names['deposit_id']}/end", {"why": "They went elsewhere"})
    return names, {}


DEEDS = {
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
