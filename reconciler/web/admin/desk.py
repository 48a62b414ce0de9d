"""A desk: somebody signed in, in front of one page. Passed first to every screen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from flask import Response, make_response, redirect, request, url_for

from reconciler.books.people import Role, is_at_least
from reconciler.books.reviews import MATCHING_KINDS
from reconciler.reads import restore, screens_today
from reconciler.runtime import Runtime
from reconciler.services import switches
from reconciler.services.people import Person
from reconciler.web import http
from reconciler.web.admin import pages
from reconciler.work import Cause, Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Who looks, and with what. Changes the books through `do`, in this person's name."""

    runtime: Runtime
    person: Person
    form_token: str
    now: datetime

    @property
    def today(self) -> date:
        """The day it is, in UTC."""
        return self.now.date()

    def may(self, role: str) -> bool:
        """Whether this person's role does for what `role` may do."""
        return is_at_least(self.person.role, Role(role))

    def do(self, step: Callable[[Work], T]) -> T:
        """Change the books, in this person's name."""
        return self.runtime.do(Cause("person", self.person.id), http.accountable(step))

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A whole page, with its frame around it."""
        with self.runtime.read() as session:
            counts = screens_today.counts(session, sorted(kind.value for kind in MATCHING_KINDS))
            off = [state for state in switches.states(session) if not state.on]
            is_held = restore.is_held(session)
        html = pages.render(
            template,
            desk=self,
            person=self.person,
            form_token=self.form_token,
            now=self.now,
            today=self.today,
            counts=counts,
            off=off,
            is_held=is_held,
            is_sandbox=self.runtime.settings.is_sandbox,
            path=request.path,
            **values,
        )
        return make_response(html, status)


def go(endpoint: str, **values: str | int | None) -> Response:
    """After a change: show where it led, with a GET that may be repeated."""
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return make_response(redirect(url_for(f"admin.{endpoint}", **given), 303))
