"""All that Stripe knows of one payment, in as few calls as will do.

Usually four: the intent, its charges, its refunds and the balance rows of the charge that took the
money; one or two more where nothing says what it was for. Anything may answer 404 and any link may
come back unexpanded: then what is missing is asked for by its id.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from reconciler.books.observations import PaymentFacts
from reconciler.errors import NotFound, Refused
from reconciler.rails.protocol import KeyRefused, Sighting
from reconciler.rails.stripe import objects, parts
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.evidence import THE_USUAL, MetadataKeys
from reconciler.rails.stripe.fields import Obj, link

_EXPANDED = "balance_transaction"  # of a refund; that of its failure is rare, and asked for by id

Filters = Sequence[Mapping[str, object]]


def fetch_payment(
    api: StripeApi, known: PaymentFacts, at: int, keys: MetadataKeys = THE_USUAL
) -> Sighting:
    """Every fact of the payment as Stripe has it now. Raises NotFound, Unavailable.

    `known` says what to look for besides, and which rows need not be asked for a second time.
    """
    look = _Look(api, known, at, keys)
    look.at_charges()
    look.at_refunds()
    look.at_disputes()
    look.at_balance()
    look.at_purpose()
    look.at_credits()
    return look.seen


def list_refunds(api: StripeApi, payment_id: str, charge_ids: Collection[str]) -> list[Obj]:
    """All refunds of a payment, all pages. Raises NotFound where there is no such listing."""
    filters = _filters(payment_id, charge_ids)
    found = _list(api, "refunds", filters, expand=(f"data.{_EXPANDED}",))
    if found is None:
        raise NotFound("Stripe does not list them")
    ids = {payment_id, *charge_ids}
    return [row for row in found if _belongs(row, payment_id, ids)]


def is_intent(payment_id: str) -> bool:
    """Whether the payment is an intent, and not a charge that has none."""
    return payment_id.startswith("pi_")


class _Look:
    """One look at a payment: what was known before and what has been seen since."""

    def __init__(self, api: StripeApi, known: PaymentFacts, at: int, keys: MetadataKeys) -> None:
        self._api = api
        self._known = known
        self._at = at
        self._keys = keys
        self._payment_id = known.payment_id
        self._facts = parts.facts_of(payment_id=known.payment_id)
        self._has_dispute = bool(known.disputes)
        self.seen = Sighting(facts=self._facts)

    def at_charges(self) -> None:
        """The intent and each attempt to pay it. Raises NotFound where there is neither."""
        payment_id, wanted = self._payment_id, {*self._known.charges}
        filters: Filters = []
        intent = None
        if is_intent(payment_id):
            filters = [{"payment_intent": payment_id}]
            intent = _one(self._api, "payment_intent", "payment_intents", payment_id)
        else:
            wanted.add(payment_id)
        if intent:
            self._learn(objects.intent_facts(intent, self._at, keys=self._keys))
            wanted.update(self._facts.intent.charges if self._facts.intent else ())
        charges = self._collect("charge", "charges", filters, wanted)
        if not intent and not charges:
            raise NotFound(f"Stripe knows no payment {payment_id}")
        for charge in charges:
            self._learn(
                objects.charge_facts(charge, self._at, payment_id=payment_id, keys=self._keys)
            )
            self._has_dispute |= charge.get("disputed") is True or bool(charge.get("dispute"))

    def at_refunds(self) -> None:
        """Each refund, with the balance rows that tell a real one from a released remainder."""
        filters = _filters(self._payment_id, self._facts.charges)
        known = {one.id for one in self._known.refunds.values() if not one.is_by_hand}
        wanted = known | {*self._facts.refunds}
        for refund in self._collect("refund", "refunds", filters, wanted, expand=(_EXPANDED,)):
            self._learn(parts.refund_facts(refund, self._at, payment_id=self._payment_id))

    def at_disputes(self) -> None:
        """Each dispute, if there is a sign of one."""
        if not self._has_dispute:
            return
        filters = _filters(self._payment_id, self._facts.charges)
        wanted = {*self._known.disputes, *self._facts.disputes}
        for dispute in self._collect("dispute", "disputes", filters, wanted):
            self._learn(parts.dispute_facts(dispute, self._at, payment_id=self._payment_id))

    def at_balance(self) -> None:
        """The balance rows of all of it.

        A capture in steps shows only its first row on the charge, so that rows are listed by
        their source; those that links name and no list held are asked for by id.
        """
        facts = self._facts
        sources = [c.id for c in facts.charges.values() if c.captured or c.balance_ref]
        told = {row.source for row in facts.balance.values()}
        sources += [d.id for d in facts.disputes.values() if d.was_formal and d.id not in told]
        for source in sources:
            found = _list(self._api, "balance_transactions", [{"source": source}]) or []
            self._learn_rows(row for row in found if link(row, "source") == source)
        for ref in self._unread_refs():
            row = _one(self._api, "balance_transaction", "balance_transactions", ref)
            self._learn_rows([row] if row else [])

    def at_purpose(self) -> None:
        """What it was for, where neither charge nor intent says: never worth failing over."""
        if not is_intent(self._payment_id) or self._is_named():
            return
        own = {"payment_intent": self._payment_id}
        for session in _if_allowed(self._api, "checkout/sessions", own):
            if link(session, "payment_intent") == self._payment_id:
                self._learn(objects.session_facts(session, self._at, keys=self._keys))
        if self._is_named() or self._facts.rail_invoices or self._known.rail_invoices:
            return
        asked = {"payment": {"type": "payment_intent", **own}}
        for part in _if_allowed(self._api, "invoice_payments", asked):
            told = objects.invoice_payment_facts(part)
            if told.facts and told.facts.payment_id == self._payment_id:
                self._learn(told)

    def at_credits(self) -> None:
        """What Stripe's own credit for the customer paid of Stripe's own invoices."""
        seen, known = self._facts, self._known
        asked = {*seen.rail_invoices, *known.rail_invoices}
        for invoice_id in sorted(asked - {*seen.rail_credits, *known.rail_credits}):
            invoice = _one_if_allowed(self._api, "invoice", "invoices", invoice_id)
            credit = {invoice_id: (0, 0)} | (objects.invoice_credit(invoice) if invoice else {})
            self._learn(
                Sighting(facts=parts.facts_of(payment_id=self._payment_id, rail_credits=credit))
            )

    def _collect(
        self,
        kind: str,
        path: str,
        filters: Filters,
        wanted: set[str],
        *,
        expand: tuple[str, ...] = (),
    ) -> list[Obj]:
        """A listing's rows of this payment, and by id those it should have held and did not."""
        charge_ids = {*self._facts.charges, *self._known.charges, *wanted}
        listed = _list(self._api, path, filters, expand=tuple(f"data.{name}" for name in expand))
        found = [row for row in listed or [] if _belongs(row, self._payment_id, charge_ids)]
        for missing in sorted(wanted - {str(row.get("id")) for row in found}):
            row = _one(self._api, kind, path, missing, expand=expand)
            found += [row] if row else []
        return found

    def _unread_refs(self) -> list[str]:
        facts, has = self._facts, {*self._facts.balance, *self._known.balance}
        refs = {charge.balance_ref for charge in facts.charges.values()}
        for refund in facts.refunds.values():
            refs |= {refund.balance_ref, refund.failure_ref}
        return sorted(ref for ref in refs if ref and ref not in has)

    def _is_named(self) -> bool:
        return bool(self._facts.named or self._known.named)

    def _learn_rows(self, rows: Iterable[Obj]) -> None:
        balance = {fact.id: fact for fact in map(parts.balance_fact, rows)}
        self._learn(Sighting(facts=parts.facts_of(payment_id=self._payment_id, balance=balance)))

    def _learn(self, told: Sighting) -> None:
        self.seen = objects.merge(self.seen, told)
        assert self.seen.facts is not None, "it began with facts, and facts do not go away"
        self._facts = self.seen.facts


