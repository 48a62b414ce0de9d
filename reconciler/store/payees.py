"""To which account a vendor's bills and a customer's refunds by transfer are paid."""

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class PayeeAccount(SQLModel, table=True):
    """The account of one vendor or customer, under their id; taken away, nothing of it is left.

    The number stands nowhere else: not in the audit trail, and in no log.
    """

    __tablename__ = "payee_account"
    __table_args__ = (
        base.holds(
            "payee_account_is_somebodys",
            "id = coalesce(customer_id, vendor_id) and num_nonnulls(customer_id, vendor_id) = 1",
        ),
        base.holds(
            "payee_account_says_where",
            "btrim(holder) <> '' and number ~ '^[A-Z0-9-]{4,34}$'",
        ),
    )

    id: str = base.key()
    customer_id: str | None = base.reference("customer.id", nullable=True, index=False)
    vendor_id: str | None = base.reference("vendor.id", nullable=True, index=False)
    holder: str = base.text()
    number: str = base.text()
    bank: str | None = base.text_or_none()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    kept_at: datetime = base.instant()
    rev: int = base.whole(default=1)
