"""How a screen says which address it answers, and what role it takes. It cannot forget either."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Response

from reconciler.books.people import Role

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `needs` is the least role that may use it."""

    rule: str
    method: str
    view: View
    needs: Role

    @property
    def endpoint(self) -> str:
        """The name by which a page links to it."""
        return self.view.__name__


@dataclass(frozen=True, slots=True)
class Screens:
    """The addresses of one file."""

    routes: list[Route] = field(default_factory=list)

    def get(self, rule: str, needs: Role = Role.VIEWER) -> Callable[[View], View]:
        """A page: everybody who is signed in may look, unless it takes more."""
        return self._route(rule, "GET", needs)

    def post(self, rule: str, needs: Role) -> Callable[[View], View]:
        """A form: its token is checked, and the role of who sends it."""
        return self._route(rule, "POST", needs)

    def _route(self, rule: str, method: str, needs: Role) -> Callable[[View], View]:
        def keep(view: View) -> View:
            self.routes.append(Route(rule, method, view, needs))
            return view

        return keep
