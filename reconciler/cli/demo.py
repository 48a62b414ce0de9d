"""`reconciler demo`: a month in a small business, played through the running server.

The sandbox tells what happened; the documents go in through the services; then its signed
events are posted to the webhook endpoint, shuffled and many of them twice, and the workers do
the rest, as they would with a real rail.
"""

import secrets
import threading
import time
from http import HTTPStatus
from typing import Any

import click
import requests

from reconciler.books.refunds import RefundStatus
from reconciler.cli import demo_links, demo_steps, reach
from reconciler.cli.demo_steps import APPROVER, ASKER, Story
from reconciler.cli.progress import say, shown
from reconciler.errors import Unavailable
from reconciler.reads import status
from reconciler.runtime import Runtime
from reconciler.services import verification
from reconciler.services.refund_limits import policy_of
from reconciler.settings import Settings, SettingsError, from_environment
from reconciler.work import Cause, Work

CAUSE = Cause("command", "demo")
HOW = "start it with ./run --demo, or call this again while ./run is up"
PASSWORD_BYTES = 12
PLAYS_MAX = 3
PLAY_SECONDS_MAX = 300
ANSWER_SECONDS_MAX = 10
DRAIN_SECONDS_MAX = 300
LOOK_AGAIN_SECONDS = 0.5
RETURN_SECONDS_MAX = 60

TOUR = """
What to look at:
  INV-1001             800.00 taken of 2,000.00 authorized: the rest is owed still
  INV-1002, INV-1003   one deposit of 30 % (DEP-2001) used on two invoices
  INV-1004             50.00 too much: asked back by Dana, approved by Ari, sent to the rail
  INV-1005, INV-1006   one payment that fits either: a person decides
  Unmatched payments   320.00 from somebody unknown
  INV-1007, INV-1023   matched by customer and amount; by the number in the text
  INV-1008             paid twice
  INV-1009, INV-1010   refunded in the rail's dashboard; a refund that failed days later
  INV-1011, 1012, 1021 a dispute that is open, one lost, one won
  INV-1013, INV-1014   an old plug-in's partial capture; a capture in two steps
  INV-1015, 1016, 1017 euro that settle in dollars; yen; dinar
  INV-1018             a bank debit that is still on its way
  INV-1026, INV-1031   refunds that wait for a second person: you
  INV-1030             a refund that a bank returned after it had succeeded
  INV-1051 to 1059     paid in euro; under another client's number, a slip, a number taken back;
                       5.00 too little; too much; two months alike
  INV-1060 to 1064     refunded in the dashboard; a dispute that is open, one lost
"""


@click.command()
def demo() -> int:
    """Load the sample books and play their events.

    They go through the webhook of the running server, shuffled and some of them twice, and its
    workers apply them. Needs ./run in the same folder (or the same environment) with the
    built-in sandbox as its rail. A second call finds the demo there and changes nothing.
    """
    from_environment().checked_for_demo()
    with reach.opened() as runtime:
        rail = _Sandbox(runtime.settings)
        _wait_for_server(runtime.settings)
        story = rail.story()
        asker = runtime.do(CAUSE, lambda work: demo_steps.ensure_person(work, ASKER))
        is_new = not _is_told(runtime, asker)
        if is_new:
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            _tell(runtime, rail, story, asker, password=password)
            _show_client_pages(runtime)
            # What one person asks for another approves: to try that, one has to be both.
            say(f"the second person, {APPROVER[1]}: {APPROVER[0]}, password {password}")
        else:
            print("the demo is there already, with all that was done since")
        return _look_around(runtime, is_new=is_new)


class _Sandbox:
    """The built-in Stripe that the server uses."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.stripe_api_base
        self._headers = {"Authorization": f"Bearer {settings.stripe_secret_key.reveal()}"}

    def story(self) -> Story:
        """What happened; the same at each call."""
        return Story.read(self._post("demo", {}))

    def play(self, story: Story, *, duplicates: float) -> tuple[int, int]:
        """Post the story's events to the webhook; how many were sent, how many taken."""
        how: dict[str, object] = {
            "since": story.first_event,
            "count": story.event_count,
            "shuffle": True,
            "duplicates": duplicates,
            "concurrency": 4,
        }
        reports = self._post("play", how)["reports"]
        return sum(r["sent"] for r in reports), sum(r["accepted"] for r in reports)

    def return_refund(self, refund_id: str) -> None:
        """Its bank sends it back; the webhook is told."""
        args = {
            "refund_id": refund_id,
            "status": RefundStatus.FAILED.value,
            "failure_reason": demo_steps.RETURNED,
        }
        self._post("do", {"op": "advance_refund", "args": args})

    def _post(self, name: str, given: dict[str, object]) -> dict[str, Any]:
        try:
            answer = requests.post(
                f"{self._base}/_sandbox/{name}",
                json=given,
                headers=self._headers,
                timeout=PLAY_SECONDS_MAX,
            )
        except requests.RequestException as error:
            raise Unavailable(f"the sandbox does not answer at {self._base}; {HOW}") from error
        if answer.status_code != HTTPStatus.OK:
            raise SettingsError(
                f"STRIPE_API_BASE: {self._base} is not the built-in sandbox, and the demo needs it"
            )
        told: dict[str, Any] = answer.json()
        return told


