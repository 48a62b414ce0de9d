"""Where a webhook may not go, in every spelling that people have tried."""

import ipaddress
import socket

import pytest

from reconciler.carriers import addresses
from reconciler.errors import Invalid, Refused

HOSTILE = """
http://hooks.acme.dev/
ftp://hooks.acme.dev/
file:///etc/passwd
gopher://127.0.0.1:6379/_INFO
dict://127.0.0.1:11211/stats
ldap://hooks.acme.dev/
javascript:alert(1)
data:text/html,x
//hooks.acme.dev/
hooks.acme.dev
https:hooks.acme.dev
https:/hooks.acme.dev
https:///hooks.acme.dev
https://
https://127.0.0.1/
https://127.1/
https://127.0.1/
https://2130706433/
https://0x7f000001/
https://0x7f.0.0.1/
https://0177.0.0.1/
https://017700000001/
https://127.0.0.1.:443/
https://0/
https://0.0.0.0/
https://[::]/
https://[::1]/
https://[0:0:0:0:0:0:0:1]/
https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/
https://[::ffff:10.0.0.1]/
https://[64:ff9b::7f00:1]/
https://[2002:7f00:1::]/
https://[fe80::1%25eth0]/
https://[fd00:ec2::254]/
https://[fc00::1]/
https://169.254.169.254/latest/meta-data/
https://169.254.170.2/
https://10.0.0.1/
https://172.16.0.1/
https://192.168.1.1/
https://100.64.0.1/
https://198.18.0.1/
https://224.0.0.1/
https://255.255.255.255/
https://1.1.1.1/
https://localhost/
https://localhost./
https://LOCALHOST/
https://a.localhost/
https://localhost.localdomain/
https://metadata.google.internal/
https://db.internal/
https://printer.local/
https://router.lan/
https://box.home.arpa/
https://intranet/
https://corp/
https://hooks.acme.corp/
https://service.onion/
https://hooks.acme.test/
https://hooks.acme.example/
https://user@hooks.acme.dev/
https://user:pass@hooks.acme.dev/
https://hooks.acme.dev@127.0.0.1/
https://127.0.0.1#@hooks.acme.dev/
https://127.0.0.1\\@hooks.acme.dev/
https://hooks.acme.dev\\.evil.dev/
https://hooks.acme.dev:22/
https://hooks.acme.dev:25/
https://hooks.acme.dev:80/
https://hooks.acme.dev:6379/
https://hooks.acme.dev:5432/
https://hooks.acme.dev:0/
https://hooks.acme.dev:99999/
https://hooks.acme.dev:x/
https://hooks.acme.dev/#part
https://hooks acme.dev/
https://hooks.acme.dev/a b
https://hooks..acme.dev/
https://.acme.dev/
https://-acme.dev/
https://acme-.dev/
https://hooks.acme.dev./
https://hooks_acme.dev/
https://acme.d/
https://acme.123/
https://%6c%6f%63%61%6c%68%6f%73%74/
https://127。0。0。1/
https://①②⑦.⓪.⓪.①/
https://hооks.acme.dev/
https://xn--.dev/
""".strip().splitlines()  # noqa: RUF001  letters that look like others are the point


ODD = (
    "https://a.dev/" + "x" * 600,
    "https://a.dev/\r\nX: y",
    "https://a.dev/\0",
    "https://a.dev/\t",
)


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("url", [*HOSTILE, "", *ODD])
def test_a_hostile_address_is_not_kept(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        addresses.target(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://hooks.acme.dev", "https://hooks.acme.dev/"),
        ("https://Hooks.Acme.DEV/In?a=1&b=2", "https://hooks.acme.dev/In?a=1&b=2"),
        ("https://hooks.acme.dev:443/x", "https://hooks.acme.dev/x"),
        ("https://hooks.acme.dev:8443/x", "https://hooks.acme.dev:8443/x"),
        ("https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/"),
    ],
)
def test_an_address_on_the_public_network_is_kept_in_one_spelling(url: str, kept: str) -> None:
    assert addresses.target(url).url == kept
    assert addresses.target(kept).url == kept


@pytest.mark.parametrize(
    "inside",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.31.255.1", "192.168.0.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::",
        "2001:0:a00:1::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_connected_to(inside: str, monkeypatch) -> None:
    assert not addresses.is_public(ipaddress.ip_address(inside))

    def rebound(host, port, **_):
        return [(0, 0, 0, "", ("1.1.1.1", port)), (0, 0, 0, "", (inside, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with pytest.raises(Refused, match="not public"):
        addresses.resolve("hooks.acme.dev", 443)


@pytest.mark.parametrize("outside", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_a_name_that_leads_outside_is_connected_to_by_its_address(outside, monkeypatch) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(0, 0, 0, "", (outside, port))]
    )
    assert addresses.resolve("hooks.acme.dev", 443) == outside


def test_a_connection_is_looked_at_once_more_when_it_stands() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as line,
        pytest.raises(Refused),
    ):
        addresses.must_be_public(line)
