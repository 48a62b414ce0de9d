"""Importing this module registers every table, for migrations and for tests."""

from reconciler.store import (
    allocations,
    audit,
    customers,
    deposits,
    disputes,
    idempotency,
    inbox,
    invoices,
    ledger,
    messages,
    payments,
    payouts,
    people,
    rail_objects,
    reconciliation,
    refund_terms,
    refunds,
    restores,
    reviews,
    runs,
    statements,
)
from reconciler.store.base import SQLModel

metadata = SQLModel.metadata

__all__ = [
    "allocations",
    "audit",
    "customers",
    "deposits",
    "disputes",
    "idempotency",
    "inbox",
    "invoices",
    "ledger",
    "messages",
    "metadata",
    "payments",
    "payouts",
    "people",
    "rail_objects",
    "reconciliation",
    "refund_terms",
    "refunds",
    "restores",
    "reviews",
    "runs",
    "statements",
]
