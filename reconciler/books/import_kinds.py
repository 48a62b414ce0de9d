"""What can be taken over from a file, and what a row of it says once it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class ImportKind(StrEnum):
    """What can be taken over."""

    CUSTOMER = "customer"
    PROJECT = "project"
    INVOICE = "invoice"
    INVOICE_LINE = "invoice_line"
    DEPOSIT = "deposit"
    RECEIPT = "receipt"
    APPLICATION = "application"
    VENDOR = "vendor"
    BILL = "bill"
    BILL_LINE = "bill_line"
    BILL_PAYMENT = "bill_payment"


class DraftState(StrEnum):
    """Where a file stands that was handed over on a screen: two of them wait for a worker."""

    LOOKING = "looking"
    LOOKED = "looked"
    TAKING = "taking"
    TAKEN = "taken"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A row that can be read. Amounts in minor units; what a row does not say is None.

    `key` is what the thing is known again by: the id elsewhere, the number or the code.
    `customer_key` is whose it is: the customer, or of what is bought the vendor. A line or a
    payment is of the document of `of_kind` with the key `of_key`. `more` is what only its kind
    says, as JSON takes it.
    """

    kind: ImportKind
    key: str
    name: str
    email: str | None = None
    customer_key: str | None = None
    project_key: str | None = None
    currency: str | None = None
    amount: int | None = None
    issued_on: date | None = None
    due_on: date | None = None
    state: str | None = None
    words: str | None = None
    of_kind: str | None = None
    of_key: str | None = None
    more: Mapping[str, Any] | None = None
