"""All that Stripe knows of one payout: the payout, its own balance rows, and what it consists of.

Usually one call, and one for each hundred members. A link may come back unexpanded, and a bank's
return may name no row: then what is missing is asked for.
"""

from reconciler.books import payout_lines, payouts
from reconciler.books.payout_lines import Member, PayoutLook
from reconciler.books.payouts import CATEGORIES, PayoutFacts
from reconciler.errors import NotFound
from reconciler.rails.stripe import parts
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.evidence import MetadataKeys
from reconciler.rails.stripe.fields import Obj, link
from reconciler.rails.stripe.listing import listed_movement
from reconciler.rails.stripe.payouts import payout_facts

_ROWS = ("balance_transaction", "failure_balance_transaction")


def look_at_payout(api: StripeApi, known: PayoutFacts, at: int, keys: MetadataKeys) -> PayoutLook:
    """The payout as Stripe has it now; of an automatic one all members, once it lists them.

    Raises NotFound, Invalid for what nobody can read, Unavailable.
    """
    told = payout_facts(api.get("payout", "payouts", known.payout_id, expand=_ROWS), at).payout
    assert told is not None, "a payout read is facts of one"
    facts = _with_rows(api, payouts.join(known, told), known.payout_id)
    if not (payout_lines.is_told(facts) and facts.is_listable):
        return PayoutLook(facts=facts)
    listed = api.walk("balance_transactions", {"payout": facts.payout_id})
    members = [Member(row=parts.balance_fact(r), told=listed_movement(r, at, keys)) for r in listed]
    parts_of_it = (one for one in members if not payout_lines.is_own(one.row, facts))
    return PayoutLook(facts=facts, members=tuple(parts_of_it))


def _with_rows(api: StripeApi, facts: PayoutFacts, payout_id: str) -> PayoutFacts:
    """The payout with its own rows: those that its links name, else those that name it."""
    found: list[Obj] = []
    for ref in (facts.balance_ref, facts.failure_ref):
        if ref is not None and ref not in facts.rows:
            found += _one(api, ref)
    facts = _learn(facts, found)
    if payouts.open_questions(facts):
        rows = api.walk("balance_transactions", {"source": payout_id})
        facts = _learn(facts, [row for row in rows if link(row, "source") == payout_id])
    return facts


def _learn(facts: PayoutFacts, rows: list[Obj]) -> PayoutFacts:
    read = [parts.balance_fact(row) for row in rows]
    own = {row.id: row for row in read if row.category in CATEGORIES}
    seen = PayoutFacts(rail=facts.rail, account=facts.account, payout_id=facts.payout_id, rows=own)
    return payouts.join(facts, seen)


def _one(api: StripeApi, ref: str) -> list[Obj]:
    try:
        return [api.get("balance_transaction", "balance_transactions", ref)]
    except NotFound:
        return []
