"""What Stripe's own errors become: kinds by what to do about them, with Stripe's code kept."""

from reconciler.errors import Refused


class RailRefused(Refused):
    """Stripe said no for a reason of the business. `code` is Stripe's word for it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
