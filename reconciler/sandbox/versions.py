"""When the API changed its mind. A version is compared by the date in its name."""

NEWEST = "2026-10-28.endive"

CHARGES_AND_REFUNDS_NOT_EMBEDDED = "2022-11-15"
CAPTURE_BECAME_ASYNC = "2024-04-10"
TRACE_ID = "2024-09-30"
REFUND_FAILED_EVENT = "2024-10-28"
BASIL = "2025-03-31"
PENDING_REASON = "2025-04-30"
INVOICE_PAYMENT_PAID_EVENT = "2025-05-28"
BALANCE_TYPE = "2025-08-27"
CLOVER = "2025-09-30"
DAHLIA = "2026-03-25"


def since(version: str, change: str) -> bool:
    """Whether `version` is the one that brought `change`, or later."""
    return version[:10] >= change
