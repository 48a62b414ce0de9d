"""POST /webhooks/stripe: which header, which rail."""

from flask import Blueprint, Response, request

from reconciler.runtime import Runtime
from webhooks.receive import receive


def stripe_blueprint(runtime: Runtime) -> Blueprint:
    """The route that Stripe calls."""
    blueprint = Blueprint("stripe", __name__)

    @blueprint.post("/stripe")
    def stripe_event() -> Response:
        signature = request.headers.get("Stripe-Signature")
        return receive(runtime, runtime.rails["stripe"], request, signature)

    return blueprint
