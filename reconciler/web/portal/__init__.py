"""The client's page: one blueprint, without cookies and without anything of the screens."""

from reconciler.web.portal.blueprint import portal_blueprint

__all__ = ["portal_blueprint"]
