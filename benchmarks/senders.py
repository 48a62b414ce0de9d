"""Signed Stripe-shaped events, and a sender that costs the machine little.

Requests are rendered and signed before the clock starts. One thread then drives all
connections with a selector, so that the cores are left to what is measured.
"""

import hashlib
import hmac
import json
import re
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
EVENT_KINDS = ("charge.succeeded", "charge.captured", "charge.updated")


@dataclass
class Sent:
    """What came of one burst."""

    seconds: float
    statuses: dict[int, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Answers of 2xx."""
        return sum(n for status, n in self.statuses.items() if 200 <= status < 300)

    @property
    def per_second(self) -> float:
        """Accepted events a second."""
        return self.accepted / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def charge(number: int, stage: int) -> dict[str, object]:
    """Payment `number` authorized (0), captured (1), or settled with its movement named (2)."""
    amount = 1_000 + number * 7_919 % 250_000
    captured = amount if number % 4 == 3 else amount * (60 + number % 36) // 100
    return {
        "id": f"ch_{number:018d}", "object": "charge", "amount": amount,
        "amount_captured": captured if stage else 0, "amount_refunded": 0,
        "balance_transaction": f"txn_{number:018d}" if stage == 2 else None,
        "billing_details": {
            "address": {"city": "Springfield", "country": "US", "line1": f"{number % 999} Road"},
            "email": f"buyer{number % 1_000}@example.com", "name": f"Buyer {number % 1_000}",
        },
        "captured": bool(stage), "created": 1_790_000_000 + number % 1_000_000, "currency": "usd",
        "customer": f"cus_{number % 1_000:012d}",
        "description": f"Deposit for invoice INV-{number:010d}", "livemode": False,
        "metadata": {"invoice_number": f"INV-{number:010d}", "order": f"order-{number:08d}"},
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal",
                    "seller_message": "Payment complete.", "type": "authorized"},
        "paid": True, "payment_intent": f"pi_{number:018d}",
        "payment_method_details": {
            "card": {
                "amount_authorized": amount, "brand": "visa", "country": "US", "exp_month": 8,
                "checks": {"address_line1_check": "pass", "cvc_check": "pass"},
                "exp_year": 2031, "fingerprint": "Xt5EWLLDS7FJjR1c", "funding": "credit",
                "last4": "4242", "network": "visa", "multicapture": {"status": "unavailable"},
                "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            },
            "type": "card",
        },
        "receipt_url": f"https://pay.example/receipts/{number:024d}", "refunded": False,
        "statement_descriptor": None, "status": "succeeded",
        "filler": "x" * 900,  # real charges are about this much larger than what we read
    }  # fmt: skip


def event(number: int, stage: int) -> dict[str, object]:
    """What Stripe tells when payment `number` comes to a stage of `charge`."""
    return {
        "id": f"evt_{number:018d}{stage}", "object": "event", "type": EVENT_KINDS[stage],
        "api_version": "2026-10-28.endive", "created": 1_790_000_000 + stage,
        "livemode": False, "pending_webhooks": 1, "data": {"object": charge(number, stage)},
        "request": {"id": None, "idempotency_key": None},
    }  # fmt: skip


def requests(numbers: range, port: int, secret: str) -> list[bytes]:
    """One HTTP request an event, signed now; a payment's events lie close together."""
    rendered = []
    at = int(time.time())
    for number in numbers:
        for stage in range(len(EVENT_KINDS)):
            body = json.dumps(event(number, stage), indent=2).encode()
            signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
            head = (
                f"POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                "User-Agent: Stripe/1.0\r\nContent-Type: application/json; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\nStripe-Signature: t={at},v1={signed}\r\n\r\n"
            )
            rendered.append(head.encode() + body)
    return rendered


def send(rendered: list[bytes], port: int, *, connections: int, seconds: float) -> Sent:
    """Send in order over this many connections, until all is sent or the time is up."""
    waiting: dict[int, tuple[socket.socket, float, bytes]] = {}
    poll = select.epoll()
    queue = iter(rendered)
    begun = time.perf_counter()
    ends_at = begun + seconds
    result = Sent(0.0)
    for _ in range(connections):
        line = socket.create_connection(("127.0.0.1", port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(line, select.EPOLLIN)
        _next(waiting, line, queue, ends_at)
    while waiting:
        for number, _ in poll.poll(30):
            line, since, answer = waiting[number]
            answer += line.recv(65_536)
            if not _is_whole(answer):
                waiting[number] = (line, since, answer)
                continue
            status = int(answer[9:12])
            result.statuses[status] = result.statuses.get(status, 0) + 1
            result.milliseconds.append((time.perf_counter() - since) * 1_000)
            _next(waiting, line, queue, ends_at)
    result.seconds = time.perf_counter() - begun
    poll.close()
    return result


def _is_whole(answer: bytes) -> bool:
    head, gap, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(gap) and (length is None or len(body) >= int(length[1]))


def _next(
    waiting: dict[int, tuple[socket.socket, float, bytes]],
    line: socket.socket,
    queue: Iterator[bytes],
    ends_at: float,
) -> None:
    since = time.perf_counter()
    request = next(queue, None) if since < ends_at else None
    if request is None:
        waiting.pop(line.fileno(), None)
        line.close()
        return
    waiting[line.fileno()] = (line, since, b"")
    line.sendall(request)
