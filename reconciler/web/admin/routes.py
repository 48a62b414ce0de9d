"""How a screen says which address it answers, and what role it takes. It cannot forget either.

What lets money out names its deed besides: whoever does it shows that it is them, if that was not
a moment ago.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Response

from reconciler.books.people import Role

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody is about to do: `refund $60.00 of INV-12 to Ada Birch`, and what to know of it.

    `facts` are pairs of a label and what is so.
    """

    text: str
    facts: Sequence[tuple[str, str]] = ()


# Given the desk and what stands in the address; None where there is nothing to tell of.
Tells = Callable[..., Deed | None]


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `needs` is the least role that may use it.

    `deed`: what it does, as in "To approve this refund, …", where that takes a proof of who it is;
    `told` says the same of the very thing that it is done with, and to whom.
    `is_by_itself`: pages ask for it unasked, so that asking is no sign of somebody being there.
    """

    rule: str
    method: str
    view: View
    needs: Role
    deed: str = ""
    is_by_itself: bool = False
    told: Tells | None = None

    @property
    def endpoint(self) -> str:
        """The name by which a page links to it."""
        return self.view.__name__


@dataclass(frozen=True, slots=True)
class Screens:
    """The addresses of one file."""

    routes: list[Route] = field(default_factory=list)

    def get(
        self, rule: str, needs: Role = Role.VIEWER, *, is_by_itself: bool = False
    ) -> Callable[[View], View]:
        """A page: everybody who is signed in may look, unless it takes more."""
        return self._keep(lambda view: Route(rule, "GET", view, needs, "", is_by_itself))

    def post(
        self, rule: str, needs: Role, *, deed: str = "", told: Tells | None = None
    ) -> Callable[[View], View]:
        """A form: its token is checked, and the role of who sends it; with `deed`, who it is."""
        return self._keep(lambda view: Route(rule, "POST", view, needs, deed, told=told))

    def _keep(self, route: Callable[[View], Route]) -> Callable[[View], View]:
        def keep(view: View) -> View:
            self.routes.append(route(view))
            return view

        return keep
