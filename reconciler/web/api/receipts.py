"""Money received by hand: the body that invoices and deposits share."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from reconciler.services.receipts import Receipt
from reconciler.web.api.fields import Amount, Body, Day, Line255

Source = Literal["cash", "check", "bank_transfer", "card_terminal", "other"]


class ReceiptBody(Body):
    """What was received by hand."""

    source: Source
    received_on: Day
    amount: Annotated[Amount | None, Field(description="All that is outstanding, if left out.")] = (
        None
    )
    reference: Line255 | None = None
    allow_overpayment: Annotated[
        bool, Field(description="Keep what is more than outstanding as customer credit.")
    ] = False

    def receipt(self) -> Receipt:
        """The same for the service."""
        received_on: date = self.received_on
        return Receipt(
            source=self.source,
            received_on=received_on,
            amount=self.amount,
            reference=self.reference,
            may_overpay=self.allow_overpayment,
        )