def _wait_for_server(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.port}/readyz"
    try:
        is_ready = requests.get(url, timeout=ANSWER_SECONDS_MAX).status_code == HTTPStatus.OK
    except requests.RequestException:
        is_ready = False
    if not is_ready:
        raise Unavailable(f"no server is ready on port {settings.port}; {HOW}")


def _is_told(runtime: Runtime, asker: str) -> bool:
    """Whether all of it is there: the approval is the last step."""
    with runtime.work(CAUSE) as work:
        asked = demo_steps.asked_by(work, asker)
    return any(refund.approved_at for refund in asked)


def _tell(runtime: Runtime, rail: _Sandbox, story: Story, asker: str, *, password: str) -> None:
    """All of it; `password` is the approver's."""
    if runtime.do(CAUSE, lambda work: demo_steps.load_documents(work, story)):
        say(
            f"loaded {len(story.customers)} customers, {len(story.invoices)} invoices,"
            f" {len(story.deposits)} deposit"
        )
    runtime.do(Cause("person", asker), demo_steps.take_one_back)
    _play(rail, story)
    _drain(runtime, story.event_count)
    runtime.do(CAUSE, lambda work: demo_steps.apply_deposits(work, story))
    approver = runtime.do(CAUSE, lambda work: demo_steps.ensure_person(work, APPROVER, password))
    policy = policy_of(runtime.settings)

    def ask(work: Work) -> None:
        demo_steps.ask_refunds(work, story, policy)

    runtime.do(Cause("person", asker), ask)
    runtime.do(Cause("person", approver), lambda work: demo_steps.approve_some(work, asker))
    _drain(runtime, story.event_count)
    _return_one(runtime, rail, asker)


def _return_one(runtime: Runtime, rail: _Sandbox, asker: str) -> None:
    """A bank sends a refund back that had succeeded, and the rail says so."""
    late = runtime.do(CAUSE, lambda work: demo_steps.late_refund(work, asker))
    if late is None:
        return
    rail.return_refund(late)
    waits = threading.Event()
    for _ in range(int(RETURN_SECONDS_MAX / LOOK_AGAIN_SECONDS)):
        if runtime.do(CAUSE, lambda work: demo_steps.late_refund(work, asker)) is None:
            return
        waits.wait(LOOK_AGAIN_SECONDS)
    raise Unavailable(f"the refund that came back was not heard of; {HOW}")


def _show_client_pages(runtime: Runtime) -> None:
    """Links, said once: nobody can show them again."""
    for one in runtime.do(CAUSE, lambda work: demo_links.make(work, runtime.seals)):
        say(f"{one.title}: {runtime.settings.base_url}/portal/{one.token}")


def _play(rail: _Sandbox, story: Story) -> None:
    say(f"playing {story.event_count} signed events, shuffled, some of them twice …")
    duplicates = 0.3
    for _ in range(PLAYS_MAX):
        sent, taken = rail.play(story, duplicates=duplicates)
        say(f"the webhook took {taken} of {sent} deliveries")
        if sent == taken >= story.event_count:
            return
        duplicates = 0.0  # like a rail, send again what was not taken
    raise Unavailable("the webhook did not take all events; look at what ./run prints")


def _drain(runtime: Runtime, event_count: int) -> None:
    """Wait until nothing moves any more. Raises Unavailable when that takes too long."""
    pause = threading.Event()
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    with shown("the workers apply them", event_count) as show:
        while time.monotonic() < deadline:
            waiting = _waiting(runtime)
            if not waiting:
                return
            show(max(0, event_count - waiting))
            pause.wait(LOOK_AGAIN_SECONDS)
    raise Unavailable(f"{_waiting(runtime)} things still wait; is a worker running? {HOW}")


def _waiting(runtime: Runtime) -> int:
    with runtime.read() as session:
        now = status.status(session, runtime.now())
    return now.inbox.pending + now.inbox.parked + now.refunds.in_flight


def _look_around(runtime: Runtime, *, is_new: bool) -> int:
    with runtime.read() as session:
        found = verification.violations(session)
    for one in found:
        print(f"{one.invariant}: {one.detail}")
    if not found:
        print(f"the books balance: all {len(verification.LAWS)} laws hold")
    if is_new:
        print(TOUR)
    print(f"The demo is over. What waits for a person: {runtime.settings.base_url}/admin/")
    print("  reconciler verify; reconciler export journal --format beancount", flush=True)
    return 1 if found else 0
