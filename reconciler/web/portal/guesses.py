"""Wrong links are counted by the address they come from: who tries many is answered no more.

A right link opens all the same, whoever tried what from there: many clients may share an address,
and no number of tries finds one of 256 bits. Without Redis nobody counts, and every wrong link is
answered as one that never was.
"""

import hashlib
import ipaddress

import structlog

from reconciler.runtime import Runtime

WRONG_MAX = 30  # in WINDOW_SECONDS: nobody mistypes as often
WINDOW_SECONDS = 600
_log = structlog.get_logger()


def is_one_too_many(runtime: Runtime, address: str | None) -> bool:
    """Count a wrong link; gives whether more came from there than anybody mistypes."""
    count = runtime.queue.tally(f"wrong-link:{_named(address)}", WINDOW_SECONDS)
    if count == WRONG_MAX + 1:
        _log.warning("portal.links_guessed", wrong=count, within_seconds=WINDOW_SECONDS)
    return count > WRONG_MAX


def _named(address: str | None) -> str:
    """A name for where it comes from: of IPv6 the network, which is one household's."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    network = ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False)
    return hashlib.sha256(str(network).encode()).hexdigest()[:32]
