"""A month in a small business: some forty payments, most of them dull, the rest not.

`tell` does it all in the world at once, backdated, and says what the books should know first.
"""

from collections.abc import Callable
from dataclasses import asdict

from reconciler.sandbox import demo_trouble
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.story import DemoStory
from reconciler.sandbox.teller import Teller, done
from reconciler.sandbox.world import World

_NOTE = "demo"
_RETAINERS = (
    # number, customer, total, days ago
    (1025, "harbor", 18_000, 28),
    (1026, "cobalt", 24_500, 27),
    (1027, "meridian", 12_900, 26),
    (1028, "juniper", 33_000, 25),
    (1029, "redwood", 15_750, 24),
    (1030, "lumen", 48_000, 22),
    (1031, "tidewater", 27_300, 20),
    (1032, "harbor", 18_100, 18),
    (1033, "cobalt", 24_600, 16),
    (1034, "meridian", 13_000, 14),
    (1035, "juniper", 33_100, 12),
    (1036, "redwood", 15_850, 10),
    (1037, "lumen", 48_100, 8),
    (1038, "tidewater", 27_400, 6),
    (1039, "harbor", 18_200, 4),
    (1040, "cobalt", 24_700, 2),
)


def tell(world: World) -> DemoStory:
    """Let it all happen, and give what the books should know beforehand. Deterministic."""
    with world.together():
        teller = Teller(world)
        for scene in _SCENES:
            scene(teller)
        return teller.tell()


def told_once(world: World) -> Json:
    """The story as JSON; told anew only to a world that has not heard it."""
    with world.together():
        if _NOTE not in world.truth.notes:
            world.truth.notes[_NOTE] = asdict(tell(world))
        return world.truth.notes[_NOTE]


def _captures(teller: Teller) -> None:
    world = teller.world
    part = teller.invoice(1001, "harbor", 200_000, days_ago=24)
    legacy = teller.invoice(1013, "meridian", 100_000, days_ago=21)
    steps = teller.invoice(1014, "tidewater", 130_000, days_ago=19)
    canceled = teller.invoice(1022, "juniper", 25_000, days_ago=17)
    held: dict[str, str] = {}

    def hold(title: str, number: str, customer: str, amount: int, *, several: bool = False) -> None:
        made = world.authorize(
            amount,
            customer=teller.rail_ids[customer],
            metadata={"invoice": number},
            multicapture=several,
        )
        held[number] = teller.note(title, made, number).intent

    teller.on(24, lambda: hold("800.00 taken of 2,000.00", part, "harbor", 200_000))
    teller.on(23, lambda: done(world.capture(held[part], 80_000)))
    teller.on(21, lambda: hold("an old plug-in takes 700.00", legacy, "meridian", 100_000))
    teller.on(20.5, lambda: done(world.capture(held[legacy], 70_000, legacy=True)))
    teller.on(19, lambda: hold("taken in two steps", steps, "tidewater", 150_000, several=True))
    teller.on(18, lambda: done(world.capture(held[steps], 80_000, final=False)))
    teller.on(16.5, lambda: done(world.capture(held[steps], 50_000)))
    teller.on(17, lambda: hold("held and let go", canceled, "juniper", 25_000))
    teller.on(16, lambda: world.cancel(held[canceled], "requested_by_customer"))


def _deposit_over_two_invoices(teller: Teller) -> None:
    code = teller.deposit("DEP-2001", "cobalt", 300_000, days_ago=27.5)
    first = teller.invoice(1002, "cobalt", 600_000, days_ago=15)
    second = teller.invoice(1003, "cobalt", 400_000, days_ago=1)
    teller.apply(code, first, 180_000)
    teller.apply(code, second, 120_000)

    def receive() -> None:
        customer = teller.rail_ids["cobalt"]
        paid = teller.world.pay(300_000, customer=customer, metadata={"deposit": code})
        teller.note("a deposit of 30 %", paid, code)

    teller.on(27.5, receive)
    teller.on(15, lambda: done(teller.pay_invoice("after the deposit", first, "cobalt", 420_000)))


