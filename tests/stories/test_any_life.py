"""Whatever befalls payments, told in any order and with losses: the books are the oracle's."""

import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books.invoice_lines import Line
from reconciler.flows.rebuild import rebuild
from reconciler.services import applications
from tests import oracle
from tests.builders import customer, deposit, invoice
from tests.oracle import Document
from tests.runtime import Office, may_make_a_schema, open_office
from tests.stories.figures import all_agree
from tests.stories.lives import Life, deeds, payment_of
from tests.stories.pages import Shown, documents_match
from tests.tiers import size

OLD = "2022-08-01"
_numbers = count(1)
pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.fixture(scope="module")
def shared(module_database_url: str, module_owner_url: str, line, stripe_api) -> Office:
    """One office for all lives: each has a world, customers and documents of its own."""
    office = open_office(module_database_url, line, stripe_api)
    yield office
    found, done = rebuild(may_make_a_schema(office, module_owner_url).runtime)
    office.runtime.engine.dispose()
    assert found == [], "all these books, made anew, are others"
    # Another worker may have told nearly all of the lives.
    assert done.done["events"] > 0
    assert done.done["deeds"] > 0


def begin(office: Office, totals: list[tuple[int, bool]], **world) -> Life:
    """A new world, and documents with numbers that nobody had before."""
    number = next(_numbers)
    office.enter_world(seed=number, salt=f"life-{number}", **world)
    ann = customer(office)
    life = Life(office.world, [], office.clock, customer_id=ann)
    for place, (total, is_deposit) in enumerate(totals):
        name = f"{'DEP' if is_deposit else 'INV'}-{number}.{place}"
        if is_deposit:
            deposit(office, name, total, customer_id=ann)
            life.documents.append(Document(name, "USD", total, is_deposit=True))
        elif place % 2:
            invoice(office, name, total, customer_id=ann)
            life.documents.append(Document(name, "USD", total))
        else:  # a third of it is tax, so that no share of it is a whole number by luck
            work = Line(description="Work", unit_price=total, tax_rate="50")
            invoice(office, name, None, customer_id=ann, lines=(work,))
            life.documents.append(Document(name, "USD", total + total // 2, tax=total // 2))
    return life


def tell(office: Office, life: Life, chance: random.Random, lost: float) -> None:
    """All news shuffled, some twice, some never, worked off a few at a time."""
    news = office.world.events()
    chance.shuffle(news)
    kept, heard_of = [], set()
    for event in news:
        about = payment_of(event)
        if about in heard_of and chance.random() < lost:
            continue  # of each payment at least one event arrives
        heard_of.add(about)
        kept.append(event)
    kept += chance.sample(kept, len(kept) // 3)
    while kept:
        some = [kept.pop() for _ in range(min(len(kept), chance.randint(1, 9)))]
        assert set(office.deliver(*some)) <= {200}
        office.apply()
    office.drain()
    if lost:
        ask_about_all(office)


def ask_about_all(office: Office) -> None:
    """Look at every payment and payout of this world again."""
    kinds = ("payment_intent", "charge", "payout")
    office.ask_soon([name for kind in kinds for name in office.world.table(kind)])
    office.drain()


def use_deposits(office: Office, life: Life) -> None:
    """People use what deposits have on what invoices owe."""
    rows = office.rows("select id, code, received - applied - refunded as rest from deposit")
    held = {row.code: row for row in rows}
    owed = {
        row.number: row
        for row in office.rows(
            "select id, number, total, paid, credit_notes, refund_credits from invoice"
        )
    }
    for source in [d for d in life.documents if d.is_deposit]:
        rest = held[source.number].rest
        for target in [d for d in life.documents if not d.is_deposit]:
            row = owed[target.number]
            open_ = row.total - row.paid - row.credit_notes - row.refund_credits
            part = min(rest, open_) // 2
            if not part or any(n == target.number for d in life.documents for n, _ in d.uses):
                continue
            office.do(
                lambda work: applications.apply(work, held[source.number].id, row.id, part)  # noqa: B023  at once
            )
            source.uses.append((target.number, part))
            rest -= part


def check(office: Office, life: Life) -> None:
    books = oracle.expected(
        life.world.truth.tables, life.documents, life.targets, are_deposits_used_last=True
    )
    documents_match(Shown.by(office), books)
    assert taxes(office, books.taxes) == books.taxes
    all_agree(office, life.customer_id, on_its_way(life))
    assert office.violations() == []
    assert office.unfinished() == []


def taxes(office: Office, numbers) -> dict[str, int]:
    """What the ledger holds for the tax office, by invoice."""
    rows = office.rows(
        """select i.number, -sum(p.amount)::bigint as held from posting p
        join journal_entry e on e.id = p.entry_id join invoice i on i.id = e.invoice_id
        join ledger_account a on a.id = p.account_id and a.role = 'sales_tax_payable'
        where i.number = any(:numbers) group by 1""",
        numbers=list(numbers),
    )
    return dict.fromkeys(numbers, 0) | {row.number: row.held for row in rows}


def on_its_way(life: Life) -> dict[str, int]:
    """What holds and debits that have not come through would bring, by what it is for."""
    found: dict[str, int] = {}
    for intent in life.world.table("payment_intent").values():
        waits = intent["amount_capturable"] or (
            intent["amount"] if intent["status"] == "processing" else 0
        )
        for name, _ in life.targets.get(intent["id"], []):
            found[name] = found.get(name, 0) + waits
    return found


SEEDS = st.integers(0, 1 << 32)
TOTALS = st.lists(
    st.tuples(st.integers(1, 9).map(lambda n: n * 1_500), st.booleans()), min_size=1, max_size=3
)
NO_MATTER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
LIVES = settings().max_examples // 3  # each of them takes as long as hundreds of a pure rule
AGAIN = size(quick=3, full=LIVES)  # of what only tells such lives in another shape


@settings(suppress_health_check=NO_MATTER, max_examples=LIVES)
@given(TOTALS, deeds, SEEDS, st.sampled_from([0.0, 0.3, 0.8]))
def test_any_life_told_in_any_order(shared: Office, totals, told, seed, lost) -> None:
    life = begin(shared, totals)
    life.live(told)
    tell(shared, life, random.Random(seed), lost)
    use_deposits(shared, life)
    check(shared, life)


@settings(suppress_health_check=NO_MATTER, max_examples=AGAIN)
@given(TOTALS, deeds, SEEDS)
def test_any_life_in_the_shape_of_2022(shared: Office, totals, told, seed) -> None:
    life = begin(shared, totals, api_version=OLD)
    life.live(told)
    tell(shared, life, random.Random(seed), lost=0.3)
    check(shared, life)


@settings(suppress_health_check=NO_MATTER, max_examples=size(quick=3, full=max(6, LIVES // 3)))
@given(TOTALS, deeds, SEEDS)
def test_any_life_told_while_it_is_lived(shared: Office, totals, told, seed) -> None:
    """The rail is asked in the middle of things, and what it answers is overtaken."""
    life, chance = begin(shared, totals), random.Random(seed)
    heard = 0
    for deed in told:
        life.live([deed])
        news = shared.world.events(heard)
        heard = shared.world.events_made()
        chance.shuffle(news)
        shared.deliver(*news[: chance.randint(0, len(news))])
        shared.apply()
        shared.clock.advance(seconds=chance.choice([0, 3, 60]))
        shared.drain(within=shared.clock() - shared.clock())
    tell(shared, life, chance, lost=0.0)
    use_deposits(shared, life)
    check(shared, life)