def _filters(payment_id: str, charge_ids: Collection[str]) -> Filters:
    """By which listings of a payment's parts are asked for."""
    if is_intent(payment_id):
        return [{"payment_intent": payment_id}]
    return [{"charge": charge_id} for charge_id in sorted({payment_id, *charge_ids})]


def _belongs(row: Obj, payment_id: str, charge_ids: Collection[str]) -> bool:
    """Whether a listed row is of this payment: a filter that is not honoured must not mix two."""
    intent = link(row, "payment_intent")
    if intent == payment_id or {link(row, "charge"), link(row, "id")} & {*charge_ids}:
        return True
    return "payment_intent" not in row and is_intent(payment_id)  # an old shape: it cannot tell


def _list(
    api: StripeApi, path: str, filters: Filters, *, expand: tuple[str, ...] = ()
) -> list[Obj] | None:
    """The rows that fit any of the filters; None where the listing is not there."""
    more = {"expand": list(expand)} if expand else {}
    try:
        return [row for asked in filters for row in api.walk(path, {**asked, **more})]
    except NotFound:
        return None


def _one(
    api: StripeApi, kind: str, path: str, object_id: str, *, expand: tuple[str, ...] = ()
) -> Obj | None:
    try:
        return api.get(kind, path, object_id, expand=expand)
    except NotFound:
        return None


def _one_if_allowed(api: StripeApi, kind: str, path: str, object_id: str) -> Obj | None:
    try:
        return api.get(kind, path, object_id)
    except (Refused, KeyRefused):  # a restricted key may not read everything
        return None


def _if_allowed(api: StripeApi, path: str, asked: Mapping[str, object]) -> list[Obj]:
    try:
        return list(api.walk(path, asked))
    except (Refused, KeyRefused):  # a restricted key may not read everything
        return []
