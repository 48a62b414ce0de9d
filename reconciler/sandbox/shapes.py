"""One truth, many shapes: objects as a given API version shows them."""

import copy
from collections.abc import Mapping

from reconciler.sandbox import versions
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.versions import since

KINDS = (
    "customer",
    "payment_intent",
    "charge",
    "refund",
    "dispute",
    "balance_transaction",
    "payout",
    "checkout.session",
    "invoice",
    "invoice_payment",
    "event",
)
_EMBEDDED_MAX = 10
_ADDED_LATER = {
    ("payment_intent", "customer_account"): versions.CLOVER,
    ("payment_intent", "managed_payments"): versions.CLOVER,
    ("checkout.session", "managed_payments"): versions.CLOVER,
    ("payment_intent", "excluded_payment_method_types"): versions.CLOVER,
    ("refund", "customer"): versions.DAHLIA,
    ("refund", "customer_account"): versions.DAHLIA,
    ("refund", "payment_method"): versions.DAHLIA,
    ("refund", "pending_reason"): versions.PENDING_REASON,
    ("balance_transaction", "balance_type"): versions.BALANCE_TYPE,
    ("payout", "trace_id"): versions.TRACE_ID,
    ("payout", "payout_method"): versions.PENDING_REASON,
    ("checkout.session", "customer_account"): versions.CLOVER,
    ("invoice", "amount_overpaid"): versions.BASIL,
    ("invoice", "parent"): versions.BASIL,
    ("invoice", "total_taxes"): versions.BASIL,
}

Tables = Mapping[str, Mapping[str, Json]]


def render(kept: Json, version: str, tables: Tables, now: int) -> Json:
    """A copy of `kept` in the shape of `version`, without the sandbox's own notes."""
    kind = kept["object"]
    shown = {
        name: copy.deepcopy(value)
        for name, value in kept.items()
        if not name.startswith("_") and since(version, _ADDED_LATER.get((kind, name), ""))
    }
    if kind == "balance_transaction":
        shown["status"] = "available" if shown["available_on"] <= now else "pending"
    if kind == "dispute":
        _show_dispute(shown, kept, version, tables, now)
    if kind == "checkout.session" and not since(version, versions.DAHLIA):
        shown["ui_mode"] = "hosted"
    if not since(version, versions.BASIL):
        _add_what_basil_removed(shown, kept)
    if not since(version, versions.CHARGES_AND_REFUNDS_NOT_EMBEDDED):
        _embed(shown, kept, version, tables, now)
    return shown


def embedded_refunds(charge: Json, version: str, tables: Tables, now: int) -> Json:
    """The list inside a charge: the ten newest refunds, and whether there are more."""
    made = [tables["refund"][refund_id] for refund_id in reversed(charge["_refunds"])]
    return {
        "object": "list",
        "data": [render(refund, version, tables, now) for refund in made[:_EMBEDDED_MAX]],
        "has_more": len(made) > _EMBEDDED_MAX,
        "total_count": len(made),
        "url": f"/v1/charges/{charge['id']}/refunds",
    }


def difference(old: Json, new: Json) -> Json:
    """`previous_attributes`: old values of what changed; inside objects only what changed."""
    changed: Json = {}
    for name in sorted(old.keys() | new.keys()):
        was, is_now = old.get(name), new.get(name)
        if was == is_now:
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            changed[name] = difference(was, is_now)
        else:
            changed[name] = was
    return changed


def _show_dispute(shown: Json, kept: Json, version: str, tables: Tables, now: int) -> None:
    rows = [tables["balance_transaction"][row_id] for row_id in kept["balance_transactions"]]
    shown["balance_transactions"] = [render(row, version, tables, now) for row in rows]
    if not since(version, versions.CHARGES_AND_REFUNDS_NOT_EMBEDDED):
        shown["balance_transaction"] = rows[0]["id"] if rows else None


def _add_what_basil_removed(shown: Json, kept: Json) -> None:
    if kept["object"] in ("charge", "payment_intent"):
        shown["invoice"] = kept.get("_invoice")
    if kept["object"] == "invoice":
        shown["paid"] = kept["status"] == "paid"
        shown["paid_out_of_band"] = False
        shown["payment_intent"] = kept.get("_payment_intent")
        shown["charge"] = kept.get("_charge")
        shown["subscription"] = None


def _embed(shown: Json, kept: Json, version: str, tables: Tables, now: int) -> None:
    if kept["object"] == "charge":
        shown["dispute"] = kept["_disputes"][-1] if kept["_disputes"] else None
        shown["refunds"] = embedded_refunds(kept, version, tables, now)
    if kept["object"] == "payment_intent":
        del shown["latest_charge"]
        tried = [tables["charge"][charge_id] for charge_id in reversed(kept["_charges"])]
        shown["charges"] = {
            "object": "list",
            "data": [render(charge, version, tables, now) for charge in tried],
            "has_more": False,
            "total_count": len(tried),
            "url": f"/v1/charges?payment_intent={kept['id']}",
        }
