"""What the books must say, worked out from the rail's truth by somebody who never saw our code.

The sandbox's world knows every charge, refund, dispute and balance row. With the list of invoices
and deposits, and what each payment was for, BOOKS.md decides the rest. Nothing here is imported
from the program: money is poured from payments into documents and taken back again, one after the
other, as a patient clerk would do it on paper.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

DEAD = ("failed", "canceled")
DISPUTES = ("dispute", "dispute_reversal")
COSTS = ("fee", "network_cost", "tax")
KNOWN = (*DISPUTES, *COSTS, "charge", "charge_failure", "partial_capture_reversal")
WRITTEN_OFF = "write_off"
KNOWN_TOO = ("refund", "refund_failure")


@dataclass
class Document:
    """An invoice, or a deposit with its uses, as the clerk was told of it."""

    number: str
    currency: str
    total: int
    is_deposit: bool = False
    is_sent: bool = True
    credit_notes: int = 0
    rail_invoice: str | None = None  # the rail's own, whose credit is credit here, too
    tax: int = 0  # of the total; owed on to the tax office
    uses: list[tuple[str, int]] = field(default_factory=list)  # of a deposit: invoice, amount


@dataclass
class Paid:
    """One payment as the rail knows it. Minor units of `currency`."""

    id: str
    currency: str
    captured: int = 0
    promised: int = 0
    refunds: list[int] = field(default_factory=list)
    losses: list[tuple[str, int]] = field(default_factory=list)  # dispute or charge, how much
    ledger: Counter = field(default_factory=Counter)

    @property
    def refunded(self) -> int:
        return sum(self.refunds)

    @property
    def lost(self) -> int:
        return sum(amount for _, amount in self.losses)


@dataclass
class Books:
    """The clerk's result. Accounts and documents that come to nothing are left out of `ledger`."""

    ledger: dict[tuple[str, str], int]
    invoices: dict[str, tuple[int, int, int]]  # paid, credited, outstanding
    deposits: dict[str, tuple[int, int, int, int]]  # received, applied, refunded, remaining
    payments: dict[str, tuple[int, int, int, int]]  # captured, refunded, lost, unapplied
    rivals: list[list[str]]  # payments for the same thing, each in exactly one list
    known: frozenset[str]  # every payment that was ever tried
    payouts: dict[str, tuple[int, str, int | None]]  # amount, status, what its parts come to
    payout_ledger: dict[tuple[str, str], int]
    taxes: dict[str, int]  # what each invoice still owes the tax office


def expected(
    tables: Mapping[str, Mapping[str, dict]],
    documents: Iterable[Document],
    targets: Mapping[str, list[tuple[str, int | None]]],
    reopening: Container[str] = (),
    *,
    are_deposits_used_last: bool = False,
    decided: Mapping[str, str] | None = None,
) -> Books:
    """The books for this truth.

    `targets`: payment -> what it was for, and how much (None: all); `reopening`: payments whose
    refunds are owed again, because somebody asked for them so. Deposits were used before anything
    was taken back, or last of all. `decided`: what people decided of a dispute that was lost.
    """
    decided = decided or {}
    paid = {one.id: one for one in _payments(tables)}
    desk = _Desk({document.number: document for document in documents}, tables)
    for one in paid.values():
        desk.pour(one, targets.get(one.id, []))
    if not are_deposits_used_last:
        desk.use_deposits()
    for one in paid.values():
        for amount in one.refunds:
            desk.take(one, amount, "reopen" if one.id in reopening else "credit")
        for dispute, amount in one.losses:
            desk.take(one, amount, decided.get(dispute, "reopen"))
    if are_deposits_used_last:
        desk.use_deposits()
    ledger: Counter[tuple[str, str]] = Counter()
    for one in paid.values():
        ledger.update(one.ledger)
    desk.write(ledger, paid.values())
    _balance_by_conversion(ledger)
    return Books(
        {account: amount for account, amount in ledger.items() if amount},
        desk.invoices(),
        desk.deposits(),
        {
            one.id: (one.captured, one.refunded, one.lost, desk.loose[one.id])
            for one in paid.values()
            if one.captured
        },
        _rivals(paid, targets),
        frozenset(paid),
        {one["id"]: _payout(one) for one in tables["payout"].values()},
        _payout_ledger(tables),
        {number: desk.tax_owed(number) for number in desk.invoices()},
    )