def _matching(teller: Teller) -> None:
    world = teller.world
    over = teller.invoice(1004, "meridian", 45_000, days_ago=22.5)
    teller.invoice(1005, "juniper", 75_000, days_ago=13)
    teller.invoice(1006, "juniper", 75_000, days_ago=13)
    exact = teller.invoice(1007, "redwood", 123_456, days_ago=11)
    twice = teller.invoice(1008, "lumen", 60_000, days_ago=9)
    written = teller.invoice(1023, "redwood", 9_900, days_ago=7)

    def unnamed(title: str, customer: str | None, amount: int, target: str | None) -> None:
        email = None if customer else "m.okafor@post.example"
        paid = world.pay(
            amount, customer=teller.rail_ids[customer] if customer else None, receipt_email=email
        )
        teller.note(title, paid, target)

    def with_text() -> None:
        paid = world.pay(9_900, description=f"Payment for {written}, thank you")
        teller.note("the number is in the text", paid, written)

    teller.on(22.5, lambda: done(teller.pay_invoice("50.00 too much", over, "meridian", 50_000)))
    teller.on(13, lambda: unnamed("two invoices of this sum", "juniper", 75_000, None))
    teller.on(12.5, lambda: unnamed("an unknown payer", None, 32_000, None))
    teller.on(11, lambda: unnamed("the customer's only open invoice", "redwood", 123_456, exact))
    teller.on(9, lambda: done(teller.pay_invoice("paid by card", twice, "lumen", 60_000)))
    teller.on(8.5, lambda: done(teller.pay_invoice("paid again", twice, "lumen", 60_000)))
    teller.on(7, with_text)


def _refunds(teller: Teller) -> None:
    world = teller.world
    partly = teller.invoice(1009, "tidewater", 90_000, days_ago=26.5)
    failing = teller.invoice(1010, "harbor", 30_000, days_ago=25.5)
    ids: dict[str, str] = {}

    def pay(title: str, number: str, customer: str, amount: int) -> None:
        ids[number] = teller.pay_invoice(title, number, customer, amount).charge

    def refund(number: str, amount: int) -> None:
        ids[f"{number} back"] = world.refund(
            ids[number],
            amount,
            reason="requested_by_customer",
            metadata={"made_by": "Noor, in the dashboard"} | said.get(number, {}),
        )

    said = {partly: {"agreed": "Map of berths left out: 200.00 less, by mail of the 9th"}}
    teller.on(26.5, lambda: pay("partly refunded in the dashboard", partly, "tidewater", 90_000))
    teller.on(21.5, lambda: refund(partly, 20_000))
    teller.on(25.5, lambda: pay("its refund fails later", failing, "harbor", 30_000))
    teller.on(20.2, lambda: refund(failing, 30_000))
    teller.on(
        14.5,
        lambda: world.advance_refund(ids[f"{failing} back"], "failed", "expired_or_canceled_card"),
    )


def _disputes(teller: Teller) -> None:
    world = teller.world
    opened = teller.invoice(1011, "juniper", 54_000, days_ago=15.5)
    lost = teller.invoice(1012, "redwood", 27_000, days_ago=28.5)
    won = teller.invoice(1021, "cobalt", 36_000, days_ago=28.2)
    ids: dict[str, str] = {}

    def pay(title: str, number: str, customer: str, amount: int) -> None:
        ids[number] = teller.pay_invoice(title, number, customer, amount).charge

    def dispute(number: str) -> None:
        ids[number] = world.dispute(ids[number])

    teller.on(15.5, lambda: pay("disputed", opened, "juniper", 54_000))
    teller.on(5.5, lambda: dispute(opened))
    teller.on(28.5, lambda: pay("disputed and lost", lost, "redwood", 27_000))
    teller.on(22.2, lambda: dispute(lost))
    teller.on(9.5, lambda: world.close_dispute(ids[lost], "lost"))
    teller.on(28.2, lambda: pay("disputed and won", won, "cobalt", 36_000))
    teller.on(19.5, lambda: dispute(won))
    teller.on(3.5, lambda: world.close_dispute(ids[won], "won"))


