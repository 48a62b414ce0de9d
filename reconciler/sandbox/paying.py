"""Money that comes in: at once, after days, or through a Checkout page."""

from collections.abc import Mapping
from typing import TypedDict, Unpack

from reconciler.sandbox import objects
from reconciler.sandbox.core import automatic, requested
from reconciler.sandbox.invoices import Invoices
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.payments import Payment, PayOptions
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.rows import Movement, Rate


class SessionOptions(TypedDict, total=False):
    """What may be said about a Checkout Session. Its metadata does not reach the intent."""

    customer: str | None
    customer_email: str | None
    client_reference_id: str | None
    metadata: Mapping[str, str]
    payment_intent_metadata: Mapping[str, str]
    description: str | None
    success_url: str | None
    cancel_url: str | None


class Paying(Invoices):
    """Payments with automatic capture."""

    @requested
    def pay(self, amount: int, currency: str = "usd", **options: Unpack[PayOptions]) -> Payment:
        """Money with automatic capture: by card now, or by a bank debit that takes days.

        The row is missing from charge.succeeded and comes with charge.updated; with
        `settle=False` it stays missing until `settle` is called.
        """
        intent = self._intent(amount, currency, options)
        if intent is not None and options.get("three_d_secure"):
            self._ask_the_payer(intent)
        charge = self._charge(intent, amount, currency, options)
        charge |= {"amount_captured": amount, "captured": True}
        charge["_session"] = options.get("session")
        charge["_invoices"] = dict(options.get("invoices") or {})
        payment = Payment(intent["id"] if intent else "", charge["id"])
        if options.get("method") == "delayed":
            self._start(charge, intent, early_row=options.get("early_row", False))
        else:
            self._succeed(charge, intent)
            self._complete_session(charge, paid=True)
            if options.get("settle", True):
                self.settle(charge["id"])
        return payment

    @automatic
    def settle_delayed(self, target: str) -> None:
        """The bank debit came through."""
        charge = self._pending(target)
        self._succeed(charge, self.intent_of(charge))
        self._follow_session(charge, "checkout.session.async_payment_succeeded")
        self.settle(charge["id"])

    @automatic
    def fail_delayed(self, target: str, failure_code: str = "insufficient_funds") -> None:
        """The bank debit was refused after days. A row that was there already is taken back."""
        charge = self._pending(target)
        charge |= {
            "failure_code": failure_code,
            "failure_message": "The customer's bank returned the debit.",
            "outcome": objects.declined(failure_code),
            "paid": False,
            "status": "failed",
        }
        if charge["balance_transaction"] is not None:
            charge["failure_balance_transaction"] = self._take_row_back(charge)["id"]
        self.emit("charge.failed", charge)
        intent = self.intent_of(charge)
        if intent is not None:
            error = {"charge": charge["id"], "code": failure_code, "type": "invalid_request_error"}
            intent |= {
                "last_payment_error": error | {"message": charge["failure_message"]},
                "processing": None,
                "status": "requires_payment_method",
            }
            self.emit("payment_intent.payment_failed", intent)
        self._follow_session(charge, "checkout.session.async_payment_failed")

    def _succeed(self, charge: Json, intent: Json | None) -> None:
        charge |= {"paid": True, "status": "succeeded"}
        if self.books_at_once():
            self.book_capture(charge, charge["amount_captured"])
        if intent is not None:
            received = charge["amount_captured"]
            intent |= {"amount_received": received, "processing": None, "status": "succeeded"}
        self.emit("charge.succeeded", charge)
        if intent is not None:
            self.emit("payment_intent.succeeded", intent)
        self.pay_invoices(charge, charge["_invoices"])

    def _start(self, charge: Json, intent: Json | None, *, early_row: bool) -> None:
        charge |= {"paid": False, "status": "pending"}
        if early_row:
            self.book_capture(charge, charge["amount_captured"])
        if intent is not None:
            intent["status"] = "processing"
            self.emit("payment_intent.processing", intent)
        self.emit("charge.pending", charge)
        self._complete_session(charge, paid=False)

    def _pending(self, target: str) -> Json:
        charge = self.charge_of(target)
        if charge["status"] != "pending":
            raise StripeProblem(f"Charge {charge['id']} is {charge['status']}, not pending.")
        return charge

    def _take_row_back(self, charge: Json) -> Json:
        row = self.get("balance_transaction", charge["balance_transaction"])
        return self.book(
            Movement(
                "payment_failure_refund",
                "charge_failure",
                charge["id"],
                -row["amount"],
                Rate.of(charge["_rate"]),
                fee=-row["fee"],
                foreign=row["exchange_rate"] is not None,
            )
        )

    def _ask_the_payer(self, intent: Json) -> None:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        intent |= {"next_action": action, "status": "requires_action"}
        self.emit("payment_intent.requires_action", intent)
        intent["next_action"] = None

    # Checkout

    @requested
    def open_session(
        self, amount: int, currency: str = "usd", **options: Unpack[SessionOptions]
    ) -> str:
        """A Checkout page that waits for the payer; gives the id. There is no intent yet."""
        stamp = self.stamp("cs_live" if self.livemode else "cs_test")
        url = f"{self.base_url}/pay/{stamp.id}"
        made = objects.checkout_session(stamp, amount, currency.lower(), url=url)
        made |= {
            "_description": options.get("description"),
            "_intent_metadata": dict(options.get("payment_intent_metadata") or {}),
            "cancel_url": options.get("cancel_url"),
            "client_reference_id": options.get("client_reference_id"),
            "customer": options.get("customer"),
            "customer_email": options.get("customer_email"),
            "metadata": dict(options.get("metadata") or {}),
            "success_url": options.get("success_url"),
        }
        self.add(made)
        return str(made["id"])

    @requested
    def complete_session(self, session_id: str, **options: Unpack[PayOptions]) -> Payment:
        """The payer pays on the page. Of nothing, there is no intent and no charge."""
        session = self._open(session_id)
        if session["amount_total"] == 0:
            self._close(session, payment_status="no_payment_required")
            return Payment("", "")
        given: PayOptions = {
            "customer": session["customer"],
            "description": session["_description"],
            "metadata": session["_intent_metadata"],
            "receipt_email": session["customer_email"],
        }
        given |= options
        given["session"] = session_id
        return self.pay(session["amount_total"], session["currency"], **given)

    @automatic
    def expire_session(self, session_id: str) -> None:
        """Nobody paid in time."""
        session = self._open(session_id)
        session |= {"status": "expired", "url": None}
        self.emit("checkout.session.expired", session)

    def _open(self, session_id: str) -> Json:
        session = self.get("checkout.session", session_id)
        if session["status"] != "open":
            raise StripeProblem(f"Checkout Session {session_id} is {session['status']}, not open.")
        return session

    def _complete_session(self, charge: Json, *, paid: bool) -> None:
        if charge["_session"] is None:
            return
        session = self._open(charge["_session"])
        session["payment_intent"] = charge["payment_intent"]
        self._close(session, payment_status="paid" if paid else "unpaid")

    def _close(self, session: Json, *, payment_status: str) -> None:
        session |= {"payment_status": payment_status, "status": "complete", "url": None}
        session["customer_details"] = objects.customer_details(session["customer_email"])
        self.emit("checkout.session.completed", session)

    def _follow_session(self, charge: Json, kind: str) -> None:
        if charge["_session"] is None:
            return
        session = self.get("checkout.session", charge["_session"])
        if charge["status"] == "succeeded":
            session["payment_status"] = "paid"
        self.emit(kind, session)
