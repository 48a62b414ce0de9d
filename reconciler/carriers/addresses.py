"""Which addresses on the network a webhook may go to: public ones, and never a way inside.

Judged twice: the text when it is saved, and the address that the name leads to at the very moment
of connecting, because a name may lead elsewhere by then.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from reconciler.errors import Invalid, Refused

URL_CHARS_MAX = 500
_PORTS = frozenset({443, 8443})
_NAME = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
)
_INNER = (
    "localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private",
    "home.arpa", "test", "invalid", "example", "onion", "arpa", "alt",
)  # fmt: skip
_PATH = re.compile(r"[!-~]*")

# What `is_global` of the standard library lets through, and leads inside all the same.
_TUNNELS = tuple(
    ipaddress.ip_network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")
)

_INSIDE = "the name leads to an address that is not public"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, in parts that were judged."""

    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The same as one text."""
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{self.host}{port}{self.path}"


def target(text: str, *, field: str = "url") -> Target:
    """An endpoint's address, if it is one that may be written to. Raises Invalid.

    A name with a dot, by https, on a port for it: no numbers in any spelling, no user, no fragment.
    """
    wrong = Invalid(
        f"{field} must be like https://hooks.example.com/path, on a public machine", field=field
    )
    if len(text) > URL_CHARS_MAX or not text.isascii() or not _PATH.fullmatch(text):
        raise wrong
    if "\\" in text or "@" in text or "#" in text:
        raise wrong
    try:
        parts = urlsplit(text)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        raise wrong from None
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or port not in _PORTS or not _NAME.fullmatch(host):
        raise wrong
    if any(host == inner or host.endswith("." + inner) for inner in _INNER):
        raise wrong
    path = parts.path or "/"
    return Target(host, port, f"{path}?{parts.query}" if parts.query else path)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public network, also where it hides another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is not None:
            return is_public(inner)
        if any(address in net for net in _TUNNELS):
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not address.is_loopback
        and not address.is_link_local
    )


def resolve(host: str, port: int) -> str:
    """The address to connect to: each that the name has must be public. Raises Refused, OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    if not addresses or not all(is_public(ipaddress.ip_address(a)) for a in addresses):
        raise Refused(_INSIDE)
    return addresses[0]


def must_be_public(line: socket.socket) -> None:
    """A connection that stands leads to a public address. Raises Refused."""
    if not is_public(ipaddress.ip_address(str(line.getpeername()[0]).partition("%")[0])):
        raise Refused(_INSIDE)