def _currencies(teller: Teller) -> None:
    euro = teller.invoice(1015, "nordlys", 240_000, days_ago=14.2)
    yen = teller.invoice(1016, "sakura", 480_000, days_ago=10.5)
    dinar = teller.invoice(1017, "safat", 512_500, days_ago=6.5)

    def pay_in_euro() -> None:
        paid = teller.world.pay(
            240_000,
            "eur",
            customer=teller.rail_ids["nordlys"],
            metadata={"invoice": euro},
            settle_in=("usd", 108, 100),
        )
        teller.note("euro that settle in dollars", paid, euro)

    teller.on(14.2, pay_in_euro)
    teller.on(10.5, lambda: done(teller.pay_invoice("yen", yen, "sakura", 480_000)))
    teller.on(6.5, lambda: done(teller.pay_invoice("dinar", dinar, "safat", 512_500)))


def _slow_and_second_tries(teller: Teller) -> None:
    world = teller.world
    waiting = teller.invoice(1018, "cobalt", 350_000, days_ago=1.5)
    arrived = teller.invoice(1019, "harbor", 82_000, days_ago=11.5)
    declined = teller.invoice(1020, "lumen", 41_000, days_ago=5)
    page = teller.invoice(1024, "meridian", 64_000, days_ago=4.5)
    ids: dict[str, str] = {}

    def debit(title: str, number: str, customer: str, amount: int) -> None:
        made = world.pay(
            amount,
            customer=teller.rail_ids[customer],
            metadata={"invoice": number},
            method="delayed",
        )
        ids[number] = teller.note(title, made, number).charge

    def second_try() -> None:
        customer = teller.rail_ids["lumen"]
        first = world.decline(41_000, customer=customer, metadata={"invoice": declined})
        paid = world.pay(41_000, intent=first.intent)
        teller.note("declined, then paid", paid, declined)

    def checkout() -> None:
        session = world.open_session(
            64_000, customer=teller.rail_ids["meridian"], client_reference_id=page
        )
        teller.note("through a Checkout page", world.complete_session(session), page)

    teller.on(1.5, lambda: debit("a bank debit on its way", waiting, "cobalt", 350_000))
    teller.on(11.5, lambda: debit("a bank debit that arrived", arrived, "harbor", 82_000))
    teller.on(7.5, lambda: world.settle_delayed(ids[arrived]))
    teller.on(5, second_try)
    teller.on(4.5, checkout)


def _retainers(teller: Teller) -> None:
    for number, customer, total, days_ago in _RETAINERS:
        made = teller.invoice(number, customer, total, days_ago=days_ago, is_care=True)
        teller.on(days_ago, _paying(teller, made, customer, total))


def _paying(teller: Teller, number: str, customer: str, total: int) -> Callable[[], None]:
    return lambda: done(teller.pay_invoice("monthly care", number, customer, total))


def _payouts(teller: Teller) -> None:
    world = teller.world
    ids: list[str] = []
    teller.on(15.2, lambda: ids.append(world.payout("usd")))
    teller.on(13.2, lambda: world.pay_payout(ids[0]))
    teller.on(8.2, lambda: ids.append(world.payout("usd")))
    teller.on(6.2, lambda: world.pay_payout(ids[1]))
    teller.on(1.2, lambda: ids.append(world.payout("usd")))
    teller.on(0.4, lambda: world.send_payout(ids[2]))


_SCENES = (
    _captures,
    _deposit_over_two_invoices,
    _matching,
    _refunds,
    _disputes,
    _currencies,
    _slow_and_second_tries,
    _retainers,
    demo_trouble.tell,
    _payouts,
)
