"""What pages tell in two ways, each by a statement of its own, is the same in any books."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.reviews import MATCHING_KINDS
from reconciler.books.sign_offs import terms
from reconciler.reads import (
    asked_back,
    milestones,
    screens_today,
    screens_unmatched,
    unmatched_sums,
)
from reconciler.reads.screens_unmatched import Sort, Which
from reconciler.runtime import make_engine
from reconciler.store import holds
from tests.databases import Servers

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TODAY, WEEK = NOW.date(), NOW - timedelta(days=7)
KINDS = sorted(kind.value for kind in MATCHING_KINDS)
_SINCE = {"created_at": NOW}
_CAUSE = {"cause_kind": "event", "cause_id": "evt_1", **_SINCE}
_LEGS = ("requested", "approved", "unknown", "pending", "succeeded", "failed", "manual")


@dataclass
class _Chance:
    """Rows as they fall, in the order of their making."""

    random: random.Random
    made: list[tuple[str, dict]] = field(default_factory=list)

    def many(self, table: str, prefix: str, count: int, row) -> list[dict]:
        rows = [{"id": f"{prefix}_{n}"} | row(n) for n in range(count)]
        self.made += [(table, one) for one in rows]
        return rows


def _documents(chance: _Chance) -> None:
    """Payments and documents, a few of each, tied to each other as it falls."""
    pick, few, many = chance.random.choice, chance.random.randrange, chance.many
    many("payment", "pay", 12, lambda n: {
        "rail": "stripe", "account": "own", "rail_payment_id": f"pi_{n}", "currency": "USD",
        "captured": 4_000, "refunded": pick((0, 0, 4_000)), "status": "captured", "facts": "{}",
        "occurred_at": NOW, "updated_at": NOW, **_SINCE,
    })  # fmt: skip
    many("invoice", "inv", 12, lambda n: {
        "number": f"INV-{n}", "customer_id": "cus_1", "currency": pick(("USD", "EUR")),
        "total": 1_000 + n, "state": "draft" if n < 8 else "sent",
        "milestone_id": f"mil_{n}" if n < 8 else None, **_SINCE,
    })  # fmt: skip
    steps = many("milestone", "mil", 8, lambda n: {
        "project_id": "prj_1", "kind": "named", "name": f"Step {n}", "amount": 1_000,
        "currency": pick(("USD", "EUR")), "dropped_at": pick((None, None, NOW)), **_SINCE,
    })  # fmt: skip
    many("allocation", "alo", 20, lambda _: {
        "payment_id": f"pay_{few(12)}", "strategy": "number", "closed_at": pick((None, None, NOW)),
        pick(("invoice_id", "deposit_id")): f"inv_{few(12)}", **_CAUSE,
    })  # fmt: skip
    many("application", "app", 14, lambda _: {
        "deposit_id": f"inv_{few(12)}", "invoice_id": pick((None, f"inv_{few(12)}")),
        "closed_at": pick((None, None, NOW)), **_CAUSE,
    })  # fmt: skip
    many("dispute", "dsp", 8, lambda n: {
        "payment_id": f"pay_{few(12)}", "rail_dispute_id": f"du_{n}", "kind": "chargeback",
        "stage": "needs_response", "status": "open", "decision": "undecided",
        "is_unsettled": pick((True, True, False)), "opened_at": NOW, "updated_at": NOW,
    })  # fmt: skip
    for one in steps[:5]:
        words = {name: one[name] for name in ("name", "amount", "currency")}
        signed = pick((terms(one["id"], description=None, **words), "other words"))
        chance.made.append(("sign_off", {
            "id": f"sgn_{one['id']}", "milestone_id": one["id"], "source": "portal",
            "signed_by_name": "Ann", "signed": signed, "sha256": "0" * 64, "at": NOW,
            "cause_kind": "portal", "cause_id": "ptl_1",
        }))  # fmt: skip


def _questions(chance: _Chance) -> None:
    """What is asked back of them, and what is asked about them."""
    pick, few, many = chance.random.choice, chance.random.randrange, chance.many
    refunds = many("refund", "rfd", 9, lambda _: {
        "payment_id": f"pay_{few(12)}", "amount": 4_000, "currency": "USD", "reason": "goodwill",
        "treatment": "credit", "status": pick(_LEGS), "requested_by": "ann", "requested_at": NOW,
    })  # fmt: skip
    many("refund_leg", "leg", 9, lambda n: {
        "refund_id": f"rfd_{n}", "payment_id": refunds[n]["payment_id"], "reference": f"r{n}",
        "amount": pick((1_000, 4_000)), "status": refunds[n]["status"],
        "replaced_by": pick((None, None, "leg_x")),
    })  # fmt: skip
    many("review_item", "rev", 40, lambda n: {
        "kind": pick(KINDS), "state": pick(("open", "open", "resolved")), "subject": f"{n}",
        "payment_id": f"pay_{few(12)}", "amount": pick((None, 1_000 + n)),
        "currency": pick((None, "USD", "EUR")), "assigned_to": pick((None, "ann", "bea")),
        "snoozed_until": pick((None, None, TODAY, TODAY + timedelta(days=1))),
        "opened_at": NOW - timedelta(days=few(20)),
        "happened_at": pick((None, NOW - timedelta(days=few(40)))),
    })  # fmt: skip


@pytest.fixture(params=[3, 4])
def books(request: pytest.FixtureRequest, servers: Servers, database: str):
    """Books as they fall, in which nothing guards what is tied to what."""
    engine = make_engine(servers.url("postgres", database))
    with Session(engine, autoflush=False) as session:
        session.execute(sa.text("set session_replication_role = replica"))
        chance = _Chance(random.Random(request.param))
        _documents(chance)
        _questions(chance)
        for table, row in chance.made:
            names = f"insert into {table} ({', '.join(row)}) values (:{', :'.join(row)})"
            session.execute(sa.text(f"{names} on conflict do nothing"), row)
        yield session
    engine.dispose()


def test_who_is_on_hold(books: Session) -> None:
    of_each, of_many = (
        set(books.scalars(sa.text(f"select i.id from invoice i where {which}")))
        for which in (holds.ON_HOLD, holds.ARE_ON_HOLD)
    )
    assert of_each == of_many != set()


def test_how_much_of_the_queue_waits(books: Session) -> None:
    told = unmatched_sums.sums(books, until=WEEK, today=TODAY, person="ann")
    asked = asked_back.now(books)

    def listed(**which) -> Counter:
        queue = Which(kinds=KINDS, today=TODAY, asked=asked, **which)
        found = screens_unmatched.waiting(books, queue, Sort.ASKED, after=None, limit=100)
        return Counter(item.kind for item in found)

    for column, which in {
        "number": {}, "old": {"until": WEEK}, "mine": {"assigned_to": "ann"},
        "snoozed": {"is_snoozed": True}, "asked": {"is_asked": True},
        "mine_snoozed": {"is_snoozed": True, "assigned_to": "ann"},
    }.items():  # fmt: skip
        counted: Counter = Counter()
        for one in told:
            counted[one.kind] += getattr(one, column)
        assert +counted == listed(**which) != Counter(), column


def test_how_much_waits_today(books: Session) -> None:
    told = unmatched_sums.sums(books, until=WEEK, today=TODAY, person="ann")
    heaps = screens_today.heaps(books, TODAY, [], [])
    of_today = Counter(dict.fromkeys(KINDS, 0))
    for heap in heaps:
        if heap.kind in KINDS:
            of_today[heap.kind] += heap.number
    of_queue: Counter = Counter()
    for one in told:
        of_queue[one.kind] += one.number
    assert +of_today == +of_queue != Counter()


def test_which_milestones_nobody_signed(books: Session) -> None:
    told = milestones.drafts(books)
    listed: dict[str, list[int]] = {}
    for one in milestones.unsigned(books):
        listed.setdefault(one.currency, []).append(one.amount)
    assert {one.currency: (one.number, one.amount) for one in told.unsigned} == {
        currency: (len(amounts), sum(amounts)) for currency, amounts in listed.items()
    }
    assert not {one.id for one in told.to_send} & {one.id for one in milestones.unsigned(books)}
    assert told.unsigned
