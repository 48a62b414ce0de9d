"""POST /webhooks/stripe: which header, which rail."""

from collections.abc import Mapping
from typing import Any

from reconciler.runtime import Runtime
from webhooks.receive import Door, receive


def stripe_door(runtime: Runtime) -> Door:
    """Takes what Stripe sends."""
    rail = runtime.rails["stripe"]

    def door(body: bytes, environ: Mapping[str, Any]) -> bytes:
        return receive(runtime, rail, body, environ.get("HTTP_STRIPE_SIGNATURE"), environ)

    return door
