"""Figures: money of the last weeks, how soon it is matched, and how old the debts are."""

from datetime import timedelta

from flask import Response, request

from reconciler.errors import Invalid
from reconciler.reads import figures as reads, short_payments
from reconciler.web.admin import charts
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens

screens = Screens()

DAYS = (30, 90)


@screens.get("/figures")
def show_figures(desk: Desk) -> Response:
    """The charts. Each has its table."""
    days = _days()
    with desk.runtime.read() as session:
        money = reads.money(session, desk.today, days)
        speeds = reads.speeds(session, desk.today, days)
        debts = reads.debts(session)
        counted_to = reads.counted_to(session)
        fees = short_payments.by_person(session, desk.now - timedelta(days=days))
    return desk.page(
        "figures.html",
        days=days,
        choices=DAYS,
        money=[charts.money(currency, found) for currency, found in money.items()],
        speeds=charts.speeds(speeds),
        debts=[(one.currency, charts.debts(one)) for one in debts],
        counted_to=counted_to,
        fees=fees,
    )


def _days() -> int:
    typed = request.args.get("days", str(DAYS[0]))
    if typed not in map(str, DAYS):
        raise Invalid("Choose 30 or 90 days", field="days")
    return int(typed)
