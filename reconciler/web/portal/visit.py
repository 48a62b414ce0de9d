"""Somebody with a good link, in front of one page: what it shows, and what they may do there."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from flask import Response, make_response

from reconciler.reads.client_page import Seen
from reconciler.runtime import Runtime
from reconciler.services.portal_links import Link
from reconciler.web import http
from reconciler.web.portal import pages
from reconciler.work import Cause, Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a good link, in front of one page."""

    runtime: Runtime
    token: str
    link: Link
    now: datetime

    @property
    def today(self) -> date:
        """The day it is, in UTC."""
        return self.now.date()

    @property
    def form_token(self) -> str:
        """What their forms carry: nobody without the link can know it."""
        return hashlib.sha256(f"portal-form/{self.token}".encode(errors="replace")).hexdigest()

    @property
    def seen(self) -> Seen:
        """What the link shows."""
        return Seen(self.link.customer_id, self.link.project_id)

    def do(self, step: Callable[[Work], T]) -> T:
        """Change something in the client's name."""
        return self.runtime.do(Cause("portal", self.link.id), http.accountable(step))

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A whole page."""
        return page(self.runtime, template, status=status, visit=self, **values)


def page(runtime: Runtime, template: str, *, status: int, **values: object) -> Response:
    """A whole page, of somebody with a link or of nobody."""
    values.setdefault("visit", None)
    html = pages.render(
        template,
        house=runtime.settings.mail_sender.display_name,
        is_sandbox=runtime.settings.is_sandbox,
        **values,
    )
    return make_response(html, status)
