"""Ways to move the world from another process. Nothing here is Stripe's."""

from dataclasses import asdict, is_dataclass
from typing import cast

from flask import Flask, Response, jsonify, request

from reconciler.sandbox.deliverer import Deliverer
from reconciler.sandbox.demo import told_once
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.player import Mischief, Report
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.world import World

_NAMES = """advance_refund appeal authorize cancel cancel_payout cancel_refund capture
    close_dispute complete_session create_customer create_invoice decline dispute edit_metadata
    escalate expire expire_session fail_delayed fail_payout increment_authorization late_win
    open_session other_row pay pay_payout payout plan_refund prevented reference_refund refund
    release_funds respond return_debit send_payout set_dispute_status settle settle_delayed"""
OPERATIONS = frozenset(_NAMES.split())
_WRONG_ARGUMENTS = (AssertionError, AttributeError, KeyError, TypeError, ValueError)


class Control:
    """The routes under `/_sandbox`: operations, clock, faults, truth, demo."""

    def __init__(self, world: World, faults: Faults, deliverers: list[Deliverer]) -> None:
        self._world = world
        self._faults = faults
        self._deliverers = deliverers

    def add_to(self, app: Flask) -> None:
        """Give the app these routes."""
        posts = ("do", "clock", "demo", "play")
        for name in posts:
            app.add_url_rule(
                f"/_sandbox/{name}", f"sandbox_{name}", getattr(self, name), methods=["POST"]
            )
        app.add_url_rule("/_sandbox/events", view_func=self.events)
        app.add_url_rule("/_sandbox/truth", view_func=self.truth)
        app.add_url_rule("/_sandbox/faults", view_func=self.add_fault, methods=["POST"])
        app.add_url_rule("/_sandbox/faults", view_func=self.clear_faults, methods=["DELETE"])

    def do(self) -> Response:
        """`{"op": "pay", "args": {…}}`: what the operation gives, and the events it made."""
        given = _given()
        name = given.get("op")
        if name not in OPERATIONS:
            raise StripeProblem(f"There is no operation {name}.")
        with self._world.together():
            since = self._world.events_made()
            try:
                result = getattr(self._world, name)(**given.get("args", {}))
            except _WRONG_ARGUMENTS as problem:
                raise StripeProblem(f"{type(problem).__name__}: {problem}") from problem
            events = self._world.events(since)
        if is_dataclass(result) and not isinstance(result, type):
            result = asdict(result)
        return jsonify(result=result, events=events)

    def events(self) -> Response:
        """All events after the first `since`, in the order of their making."""
        since = request.args.get("since", 0, int)
        found = self._world.events(since)
        return jsonify(events=found, next=since + len(found))

    def clock(self) -> Response:
        """`{"advance_seconds": n}`: time passes."""
        return jsonify(now=self._world.advance(int(_given().get("advance_seconds", 0))))

    def add_fault(self) -> Response:
        """A rule of `faults`, as JSON."""
        try:
            fault = self._faults.add(**_given())
        except (TypeError, ValueError) as problem:
            raise StripeProblem(str(problem)) from problem
        return jsonify(asdict(fault))

    def clear_faults(self) -> Response:
        """No more accidents."""
        self._faults.clear()
        return jsonify(cleared=True)

    def truth(self) -> Response:
        """Everything, for an oracle in another process."""
        return Response(self._world.dump(), mimetype="application/json")

    def demo(self) -> Response:
        """Tell the demo story, once, without sending a webhook: `play` does that."""
        for deliverer in self._deliverers:
            deliverer.hold(on=True)
        try:
            return jsonify(told_once(self._world))
        finally:
            for deliverer in self._deliverers:
                deliverer.hold(on=False)

    def play(self) -> Response:
        """Send events to the webhook endpoints: `since`, `count`, and how badly."""
        given = _given()
        since, count = given.pop("since", 0), given.pop("count", None)
        if given.keys() - Mischief.__annotations__.keys():
            raise StripeProblem(f"Only {', '.join(Mischief.__annotations__)} may be said.")
        found = self._world.events(since)[:count]
        mischief = cast("Mischief", given)
        reports = [deliverer.player.play(found, **mischief) for deliverer in self._deliverers]
        return jsonify(reports=[_shown(report) for report in reports])


def _shown(report: Report) -> Json:
    return {
        "accepted": report.accepted,
        "dropped": report.dropped,
        "sent": report.sent,
        "statuses": {str(status): count for status, count in report.statuses.items()},
    }


def _given() -> Json:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise StripeProblem("A JSON object is needed.")
    return given
