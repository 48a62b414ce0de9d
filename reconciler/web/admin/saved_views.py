"""Views of lists that one keeps under a name, and may share."""

from flask import Response, make_response, redirect, request

from reconciler.books.people import Role
from reconciler.services import saved_views
from reconciler.web import forms
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.sign_in import inside

screens = Screens()


@screens.post("/account/views", Role.VIEWER)
def save_view(desk: Desk) -> Response:
    """Keep the filters of a list under a name."""
    page, query = request.form.get("page", ""), request.form.get("query", "")
    name = forms.text(request.form, "name", chars_max=saved_views.NAME_CHARS_MAX)
    is_shared = "shared" in request.form
    desk.do(
        lambda work: saved_views.save(work, page=page, query=query, name=name, is_shared=is_shared)
    )
    kept = saved_views.filters_of(query)
    return _to(f"{page}?{kept}" if kept else page)


@screens.post("/account/views/<view_id>/remove", Role.VIEWER)
def remove_view(desk: Desk, view_id: str) -> Response:
    """Forget a view of one's own."""
    return _to(desk.do(lambda work: saved_views.remove(work, view_id)))


def _to(page: str) -> Response:
    return make_response(redirect(inside(page), 303))
