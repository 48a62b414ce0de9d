"""The calls that the program may make, and no others."""

from collections.abc import Callable

from reconciler.sandbox.expansion import Expander
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.lists import LISTINGS, page
from reconciler.sandbox.paying import SessionOptions
from reconciler.sandbox.problems import StripeProblem, invalid, missing
from reconciler.sandbox.refunds import RefundOptions
from reconciler.sandbox.wire import Answer, Call, integer, items, metadata, only, text, texts
from reconciler.sandbox.world import World

_ONE = {
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payouts": "payout",
    "refunds": "refund",
}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_REFUND_PARAMS = """amount charge currency customer expand instructions_email metadata origin
    payment_intent reason refund_application_fee reverse_transfer""".split()  # noqa: SIM905
_SESSION_PARAMS = """adaptive_pricing allow_promotion_codes billing_address_collection cancel_url
    client_reference_id currency customer customer_creation customer_email expand expires_at
    invoice_creation line_items locale metadata mode payment_intent_data payment_method_types
    submit_type success_url ui_mode""".split()  # noqa: SIM905
_ITEMS_MAX = 100

Make = Callable[[World, Call], str]


def answer(world: World, call: Call) -> Answer:
    """Do what a call asks. Raises StripeProblem for every refusal."""
    name = call.path.removeprefix("/v1/")
    if call.method == "GET":
        shown = _read(world, call, name)
    elif call.method == "POST":
        with world.acting(call.cause):
            shown = _write(world, call, name)
    else:
        raise _unknown(call)
    return Answer(200, shown)


def _read(world: World, call: Call, name: str) -> Json:
    with world.lock:
        if name == "account":
            return world.account_object()
        if name == "balance":
            return world.balance()
        if name in LISTINGS:
            return _list(world, call, name)
        collection, _, object_id = name.rpartition("/")
        if collection not in _ONE:
            raise _unknown(call)
        return _one(world, call, _ONE[collection], object_id)


def _one(world: World, call: Call, kind: str, object_id: str) -> Json:
    only(call.params, ("expand",))
    kept = world.get(kind, object_id)
    if kind == "event":
        if not world.recent(kept):
            raise missing(kind, object_id)
        # As it was rendered when it happened, whatever version asks.
        return world.event_for(object_id, None)
    shown = world.render(kept, call.version)
    Expander(world, call.version).expand(shown, texts(call.params, "expand"))
    return shown


def _list(world: World, call: Call, name: str) -> Json:
    listing = LISTINGS[name]
    found, has_more = page(world, listing, call.params)
    shown = {
        "object": "list",
        "data": [world.render(kept, call.version) for kept in found],
        "has_more": has_more,
        "url": listing.url,
    }
    Expander(world, call.version).expand(shown, texts(call.params, "expand"))
    return shown


def _write(world: World, call: Call, name: str) -> Json:
    make = _maker(name)
    if make is None:
        raise _unknown(call)
    made = world.show(make(world, call), call.version)
    Expander(world, call.version).expand(made, texts(call.params, "expand"))
    return made


def _maker(name: str) -> Make | None:
    if name == "refunds":
        return _create_refund
    if name == "checkout/sessions":
        return _create_session
    parts = name.split("/")
    if len(parts) == 3 and parts[0] == "refunds" and parts[2] == "cancel":
        return _cancel_refund
    if len(parts) == 4 and parts[:2] == ["checkout", "sessions"] and parts[3] == "expire":
        return _expire_session
    return None


def _create_refund(world: World, call: Call) -> str:
    params = call.params
    only(params, _REFUND_PARAMS)
    charge, intent = text(params, "charge"), text(params, "payment_intent")
    if not charge and not intent:
        words = "One of the following params should be provided for this request: payment_intent "
        raise invalid(words + "or charge.", code="parameter_missing")
    if charge and intent:
        raise invalid("You may only specify one of these parameters: charge, payment_intent.")
    reason = text(params, "reason")
    if reason is not None and reason not in _REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(_REASONS)}", param="reason")
    amount = integer(params, "amount")
    given: RefundOptions = {
        "instructions_email": text(params, "instructions_email"),
        "metadata": metadata(params),
        "reason": reason,
    }
    return _planned_refund(world, charge or intent or "", amount, given)


def _planned_refund(world: World, target: str, amount: int | None, given: RefundOptions) -> str:
    """Make the refund; how it goes was perhaps planned with `plan_refund`."""
    try:
        made = world.refund(target, amount, **(world.next_plan() | given))
    except StripeProblem as problem:
        if problem.code == "resource_missing":
            problem.param = "payment_intent" if target.startswith("pi_") else "charge"
        raise
    del world.refund_plans[:1]
    return made


def _cancel_refund(world: World, call: Call) -> str:
    only(call.params, ("expand",))
    refund_id = call.path.split("/")[-2]
    world.cancel_refund(refund_id)
    return refund_id


def _create_session(world: World, call: Call) -> str:
    params = call.params
    only(params, _SESSION_PARAMS)
    if text(params, "mode") != "payment":
        raise invalid("This sandbox knows Checkout Sessions in mode payment only.", param="mode")
    amount, currency = _total(items(params, "line_items"))
    data = params.get("payment_intent_data") or {}
    given: SessionOptions = {
        "cancel_url": text(params, "cancel_url"),
        "client_reference_id": text(params, "client_reference_id"),
        "customer": text(params, "customer"),
        "customer_email": text(params, "customer_email"),
        "description": text(data, "description"),
        "metadata": metadata(params),
        "payment_intent_metadata": metadata(data),
        "success_url": text(params, "success_url"),
    }
    if given["customer"]:
        world.get("customer", given["customer"], param="customer")
    world.base_url = call.base_url or world.base_url
    return world.open_session(amount, currency, **given)


def _expire_session(world: World, call: Call) -> str:
    only(call.params, ("expand",))
    session_id = call.path.split("/")[-2]
    world.expire_session(session_id)
    return session_id


def _total(lines: list[object]) -> tuple[int, str]:
    """The sum of all line items, which share a currency."""
    if not lines or len(lines) > _ITEMS_MAX:
        raise invalid("Between 1 and 100 line items are needed.", param="line_items")
    total, currencies = 0, set()
    for line in lines:
        price = line.get("price_data") if isinstance(line, dict) else None
        if not isinstance(line, dict) or not isinstance(price, dict):
            raise invalid("Each line item needs price_data.", param="line_items")
        quantity = integer(line, "quantity") or 1
        total += quantity * (integer(price, "unit_amount", least=0) or 0)
        currencies.add((text(price, "currency") or "").lower())
    if len(currencies) != 1 or "" in currencies:
        raise invalid("All line items need one and the same currency.", param="line_items")
    return total, currencies.pop()


def _unknown(call: Call) -> StripeProblem:
    words = (
        f"Unrecognized request URL ({call.method}: {call.path}). Please see "
        f"https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    return StripeProblem(words, status=404, executed=False)