def _rails_credit(document: Document, tables: Mapping[str, Mapping[str, dict]]) -> int:
    """What the customer's balance at the rail paid of the rail's own invoice, once it is paid."""
    invoice = tables["invoice"].get(document.rail_invoice or "")
    if invoice is None or not invoice["amount_paid"]:
        return 0
    gone = invoice["ending_balance"] - invoice["starting_balance"]
    return max(0, min(gone, document.total - invoice["amount_due"]))


def _rivals(paid: Mapping[str, Paid], targets: Mapping[str, list]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in paid:
        what = targets.get(name, [])
        groups.setdefault(what[0][0] if len(what) == 1 else name, []).append(name)
    return list(groups.values())


def _payments(tables: Mapping[str, Mapping[str, dict]]) -> list[Paid]:
    charges: dict[str, list[dict]] = {}
    for charge in tables["charge"].values():
        charges.setdefault(charge["payment_intent"] or charge["id"], []).append(charge)
    rows: dict[str, list[dict]] = {}
    for row in tables["balance_transaction"].values():
        rows.setdefault(row["source"], []).append(row)
    return [_payment(tables, name, some, rows) for name, some in charges.items()]


def _payment(
    tables: Mapping[str, Mapping[str, dict]],
    name: str,
    charges: list[dict],
    rows: Mapping[str, list[dict]],
) -> Paid:
    currency = charges[0]["currency"].upper()
    one = Paid(name, currency)
    sources: list[str] = []
    for charge in charges:
        if charge["status"] == "pending":
            continue  # a debit under way: no money, even where a row announces it
        sources.append(charge["id"])
        if charge["status"] == "succeeded":
            one.captured += charge["amount_captured"] or 0
            waiting = (charge["amount_captured"] or 0) - charge["_booked"]
            one.ledger["clearing", currency] += waiting
        sources += [*charge["_refunds"], *charge["_disputes"]]
        _refunds(tables, charge, one)
    for charge in charges:
        for dispute_id in charge["_disputes"]:
            _dispute(tables, tables["dispute"][dispute_id], one)
    for row in (row for source in sources for row in rows.get(source, ())):
        _row(row, one)
        if row["type"] == "payment_reversal":
            one.losses.append((row["source"], -row["amount"]))
    one.ledger["refunds_payable", currency] -= one.promised
    return one


def _refunds(tables: Mapping[str, Mapping[str, dict]], charge: dict, one: Paid) -> None:
    made = [tables["refund"][refund_id] for refund_id in charge["_refunds"]]
    for refund in sorted(made, key=lambda r: (r["created"], r["id"])):
        if refund.get("_remainder") or refund["status"] in DEAD:
            continue
        one.refunds.append(refund["amount"])
        if refund["status"] != "succeeded" and refund["balance_transaction"] is None:
            one.promised += refund["amount"]


def _row(row: dict, one: Paid) -> None:
    settled = row["currency"].upper()
    one.ledger["clearing", settled] += row["amount"] - row["fee"]
    cost = row["fee"]
    if row["reporting_category"] in COSTS:
        cost -= row["amount"]
    one.ledger["processing_fees", settled] += cost
    if row["reporting_category"] not in KNOWN + KNOWN_TOO:
        one.ledger["suspense", settled] -= row["amount"]


def _dispute(tables: Mapping[str, Mapping[str, dict]], dispute: dict, one: Paid) -> None:
    rows = [tables["balance_transaction"][row_id] for row_id in dispute["balance_transactions"]]
    rows = [row for row in rows if row["reporting_category"] in DISPUTES]
    taken: Counter[str] = Counter()
    for row in rows:
        taken[row["currency"].upper()] -= row["amount"]
    is_over = dispute["status"] in ("won", "lost")
    if not is_over or not any(taken.values()):
        for settled, amount in taken.items():
            one.ledger["disputed_funds", settled] += amount
        return
    ((settled, amount),) = taken.items()
    presented = amount
    if settled != one.currency:
        withdrawn = -sum(row["amount"] for row in rows if row["amount"] < 0)
        presented = dispute["amount"] * amount // withdrawn
    lost = min(presented, one.captured - one.refunded - one.lost)
    one.losses.append((dispute["id"], lost))
    one.ledger["chargeback_losses", settled] += amount - amount * lost // presented


def _payout(payout: dict) -> tuple[int, str, int | None]:
    is_told = payout["automatic"] and payout["reconciliation_status"] == "completed"
    return payout["amount"], payout["status"], payout["amount"] if is_told else None


def _payout_ledger(tables: Mapping[str, Mapping[str, dict]]) -> dict[tuple[str, str], int]:
    """What left the rail is on its way or at the bank; what came back is as if it had not left."""
    ledger: Counter[tuple[str, str]] = Counter()
    for payout in tables["payout"].values():
        currency = payout["currency"].upper()
        if payout["status"] not in DEAD:
            place = "bank" if payout["status"] == "paid" else "payouts_in_transit"
            ledger[place, currency] += payout["amount"]
    for row in tables["balance_transaction"].values():
        if row["source"] in tables["payout"]:
            ledger["clearing", row["currency"].upper()] += row["amount"] - row["fee"]
            ledger["processing_fees", row["currency"].upper()] += row["fee"]
    return {account: amount for account, amount in ledger.items() if amount}


def _balance_by_conversion(ledger: Counter[tuple[str, str]]) -> None:
    """What was exchanged stands between two currencies; elsewhere the rest must be nothing."""
    currencies = {currency for _, currency in ledger}
    rests = {
        currency: sum(amount for (_, held_in), amount in ledger.items() if held_in == currency)
        for currency in currencies
    }
    for currency, rest in rests.items():
        ledger["currency_conversion", currency] -= rest


class _Desk:
    """The clerk's desk: what lies on each document, from which payment, and what lies loose."""

    def __init__(
        self, documents: dict[str, Document], tables: Mapping[str, Mapping[str, dict]]
    ) -> None:
        self._documents = documents
        self._noted = {n: d.credit_notes + _rails_credit(d, tables) for n, d in documents.items()}
        self._room = {n: d.total - self._noted[n] for n, d in documents.items()}
        self._lies: dict[str, Counter[str]] = {number: Counter() for number in documents}
        self._used: dict[str, dict[str, int]] = {
            number: {} for number, document in documents.items() if document.is_deposit
        }
        self._credited: Counter[str] = Counter()
        self._written_off: Counter[str] = Counter()
        self._gone: Counter[str] = Counter()  # what a deposit gave back
        self._wants: dict[str, dict[str, int]] = {}
        self.loose: Counter[str] = Counter()

    def pour(self, one: Paid, targets: list[tuple[str, int | None]]) -> None:
        """All that was captured, onto what it was for, as far as there is room."""
        self.loose[one.id] = one.captured
        wants = self._wants[one.id] = {}
        for number, wanted in targets:
            part = one.captured if wanted is None else wanted
            wants[number] = part
            self._fill(number, one.id, part)

    def use_deposits(self) -> None:
        """A deposit's money, onto invoices, as people decided."""
        for number, document in self._documents.items():
            for invoice, amount in document.uses:
                part = min(amount, self._room[invoice])
                self._room[invoice] -= part
                self._used[number][invoice] = self._used[number].get(invoice, 0) + part

    def take(self, one: Paid, amount: int, how: str) -> None:
        """Money that left again: from what lies loose, then from what it was set against."""
        amount -= self._take_loose(one.id, amount)
        for number in reversed(self._wants[one.id]):
            part = min(amount, self._lies[number][one.id])
            if not part:
                continue
            amount -= part
            self._lies[number][one.id] -= part
            self._room[number] += part
            part -= self._replace(number, part)
            self._give_back(number, part, how)
        assert amount == 0, f"{amount} of {one.id} came from nowhere"

    def write(self, ledger: Counter[tuple[str, str]], paid: Iterable[Paid]) -> None:
        """What documents and loose money come to, in the ledger's accounts."""
        for one in paid:
            ledger["unapplied_cash", one.currency] -= self.loose[one.id]
        invoices, deposits = self.invoices(), self.deposits()
        for number, document in self._documents.items():
            currency = document.currency
            if document.is_deposit:
                ledger["customer_deposits", currency] -= deposits[number][3]
            elif document.is_sent:
                ledger["revenue", currency] -= document.total - document.tax
                ledger["accounts_receivable", currency] += invoices[number][2]
                lowered = self._noted[number] + self._credited[number]
                ledger["sales_tax_payable", currency] -= self.tax_owed(number)
                ledger["credits", currency] += lowered - document.tax + self.tax_owed(number)
                ledger["chargeback_losses", currency] += self._written_off[number]

    def invoices(self) -> dict[str, tuple[int, int, int]]:
        """Paid, credited, outstanding."""
        return {
            number: (
                sum(self._lies[number].values()) + self._used_on(number),
                self._noted[number] + self._credited[number] + self._written_off[number],
                self._room[number] if document.is_sent else 0,
            )
            for number, document in self._documents.items()
            if not document.is_deposit
        }

    def deposits(self) -> dict[str, tuple[int, int, int, int]]:
        """Received, applied, refunded, remaining."""
        found = {}
        for number, document in self._documents.items():
            if document.is_deposit:
                lies = sum(self._lies[number].values())
                applied = sum(self._used[number].values())
                gone = self._gone[number]
                found[number] = (lies + gone, applied, gone, lies - applied)
        return found

    def tax_owed(self, number: str) -> int:
        """Of what was credited, a fair part was tax: so much is owed to the tax office no more."""
        document = self._documents[number]
        credited = self._noted[number] + self._credited[number]
        gone = (2 * document.tax * credited + document.total) // (2 * document.total)
        return document.tax - gone if document.is_sent else 0

    def _used_on(self, invoice: str) -> int:
        return sum(uses.get(invoice, 0) for uses in self._used.values())

    def _fill(self, number: str, payment_id: str, wanted: int) -> int:
        part = min(self.loose[payment_id], wanted, self._room[number])
        if self._documents[number].is_sent or self._documents[number].is_deposit:
            self._lies[number][payment_id] += part
            self._room[number] -= part
            self.loose[payment_id] -= part
            return part
        return 0

    def _take_loose(self, payment_id: str, amount: int) -> int:
        part = min(amount, self.loose[payment_id])
        self.loose[payment_id] -= part
        return part

    def _replace(self, number: str, amount: int) -> int:
        """Another payment for the same may have more than there was room for."""
        filled = 0
        for other, wants in self._wants.items():
            if number in wants:
                room_for = wants[number] - self._lies[number][other]
                filled += self._fill(number, other, min(room_for, amount - filled))
        return filled

    def _give_back(self, number: str, amount: int, how: str) -> None:
        if self._documents[number].is_deposit:
            self._room[number] -= amount  # what was received stays received
            self._gone[number] += amount
            self._shrink_uses(number, how)
        else:
            self._room[number] -= amount
            self._lower(number, amount, how)

    def _lower(self, invoice: str, amount: int, how: str) -> None:
        """What was paid and went back: no longer owed, or owed again."""
        if how == "credit":
            self._credited[invoice] += amount
        elif how == WRITTEN_OFF:
            self._written_off[invoice] += amount
        else:
            self._room[invoice] += amount

    def _shrink_uses(self, deposit: str, how: str) -> None:
        over = sum(self._used[deposit].values()) - sum(self._lies[deposit].values())
        for invoice in reversed(self._used[deposit]):
            part = min(max(0, over), self._used[deposit][invoice])
            self._used[deposit][invoice] -= part
            over -= part
            self._lower(invoice, part, how)
