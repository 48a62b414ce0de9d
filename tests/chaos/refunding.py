"""Refunds that a program asks for while all goes wrong, and what must be so of them after.

Whoever asks repeats the same request under the same key until it is answered, as programs do.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from reconciler.services import api_keys
from reconciler.work import Work
from tests.chaos.report import Report
from tests.chaos.rig import Rig
from tests.chaos.traffic import AGAIN_SECONDS, REQUEST_SECONDS, Story

PARTIAL = 0.6  # of all refunds
MANUAL_MAX = 0.01
GONE = ("failed", "canceled")  # at the rail: such a refund gave nothing back
DONE = ("succeeded", "failed", "canceled", "manual")
REFERENCE = "reconciler_refund_id"

_KNOWN = "select rail_payment_id, id from payment where captured > 0"
_REFUNDS = """select r.id, r.status, r.amount, p.rail_payment_id from refund r
  join payment p on p.id = r.payment_id"""
_UNDER_WAY = f"select count(*) from refund where status not in {DONE}"
_RECORDED = "select object_id from rail_object where kind = 'refund'"


@dataclass(frozen=True)
class Wish:
    """What is to go back of a payment; minor units, None for all of it."""

    intent: str
    amount: int | None


def wishes(story: Story, chance: random.Random) -> list[Wish]:
    """One for each payment to which nothing else happened."""
    found = []
    for payment in story.paid:
        total = story.world.get("payment_intent", payment.intent)["amount"]
        is_partial = chance.random() < PARTIAL
        found.append(Wish(payment.intent, chance.randrange(1, total) if is_partial else None))
    return found


def a_key(work: Work) -> str:
    """A program's key that may ask for refunds."""
    return api_keys.create(work, name="till", scope="refund")[1]


class Asking:
    """A program that asks for refunds of payments as soon as they are known. Runs in a thread."""

    def __init__(self, there: Rig, key: str, wanted: list[Wish], *, a_second: float) -> None:
        self.granted: dict[str, str] = {}  # by the payment's id at the rail: our refund
        self.statuses: Counter[int] = Counter()
        self._there = there
        self._key = key
        self._waiting = list(wanted)
        self._pause = 1 / a_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask_for_all)

    @property
    def is_over(self) -> bool:
        """Whether each wish was granted."""
        return not self._thread.is_alive()

    @contextmanager
    def going_on(self) -> Iterator["Asking"]:
        """It asks while the block lasts."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()

    def _ask_for_all(self) -> None:
        with requests.Session() as session:
            while self._waiting and not self._stop.wait(self._pause):
                known = dict(self._there.stores.query(_KNOWN, self._there.database))
                wish = next((one for one in self._waiting if one.intent in known), None)
                if wish is not None and self._ask(session, wish, known[wish.intent]):
                    self._waiting.remove(wish)

    def _ask(self, session: requests.Session, wish: Wish, payment_id: str) -> bool:
        while not self._stop.is_set():
            try:
                answer = session.post(
                    f"http://127.0.0.1:{self._there.settings.port}/api/v1/refunds",
                    json={"payment_id": payment_id, "amount": wish.amount, "reason": "goodwill"},
                    headers={
                        "Authorization": f"Bearer {self._key}",
                        "Idempotency-Key": wish.intent,
                    },
                    timeout=REQUEST_SECONDS,
                )
            except requests.RequestException:
                self.statuses[0] += 1
            else:
                self.statuses[answer.status_code] += 1
                if answer.status_code == 201:
                    self.granted[wish.intent] = answer.json()["id"]
                    return True
            self._stop.wait(AGAIN_SECONDS)
        return False


def under_way(there: Rig) -> int:
    """How many refunds are neither at their end nor with a person."""
    ((count,),) = there.stores.query(_UNDER_WAY, there.database)
    return int(count)


@dataclass
class Refunds:
    """Every refund of ours, as it stands here and as the rail has it."""

    here: dict[str, tuple[str, int, str]]  # by id: status, amount, the payment at the rail
    alive: dict[str, list[dict]] = field(default_factory=dict)  # by our id: at the rail
    recorded: set[str] = field(default_factory=set)  # the rail's ids that the books know

    @classmethod
    def of(cls, there: Rig, story: Story) -> "Refunds":
        """As they are now. The rail's are its own records, not what it lists."""
        rows = there.stores.query(_REFUNDS, there.database)
        made = cls({name: tuple(rest) for name, *rest in rows})
        made.recorded = {name for (name,) in there.stores.query(_RECORDED, there.database)}
        for refund in story.world.table("refund").values():
            reference = refund["metadata"].get(REFERENCE)
            if reference and refund["status"] not in GONE:
                made.alive.setdefault(reference.split(".")[0], []).append(refund)
        return made

    def check(
        self, report: Report, granted: Mapping[str, str], manual_max: float = MANUAL_MAX
    ) -> None:
        """What must be so of them. `granted`: what was asked for and answered with yes."""
        here, alive = self.here, self.alive
        status = {name: row[0] for name, row in here.items()}
        report.same("refunds granted", len(granted), len(here))
        report.none("granted and not here", set(granted.values()) - set(here))
        report.none("doubles at the rail", [n for n, made in alive.items() if len(made) > 1])
        report.none("at the rail and never asked for", set(alive) - set(here))
        wrong = [
            name
            for name, made in alive.items()
            if name in here and sum(refund["amount"] for refund in made) != here[name][1]
        ]
        report.none("wrong amounts at the rail", wrong)
        report.none("phantoms", [n for n in here if status[n] == "succeeded" and n not in alive])
        unrecorded = [
            f"{name} {refund['id']} {status.get(name)}"
            for name, made in alive.items()
            for refund in made
            if status.get(name) != "succeeded" or refund["id"] not in self.recorded
        ]
        report.none("at the rail and not recorded", unrecorded)
        report.none(
            "neither at an end nor with a person", [n for n in here if status[n] not in DONE]
        )
        manual = sum(1 for each in status.values() if each == "manual")
        report.figures["refunds by status"] = dict(Counter(status.values()))
        report.at_most("manual share", manual / max(len(here), 1), manual_max)
