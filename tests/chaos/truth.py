"""The books against the rail's own truth, in lines: an empty answer means that they are equal.

What they should say is `tests/oracle.py`'s, which shares no code with the program.
"""

from collections.abc import Mapping
from datetime import timedelta

from reconciler.reads import ledger
from reconciler.services import verification
from tests import oracle
from tests.chaos.proof import Clock, RemembersAnswers, come_to_rest, differences, office
from tests.chaos.rig import Rig
from tests.chaos.traffic import Story

_ACCOUNT = "account"
_PAYMENTS = """select p.rail_payment_id, p.captured, p.refunded, p.lost,
    p.captured - p.refunded - p.lost - coalesce((select sum(a.amount) from allocation a
      where a.payment_id = p.id), 0)::bigint
  from payment p where p.captured > 0"""
_INVOICES = """select number, paid, credited, total - paid - credited from invoice
  where state = 'sent'"""


def drift(there: Rig, story: Story, *, ahead: timedelta = timedelta(0)) -> list[str]:
    """What the books say and the rail's truth does not, or the other way round; broken laws, too.

    Asks the rail first for what no event told. The rig's processes must have ended; their clock was
    `ahead` of the real one.
    """
    clock = Clock(ahead)
    api = RemembersAnswers(there.settings.stripe_api_base)
    with office(there.settings, clock, api) as runtime:
        come_to_rest(runtime, clock)
    return wrong_now(there, story)


def wrong_now(there: Rig, story: Story, *, was_asked: bool = True) -> list[str]:
    """The same of the books as they are. Where the rail was not asked, as far as events tell."""
    api = RemembersAnswers(there.settings.stripe_api_base)
    with office(there.settings, Clock(), api) as runtime, runtime.read() as session:
        broken = [f"law broken: {one}" for one in verification.violations(session)]
        balance = ledger.trial_balance(session)
    wrong = differences(_found(there, balance), _expected(story))
    untold = set() if was_asked else _untold(story)
    told = [(where, line) for where, line in wrong if not untold & {line[0], line[1]}]
    return [*broken, *(f"{where} {line}" for where, line in told)]


def _untold(story: Story) -> set[str]:
    """What the rail has to be asked about: fees, and what a capture in part shows as refunded.

    Old API versions show so what was let go; only the rail's balance rows tell that from a refund.
    """
    charges = story.world.table("charge").values()
    partly = {c["payment_intent"] for c in charges if 0 < (c["amount_captured"] or 0) < c["amount"]}
    targets = story.targets()
    return {_ACCOUNT, *partly, *(number for i in partly for number, _ in targets.get(i, []))}


def _found(there: Rig, balance: Mapping[str, ledger.TrialBalance]) -> set:
    return {
        *(
            (_ACCOUNT, line.role, currency, line.balance)
            for currency, found in balance.items()
            for line in found.accounts
            if line.balance
        ),
        *(("payment", *row) for row in there.stores.query(_PAYMENTS, there.database)),
        *(("invoice", *row) for row in there.stores.query(_INVOICES, there.database)),
    }


def _expected(story: Story) -> set:
    documents = [oracle.Document(number, "USD", total) for number, total in story.invoices]
    books = oracle.expected(story.world.truth.tables, documents, story.targets())
    return {
        *((_ACCOUNT, *account, amount) for account, amount in books.ledger.items()),
        *(("payment", name, *said) for name, said in books.payments.items()),
        *(("invoice", number, *said) for number, said in books.invoices.items()),
    }
