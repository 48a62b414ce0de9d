"""A rail that says what it holds for us, and nothing else: for the page that asks it.

The books of `benchmarks.webhooks --preload` know no movement, since nobody answered there. So each
payment is given one, as large as what was captured; every ten thousandth a unit less, so that a
tie-out has a hundred lines to show. No facts of a payment say so: such books are for looking at.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

from benchmarks.stage import Bench

AT_ONCE = 1_000
EACH = 10  # of so many statements one leaves a movement a unit less
# Ids are in the order in which payments came, so those that came since have later ones.
_TOLD = """select coalesce(max(payment_id), '') from rail_object
    where kind = 'balance_transaction' and object_id like 'txn_of_pi_%%'"""
_MOVED = """with few as (select * from payment where id > %s order by id limit %s),
    moved as (
      insert into rail_object (rail, account, kind, object_id, payment_id, amount, currency, state,
        made_at)
      select rail, account, 'balance_transaction', 'txn_of_' || rail_payment_id, id,
        captured - (%s and id = (select max(id) from few))::int, currency, 'charge', occurred_at
      from few where rail = 'stripe' and captured > 1)
    select max(id) from few"""
_HELD = (
    """select currency, sum(amount)::bigint from movement_sum where rail = 'stripe' group by 1"""
)


@contextmanager
def quiet_rail(bench: Bench) -> Iterator[None]:
    """It answers until the end of the block, to whatever is started in it."""
    move(bench)
    told = {
        "object": "balance",
        "available": [
            {"amount": amount, "currency": str(currency).lower(), "source_types": {}}
            for currency, amount in bench.sql(_HELD)
        ],
        "pending": [],
    }

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_asked = self.path.partition("?")[0] == "/v1/balance"
            said = told if is_asked else {"error": {"type": "api_error", "message": "not here"}}
            body = json.dumps(said).encode()
            self.send_response(200 if is_asked else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="rail", daemon=True).start()
    bench.environ["STRIPE_API_BASE"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def move(bench: Bench) -> None:
    """Give each payment that has come since its movement, some at a time.

    In many statements, as they would come: each is one row of what the clock has to take in.
    """
    ((after,),) = bench.sql(_TOLD)
    turn = 0
    while after is not None:
        turn += 1
        ((after,),) = bench.sql(_MOVED, after, AT_ONCE, turn % EACH == 0)
    if turn > 1:
        bench.sql("vacuum analyze rail_object")
