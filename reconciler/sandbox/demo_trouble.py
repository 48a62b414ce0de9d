"""What a month also brings: the payments, refunds and disputes that no rule can settle.

Each is a question for a person, and each can be answered from what the screens say about it.
"""

from reconciler.sandbox.teller import Teller, done

VOIDED = "INV-1057"  # the books take it back before its money comes
VOIDED_WHY = "The berth was sold in October and the care ended: this one went out by mistake"
LATE_REFUND = 6_000  # minor units that the books send back, and that a bank returns days later


def tell(teller: Teller) -> None:
    """All of it."""
    _misnamed(teller)
    _strangers(teller)
    _more_than_owed(teller)
    _given_back(teller)
    _disputed(teller)
    _odd_movements(teller)


def _misnamed(teller: Teller) -> None:
    """Payments that name an invoice they cannot pay."""
    world = teller.world
    euro = teller.invoice(1051, "harbor", 64_000, days_ago=12.2, is_care=True)
    other = teller.invoice(1052, "redwood", 21_000, days_ago=10.2, is_care=True)
    teller.invoice(1053, "cobalt", 17_500, days_ago=9.2, is_care=True)
    voided = teller.invoice(1057, "tidewater", 12_500, days_ago=8.4, is_care=True)

    def pay(title: str, customer: str, amount: int, number: str, currency: str = "usd") -> None:
        paid = world.pay(
            amount,
            currency,
            customer=teller.rail_ids[customer],
            metadata={"invoice": number},
        )
        teller.note(title, paid, None)

    teller.on(12.2, lambda: pay("dollars owed, euro paid", "harbor", 59_000, euro, "eur"))
    teller.on(10.2, lambda: pay("another client's invoice", "meridian", 21_000, other))
    teller.on(9.2, lambda: pay("a number with a slip", "cobalt", 17_500, "INV-1530"))
    teller.on(8.4, lambda: pay("an invoice that was taken back", "tidewater", 12_500, voided))
    assert voided == VOIDED


def _strangers(teller: Teller) -> None:
    """Payments that name nothing, or fit two things alike."""
    world = teller.world
    teller.invoice(1054, "lumen", 39_500, days_ago=7.8, is_care=True)
    teller.invoice(1058, "safat", 95_000, days_ago=6.8, is_care=True)
    teller.invoice(1059, "safat", 95_000, days_ago=6.8, is_care=True)

    def pay(title: str, amount: int, currency: str = "usd", **said: str) -> None:
        teller.note(title, world.pay(amount, currency, **said), None)  # type: ignore[arg-type]

    teller.on(
        11.8,
        lambda: pay(
            "a new client pays ahead", 12_000,
            receipt_email="rosa.lind@post.example", billing_name="Rosa Lind",
            description="First half of the small website, as we said on the telephone",
        ),
    )  # fmt: skip
    teller.on(
        7.8,
        lambda: pay(
            "5.00 less than the invoice", 39_000,
            customer=teller.rail_ids["lumen"], description="Monthly care, less our bank's fee",
        ),
    )  # fmt: skip
    teller.on(
        6.8, lambda: pay("two months alike", 95_000, "kwd", customer=teller.rail_ids["safat"])
    )


def _more_than_owed(teller: Teller) -> None:
    berth = teller.invoice(1055, "tidewater", 26_000, days_ago=7.2, is_care=True)
    bike = teller.invoice(1056, "redwood", 14_000, days_ago=5.2, is_care=True)
    paid = teller.pay_invoice
    teller.on(7.2, lambda: done(paid("20.00 too much", berth, "tidewater", 28_000)))
    teller.on(5.2, lambda: done(paid("10.00 too much", bike, "redwood", 15_000)))


def _given_back(teller: Teller) -> None:
    """Refunds that somebody made in the rail's dashboard; one of them came back."""
    world = teller.world
    ids: dict[str, str] = {}

    def pay(number: str, customer: str, amount: int) -> None:
        ids[number] = teller.pay_invoice("refunded later", number, customer, amount).charge

    def refund(number: str, amount: int, agreed: str) -> None:
        ids[f"{number} back"] = world.refund(
            ids[number],
            amount,
            reason="requested_by_customer",
            metadata={"made_by": "Noor, in the dashboard", "agreed": agreed},
        )

    whole = teller.invoice(1060, "cobalt", 15_850, days_ago=13.4, is_care=True)
    part = teller.invoice(1061, "meridian", 27_400, days_ago=12.4, is_care=True)
    failing = teller.invoice(1062, "lumen", 48_100, days_ago=14.4, is_care=True)
    teller.on(13.4, lambda: pay(whole, "cobalt", 15_850))
    teller.on(12.4, lambda: pay(part, "meridian", 27_400))
    teller.on(14.4, lambda: pay(failing, "lumen", 48_100))
    teller.on(4.8, lambda: refund(whole, 15_850, "Care had ended: nothing was owed"))
    teller.on(4.2, lambda: refund(part, 5_000, "They pay these 50.00 by transfer instead"))
    teller.on(7.4, lambda: refund(failing, 10_000, "Ten hours less than planned"))
    teller.on(
        2.4, lambda: world.advance_refund(ids[f"{failing} back"], "failed", "lost_or_stolen_card")
    )


def _disputed(teller: Teller) -> None:
    world = teller.world
    ids: dict[str, str] = {}

    def pay(number: str, customer: str, amount: int) -> None:
        ids[number] = teller.pay_invoice("disputed", number, customer, amount).charge

    def dispute(number: str) -> None:
        ids[number] = world.dispute(ids[number])

    opened = teller.invoice(1063, "tidewater", 33_100, days_ago=16.4, is_care=True)
    lost = teller.invoice(1064, "harbor", 24_600, days_ago=23.4, is_care=True)
    teller.on(16.4, lambda: pay(opened, "tidewater", 33_100))
    teller.on(3.2, lambda: dispute(opened))
    teller.on(23.4, lambda: pay(lost, "harbor", 24_600))
    teller.on(18.4, lambda: dispute(lost))
    teller.on(6.4, lambda: world.close_dispute(ids[lost], "lost"))


def _odd_movements(teller: Teller) -> None:
    """A movement of a kind that nobody knows, in the payout of the week."""
    teller.on(
        1.6, lambda: done(teller.world.other_row(-1_900, kind="hardware_fee", category="hardware"))
    )
