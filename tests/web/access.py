"""Who may call what: every address and method of the joined application, against everybody.

The table beside this file is the law; `test_access.py` holds the application against it. A route
that is new has no row there, and the test says so. `python -m tests.web.access` prints the table
with a row for each new route, as the route itself says who may use it, and without rows of routes
that are gone. Read each new row before you keep it: that is what the table is for.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import Map

import wsgi
from reconciler.books.people import Role, Scope, grants, is_at_least
from reconciler.runtime import Runtime
from reconciler.web.admin.blueprint import routes
from reconciler.web.api.blueprint import PREFIX, ROUTES
from tests.runtime import settings_for

PAPER = Path(__file__).with_name("access.txt")
# A key is named by its scope and a person by their role; `no_token` is an admin whose form does
# not carry the token of their session.
KEYS = ("revoked", "read", "write", "refund", "admin_key")
PEOPLE = ("viewer", "reconciler", "approver", "admin", "disabled", "no_token")
CALLERS = ("stranger", *KEYS, *PEOPLE)
# What becomes of a call: let in; no valid key; a key or role that does not do; a form that no page
# of ours sent, or a message that no rail signed; shown to the door.
CELLS = frozenset({"in", "401", "403", "400", "door"})
NOT_SAID = "?"
_HEAD = """\
# Who may call what. Held against the application by test_access.py; see access.py for the words.
"""
_ROLES = {role.value: role for role in Role} | {"no_token": Role.ADMIN}
_SCOPES = {scope.value: scope for scope in Scope} | {"admin_key": Scope.ADMIN}
_BY_ITSELF = frozenset({"HEAD", "OPTIONS"})  # Flask adds them, and they have a test of their own

Calls = dict[tuple[str, str], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of every call, by path and method and then by caller."""

    rows: Calls

    @classmethod
    def read(cls) -> "Table":
        """As it is kept."""
        rows: Calls = {}
        for line in PAPER.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith(("#", "method")):
                method, path, *cells = line.split()
                assert (path, method) not in rows, f"two rows for {method} {path}"
                rows[path, method] = dict(zip(CALLERS, cells, strict=True))
        return cls(rows)

    def text(self) -> str:
        """As it is kept: a row for each call, by path."""
        width = max(len(path) for path, _ in self.rows)
        head = ["method", "path".ljust(width), *CALLERS]
        lines = ["  ".join(head)]
        for (path, method), cells in sorted(self.rows.items()):
            padded = [cells[caller].ljust(len(caller)) for caller in CALLERS]
            lines.append("  ".join([method.ljust(len("method")), path.ljust(width), *padded]))
        return _HEAD + "\n".join(line.rstrip() for line in lines) + "\n"

    def fitted(self, served: frozenset[tuple[str, str]]) -> "Table":
        """The same with a row for every call there is, and none for others."""
        return Table({call: self.rows.get(call) or guessed(*call) for call in served})


def served_by(app: DispatcherMiddleware) -> frozenset[tuple[str, str]]:
    """Every path and method that an application as it is served answers."""
    maps: list[tuple[str, Map]] = [("", app.app.url_map)]
    maps += [(prefix, mounted.url_map) for prefix, mounted in app.mounts.items()]
    return frozenset(
        (prefix + rule.rule, method)
        for prefix, url_map in maps
        for rule in url_map.iter_rules()
        for method in (rule.methods or set()) - _BY_ITSELF
    )


def guessed(path: str, method: str) -> dict[str, str]:
    """What the route itself says; where it says nothing, somebody has to."""
    for route in ROUTES:
        if (PREFIX + route.rule, route.method) == (path, method):
            return {caller: _of_api(caller, route.scope) for caller in CALLERS}
    for screen in routes():
        if ("/admin" + screen.rule, screen.method) == (path, method):
            return {caller: _of_screen(caller, method, screen.needs) for caller in CALLERS}
    return dict.fromkeys(CALLERS, NOT_SAID)


def _of_api(caller: str, needed: Scope) -> str:
    if caller not in _SCOPES or caller in PEOPLE:  # a cookie opens no call of a program
        return "401"
    return "in" if grants(_SCOPES[caller], needed) else "403"


def _of_screen(caller: str, method: str, needed: Role) -> str:
    if caller not in _ROLES:  # a key opens no screen
        return "door"
    if caller == "no_token" and method == "POST":
        return "400"
    return "in" if is_at_least(_ROLES[caller], needed) else "403"


def _application() -> DispatcherMiddleware:
    """The application as it is served; nothing is asked of it, so nothing has to be running."""
    runtime = Runtime.from_settings(settings_for("postgresql+psycopg:///none", "http://[::1]:9"))
    app = wsgi.create_app(runtime)
    assert isinstance(app, DispatcherMiddleware)
    return app


if __name__ == "__main__":
    kept = Table.read() if PAPER.exists() else Table({})
    sys.stdout.write(kept.fitted(served_by(_application())).text())
