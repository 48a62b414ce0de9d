"""The screens under /admin/: what waits for a person, and the records behind it."""

from reconciler.web.admin.blueprint import admin_blueprint

__all__ = ["admin_blueprint"]
