"""A whole reconciler in one process: real database, real HTTP to the sandbox, a clock tests move.

`office` takes signed events through the webhook application and works them off with the very flows
that workers run. Its queue is thrown away: what is due is found in the database, as after a sweep.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlmodel import Session

from reconciler.bell import Bell
from reconciler.errors import Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.flows.find_payments import find_payments
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.queue import Queue
from reconciler.rails.manual import ManualRail
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.rail import StripeRail
from reconciler.runtime import Runtime
from reconciler.sandbox.app import create_sandbox
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.player import body_of, sign
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World
from reconciler.services import inbox, verification
from reconciler.services.inbox import ReplayFilter
from reconciler.settings import Secret, Settings
from reconciler.work import Cause
from tests import kept_sessions
from tests.made_once import an_engine
from webhooks.app import create_webhook_app

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "sk_test_sandbox"
WEBHOOK_SECRET = "whsec_test"
SOMEBODY = Cause("person", "usr_ann")
ROUNDS_MAX = 200
DOORS = 3  # through which events come at once
A_WEEK = timedelta(days=7)

# Nobody listens there: the bell is rung in vain, as when Redis is down.
_NO_REDIS = "unix:///nonexistent/redis.sock"
_DEAF_QUEUE = Queue(_NO_REDIS)
_DEAF_BELL = Bell(_DEAF_QUEUE)

# Open all the time: a thread that is new has to connect anew.
_DOORS = ThreadPoolExecutor(DOORS, "door")

_FILES = TemporaryDirectory(prefix="reconciler-tests-")  # what attachments lie in; names are chance

_WAITING = """(
      select 'payment' as what, id as name, fetch_due_at as due_at from payment
      union all select 'payout', id, fetch_due_at from payout
      union all select 'event ' || status, seq::text, due_at
        from inbox_outcome where status in ('pending', 'parked')
      union all select 'leg ' || status, id, greatest(due_at, lease_until)
        from refund_leg where due_at is not null
    ) as waiting where due_at is not null"""
# Whether those who apply events, senders, and those who ask the rail have anything to do: to let
# them look takes longer.
_HAVE_WORK = sa.text(
    """select exists (select 1 from inbox_event e left join inbox_outcome o on o.seq = e.seq
        where e.quarantine is null and o.seq is null)
      or exists (select 1 from inbox_outcome where status = 'pending' and due_at <= :now)
      as appliers,
      exists (select 1 from refund_leg where due_at is not null) as senders,
      exists (select 1 from payment where fetch_due_at <= :now)
      or exists (select 1 from payout where fetch_due_at <= :now)
      or exists (select 1 from inbox_outcome where status = 'parked' and due_at <= :now)
      or exists (select 1 from pay_link where state <> 'closed') as askers"""
)
_NEXT_DUE = sa.text(f"select min(due_at) from {_WAITING}")
_DUE = sa.text(f"select what, name, due_at from {_WAITING} order by due_at limit 5")


_ASK_SOON = sa.text(
    """update payment set fetch_due_at = :now, fetch_attempts = 0
    where rail_payment_id = any(:made)"""
)
_ASK_PAYOUTS_SOON = sa.text(
    """update payout set fetch_due_at = :now, fetch_attempts = 0
    where rail_payout_id = any(:made)"""
)


@dataclass
class Clock:
    """The time, which goes on when a test says so."""

    instant: datetime = NOON

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self.instant += timedelta(**by)


@dataclass
class Meanwhile:
    """What happens elsewhere while one request is on its way: before it is heard, or answered."""

    call: str
    about: Sequence[str]  # texts of which one is in the request
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None


@dataclass(repr=False)
class Line:
    """The way to the rail: notes each call, and leads to whichever world is there now."""

    app: object = None
    calls: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)  # what was posted
    expected: list[Meanwhile] = field(default_factory=list)  # each happens once

    def __call__(self, environ, start_response):
        call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.calls.append(call)
        said = ""
        if environ["REQUEST_METHOD"] == "POST":
            said = _reread(environ)
            self.sent.append(said)
        happens = self._expected(call, said)
        if happens and happens.before:
            happens.before()
        answer = self.app(environ, start_response)
        if happens and happens.after:
            happens.after()
        return answer

    def _expected(self, call: str, said: str) -> Meanwhile | None:
        for one in self.expected:
            if one.call == call and any(text in said for text in one.about):
                self.expected.remove(one)
                return one
        return None


@dataclass(repr=False)
class Office:
    """A reconciler at work, and the world that it keeps the books of."""

    world: World
    faults: Faults
    clock: Clock
    runtime: Runtime
    door: FlaskClient
    line: Line
    heard: int = 0  # how many of the world's events

    def enter_world(self, **options) -> None:
        """Another, empty world at the other end of the line."""
        self.world, self.heard = World(self.clock, **options), 0
        self.line.app = create_sandbox(self.world, self.faults, KEY)

    def deliver(self, *events: dict, secret: str = WEBHOOK_SECRET) -> list[int]:
        """Post events as Stripe does, signed now; gives the statuses."""
        return [self.post(body_of(event), secret=secret).status_code for event in events]

    def news(self) -> list[dict]:
        """What the world has told since this was last asked."""
        since, self.heard = self.heard, self.world.events_made()
        return self.world.events(since)

    def deliver_at_once(self, *events: dict) -> list[int]:
        """Post events through several doors, while as many workers apply what is there."""

        def at_a_door(some: Sequence[dict]) -> list[int]:
            client, statuses = self.door.application.test_client(), []
            for event in some:
                body = body_of(event)
                header = sign(WEBHOOK_SECRET, body, int(self.clock().timestamp()))
                answer = client.post("/stripe", data=body, headers={"Stripe-Signature": header})
                statuses.append(answer.status_code)
                with suppress(Unavailable):  # in each other's way: the next who comes does it
                    self.apply()
            return statuses

        parts = _DOORS.map(at_a_door, (events[place::DOORS] for place in range(DOORS)))
        return [status for part in parts for status in part]

    def post(self, body: bytes, *, secret: str = WEBHOOK_SECRET, header: str | None = None):
        """Post any bytes; gives the answer."""
        header = sign(secret, body, int(self.clock().timestamp())) if header is None else header
        return self.door.post("/stripe", data=body, headers={"Stripe-Signature": header})

    def apply(self) -> None:
        """Work off what came in, and ask nobody anything."""
        apply_inbox(self.runtime)

    def submit(self) -> None:
        """Send what refunds are due."""
        submit_refunds(self.runtime)

    def drain(self, within: timedelta = A_WEEK) -> None:
        """Do all that is due, letting time pass from one thing due to the next."""
        ends_at = self.clock() + within
        for _ in range(ROUNDS_MAX):
            self._apply_news()
            find_payments(self.runtime)
            work = self._have_work()
            if work.senders:
                submit_refunds(self.runtime)
                work = self._have_work()
            if work.askers:
                ask_rail(self.runtime)
            due = self.next_due()
            if due is None or due > ends_at:
                self._apply_news()
                return
            self.clock.instant = max(self.clock(), due)
        left = [(row.what, row.name) for row in self.rows(_DUE)]
        raise AssertionError(f"there is always something due: the books never come to rest: {left}")

    def _apply_news(self) -> None:
        if self._have_work().appliers:
            apply_inbox(self.runtime)

    def _have_work(self) -> sa.Row:
        return self.rows(_HAVE_WORK, now=self.clock())[0]

    def next_due(self) -> datetime | None:
        """When the next thing is to be done that waits for its time."""
        return self.scalar(_NEXT_DUE)

    def ask_soon(self, rail_ids: Iterable[str]) -> None:
        """The rail is to be asked about these payments and payouts, whatever is known of them."""
        given = {"now": self.clock(), "made": [one for one in rail_ids if one]}
        with self.runtime.work(SOMEBODY) as work:
            for statement in (_ASK_SOON, _ASK_PAYOUTS_SOON):
                work.session.execute(statement, given)

    def replay(self) -> None:
        """Do every event over."""
        self.do(lambda work: inbox.replay_matching(work, ReplayFilter()))
        self.drain()

    def do(self, step, cause: Cause = SOMEBODY):
        """One unit of work."""
        return self.runtime.do(cause, step)

    def scalar(self, statement, **values):
        """One value from the database."""
        with Session(self.runtime.engine) as session:
            return session.execute(_text(statement), values).scalar()

    def rows(self, statement, **values) -> list:
        """Rows from the database."""
        with Session(self.runtime.engine) as session:
            return list(session.execute(_text(statement), values))

    def violations(self) -> list[verification.Violation]:
        """Every law of the books that does not hold."""
        with self.runtime.read() as session:
            return verification.violations(session)

    def unfinished(self) -> list[tuple[str, str, str | None]]:
        """Events that are neither applied nor ignored, with what is wrong."""
        return [
            (row.type, row.status, row.error)
            for row in self.rows(
                """select e.type, coalesce(o.status, 'none') as status, o.error
                from inbox_event e left join inbox_outcome o on o.seq = e.seq
                where coalesce(o.status, 'none') not in ('applied', 'ignored')"""
            )
        ]


@pytest.fixture(scope="session")
def line() -> Iterator[tuple[Line, str]]:
    """One server for the run; which world answers is changed from test to test."""
    made = Line()
    server = serve(made)
    yield made, server.url
    server.close()


@pytest.fixture(scope="session")
def stripe_api(line: tuple[Line, str]) -> StripeApi:
    """Our client of it, which waits for nothing."""
    return StripeApi(KEY, line[1], pause=lambda _: None)


@pytest.fixture
def office(database_url: str, line: tuple[Line, str], stripe_api: StripeApi) -> Iterator[Office]:
    """A reconciler with an empty book and an empty world."""
    made = open_office(database_url, line, stripe_api)
    yield made
    made.runtime.engine.dispose()


@pytest.fixture(autouse=True)
def sound_in_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, its books break no law; unless it spoils them, and is marked so.

    For the folders whose conftest takes this in.
    """
    has_books = "office" in request.fixturenames and not request.node.get_closest_marker("spoilt")
    made: Office | None = request.getfixturevalue("office") if has_books else None
    yield
    if made is not None:
        assert made.violations() == [], "the books are not sound after the test"


