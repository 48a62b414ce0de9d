"""A desk: somebody signed in, in front of one page. Passed first to every screen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, make_response, redirect, request, url_for

from reconciler.books.people import Role, is_at_least
from reconciler.books.reviews import MATCHING_KINDS
from reconciler.errors import Conflict
from reconciler.ids import new_token
from reconciler.reads import notes, restore, saved_views, screens_people, screens_today
from reconciler.reads.notes import NoteRow
from reconciler.reads.pages import Session
from reconciler.reads.saved_views import View
from reconciler.reads.screens_people import Able
from reconciler.reads.screens_today import Counts, Onlooker
from reconciler.runtime import Runtime
from reconciler.services import idempotency, switches
from reconciler.services.idempotency import Answer, KeyReused
from reconciler.services.people import Person
from reconciler.web import forms, http
from reconciler.web.admin import pages, paging, put_off
from reconciler.work import Cause, Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Who looks, and with what. Changes the books through `do`, in this person's name."""

    runtime: Runtime
    person: Person
    form_token: str
    now: datetime
    session_id: str = ""  # of the browser in front of it

    @property
    def today(self) -> date:
        """The day it is, in UTC."""
        return self.now.date()

    def may(self, role: str) -> bool:
        """Whether this person's role does for what `role` may do."""
        return is_at_least(self.person.role, Role(role))

    def notes(self, subject: str) -> list[NoteRow]:
        """What people wrote on the thing with this id."""
        with self.runtime.read() as session:
            return notes.of(session, subject)

    def able(self) -> list[Able]:
        """People who may answer questions."""
        with self.runtime.read() as session:
            return screens_people.able(session)

    def views(self, page: str) -> list[View]:
        """The views of a list that this person keeps, and what others share."""
        with self.runtime.read() as session:
            return saved_views.of(session, user=self.person.id, page=page)

    def counts(self, session: Session) -> Counts:
        """The numbers beside the navigation, for this person."""
        kinds = sorted(kind.value for kind in MATCHING_KINDS)
        who = Onlooker(self.person.id, self.may(Role.APPROVER))
        return screens_today.counts(session, kinds, self.today, who)

    def do(self, step: Callable[[Work], T]) -> T:
        """Change the books, in this person's name."""
        return self.runtime.do(Cause("person", self.person.id), http.accountable(step))

    def once(self, step: Callable[[Work], str]) -> str:
        """Change the books once for one form; the same form again gives what it made then.

        A browser sends a form twice where somebody clicks twice, and shows the second answer: so
        the second waits for the first. Raises Conflict for a form that was sent with something
        else in it before.
        """
        name = forms.sent_once(request.form)
        if name is None:
            return self.do(step)
        asked = idempotency.Request(self.person.id, f"form/{name}", forms.digest(request))

        def first(work: Work) -> str:
            kept = idempotency.take(work, asked, waits=True)
            if kept is not None:
                work.has_only_looked = True
                return kept.body
            made = step(work)
            idempotency.keep(work, asked, Answer(HTTPStatus.SEE_OTHER, made))
            return made

        try:
            return self.do(first)
        except KeyReused:
            raise Conflict(
                "This form was sent already, with something else in it.", field=forms.ONCE
            ) from None

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A whole page, with its frame around it."""
        with self.runtime.read() as session:
            counts = self.counts(session)
            off = [state for state in switches.states(session) if not state.on]
            is_held = restore.is_held(session)
            away = put_off.told(session, self.today) if put_off.ITEM in request.args else None
        html = pages.render(
            template,
            desk=self,
            person=self.person,
            form_token=self.form_token,
            once=new_token(),
            now=self.now,
            today=self.today,
            counts=counts,
            off=off,
            is_held=is_held,
            put_off=away,
            is_sandbox=self.runtime.settings.is_sandbox,
            is_live=self.runtime.settings.is_live,
            path=request.path,
            csv=paging.as_csv(),
            address=request.full_path.rstrip("?") if request.method == "GET" else request.path,
            **values,
        )
        return make_response(html, status)


def go(endpoint: str, **values: str | int | None) -> Response:
    """After a change: show where it led, with a GET that may be repeated."""
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return make_response(redirect(url_for(f"admin.{endpoint}", **given), 303))
