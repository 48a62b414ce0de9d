"""The built-in Stripe as a Flask app: door, idempotency, faults, pages."""

import base64
import binascii
import hmac
import json
from collections.abc import Iterable

from flask import Flask, Response, current_app, g, render_template_string, request
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from reconciler.sandbox import api
from reconciler.sandbox.control import Control
from reconciler.sandbox.core import Cause
from reconciler.sandbox.deliverer import Deliverer, Target
from reconciler.sandbox.faults import Fault, Faults
from reconciler.sandbox.faulty_wire import FAULT_KEY, FaultyWire, saved_500
from reconciler.sandbox.idempotency import IdempotencyKeys
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.wire import Answer, Call, nested
from reconciler.sandbox.world import World

EXTENSION = "sandbox"
DEFAULT_KEY = "sk_test_sandbox"
_OPEN_DOORS = ("/pay/",)
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sandbox checkout</title>
<style>body{font:16px system-ui;max-width:28rem;margin:4rem auto;padding:0 1rem}
button{font:inherit;padding:.6rem 1rem;margin:.25rem 0;width:100%}</style>
<h1>Sandbox checkout</h1>
<p>No money moves here.</p>
{% if session.status == "open" %}
<p>{{ session.amount_total }} {{ session.currency.upper() }} (in its smallest unit)</p>
<form method="post">
<button name="method" value="card">Pay by card</button>
<button name="method" value="delayed">Pay by bank debit (takes days)</button>
</form>
{% if session.cancel_url %}<p><a href="{{ session.cancel_url }}">Back</a></p>{% endif %}
{% else %}
<p>This page is {{ session.status }}; payment: {{ session.payment_status }}.</p>
{% endif %}
</html>
"""


class Sandbox:
    """What an app holds besides its routes; `close` stops its webhook threads."""

    def __init__(
        self, world: World, faults: Faults, secret_key: str, targets: Iterable[Target]
    ) -> None:
        self.world = world
        self.faults = faults
        self.secret_key = secret_key
        self.keys = IdempotencyKeys(world)
        self.deliverers = [Deliverer(world, target) for target in targets]

    def close(self) -> None:
        """Send no more webhooks."""
        for deliverer in self.deliverers:
            deliverer.close()

    def is_admitted(self, authorization: str) -> bool:
        """Whether the key is ours, given as a bearer token or as a basic user name."""
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                credentials = base64.b64decode(credentials).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(credentials.encode(), self.secret_key.encode())


def create_sandbox(
    world: World,
    faults: Faults | None = None,
    secret_key: str = DEFAULT_KEY,
    webhook_targets: Iterable[Target] = (),
) -> Flask:
    """An app that answers as Stripe would, over this world."""
    app = Flask(__name__)
    faults = faults or Faults()
    sandbox = Sandbox(world, faults, secret_key, webhook_targets)
    app.extensions[EXTENSION] = sandbox
    app.before_request(_door)
    app.register_error_handler(StripeProblem, _problem)
    Control(world, faults, sandbox.deliverers).add_to(app)
    app.add_url_rule(
        "/v1/<path:name>", "v1", _v1, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]
    )
    app.add_url_rule("/pay/<session_id>", "pay_page", _pay_page)
    app.add_url_rule("/pay/<session_id>", "pay", _pay, methods=["POST"])
    app.wsgi_app = FaultyWire(app.wsgi_app, faults)  # type: ignore[method-assign]
    return app


def sandbox_of(app: Flask) -> Sandbox:
    """The sandbox behind an app that `create_sandbox` made."""
    found = app.extensions[EXTENSION]
    assert isinstance(found, Sandbox), "not a sandbox's app"
    return found


def _door() -> ResponseReturnValue | None:
    if request.path.startswith(_OPEN_DOORS):
        return None
    authorization = request.headers.get("Authorization", "")
    if sandbox_of(current_app).is_admitted(authorization):
        return None
    words = "You did not provide an API key."
    if authorization:
        words = f"Invalid API Key provided: {authorization[-4:].rjust(12, '*')}"
    return _problem(StripeProblem(words, status=401))


def _problem(problem: StripeProblem) -> Response:
    return _response(Answer(problem.status, problem.body()))


def _v1(name: str) -> Response:
    sandbox = sandbox_of(current_app)
    sent = request.form if request.method == "POST" else request.args
    g.request_id = sandbox.world.new_request_id()
    call = Call(
        method=request.method,
        path=f"/v1/{name}",
        params=nested(sent.items(multi=True)),
        version=request.headers.get("Stripe-Version"),
        base_url=request.host_url.rstrip("/"),
        cause=Cause(g.request_id, request.headers.get("Idempotency-Key")),
    )
    if call.method != "POST":
        return _response(api.answer(sandbox.world, call))
    fault: Fault | None = request.environ.get(FAULT_KEY)
    return _response(
        sandbox.keys.run(
            call,
            lambda: _execute(sandbox, call, fault),
            wait=lambda: _linger(sandbox, fault),
        )
    )


def _linger(sandbox: Sandbox, fault: Fault | None) -> None:
    if fault is not None and fault.kind == "slow":
        sandbox.faults.pause(fault.seconds)


def _execute(sandbox: Sandbox, call: Call, fault: Fault | None) -> Answer:
    """Do it, or let it go wrong inside, where the idempotency key is held already."""
    if fault is None or fault.kind != "saved_500":
        return api.answer(sandbox.world, call)
    if fault.effect:
        api.answer(sandbox.world, call)
    return Answer(500, saved_500())


def _response(answer: Answer) -> Response:
    world = sandbox_of(current_app).world
    response = Response(json.dumps(answer.body, indent=2), answer.status)
    response.content_type = "application/json"
    response.headers["Request-Id"] = g.get("request_id") or world.new_request_id()
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", world.api_version)
    key = request.headers.get("Idempotency-Key")
    if key:
        response.headers["Idempotency-Key"] = key
    response.headers.update(answer.headers)
    return response


def _pay_page(session_id: str) -> str:
    world = sandbox_of(current_app).world
    session = world.render(world.get("checkout.session", session_id))
    return render_template_string(_PAGE, session=session)


def _pay(session_id: str) -> ResponseReturnValue:
    world = sandbox_of(current_app).world
    session = world.get("checkout.session", session_id)
    if request.form.get("method") == "delayed":
        world.complete_session(session_id, method="delayed")
    else:
        world.complete_session(session_id)
    place = session["success_url"] or f"/pay/{session_id}"
    return redirect(place.replace("{CHECKOUT_SESSION_ID}", session_id), 303)