def open_office(
    database_url: str, line: tuple[Line, str], api: StripeApi, **world_options
) -> Office:
    """A reconciler on this database, and a new world at the other end of the line."""
    way, url = line
    clock = Clock()
    world, faults = World(clock, **world_options), Faults()
    way.app = create_sandbox(world, faults, KEY)
    for kept in (way.calls, way.sent, way.expected):
        kept.clear()
    runtime = make_runtime(database_url, url, clock, api)
    return Office(world, faults, clock, runtime, create_webhook_app(runtime).test_client(), way)


def may_make_a_schema(office: Office, owner_url: str) -> Office:
    """The same office, whose owner is known: its books can be made anew beside themselves."""
    settings = replace(office.runtime.settings, migration_database_url=owner_url)
    office.runtime = replace(office.runtime, settings=settings)
    return office


def make_runtime(database_url: str, api_base: str, clock: Clock, api: StripeApi) -> Runtime:
    """A runtime whose clock is the test's and whose bell nobody hears."""
    settings = settings_for(database_url, api_base)
    rails = (StripeRail(settings, clock, api), ManualRail())
    return Runtime(
        settings=settings,
        engine=an_engine(database_url),
        queue=_DEAF_QUEUE,
        rails={rail.name: rail for rail in rails},
        ingest=kept_sessions.ingest(database_url),
        bell=_DEAF_BELL,
        clock=clock,
        pause=lambda _seconds: None,
    )


def settings_for(database_url: str, api_base: str, redis_url: str = _NO_REDIS) -> Settings:
    """Settings of a test house."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=Path(_FILES.name),
        secret_key=Secret("x" * 48),
        stripe_secret_key=Secret(KEY),
        stripe_webhook_secrets=(Secret(WEBHOOK_SECRET),),
        stripe_api_base=api_base,
    )


def events_of(world: World, since: int = 0) -> list[dict]:
    """What the world has told, oldest first."""
    return world.events(since)


def by_kind(events: Iterable[dict], *kinds: str) -> list[dict]:
    """Only events of these kinds."""
    return [event for event in events if event["type"] in kinds]


def _reread(environ) -> str:
    """The body of a request, which the application reads after us."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body.decode()


def _text(statement):
    return sa.text(statement) if isinstance(statement, str) else statement
