"""Mail over TLS, from the first byte or from STARTTLS on: to whom the certificate names, or not."""

import base64
from pathlib import Path

import pytest

from reconciler.carriers.mail import open_postbox
from reconciler.errors import Unavailable
from reconciler.settings import Secret, Settings
from tests.carriers.certificates import certificate, context
from tests.carriers.mail_server import MailServer, mail_server

HERE = "127.0.0.1"
BOTH = pytest.mark.parametrize("starts_tls", [False, True], ids=["smtps", "starttls"])


def put(server: MailServer, *, signs_in: bool = False) -> None:
    url = server.url.replace("://", "://ann:hush@") if signs_in else server.url
    with open_postbox(Settings(smtp_url=Secret(url))) as postbox:
        postbox.put(b"Subject: Hello\r\n\r\nGood day\r\n", sender="a@x.y", to="b@x.y", name="m")


@BOTH
def test_a_mail_leaves_under_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch, starts_tls: bool
) -> None:
    file = certificate(tmp_path, HERE)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with mail_server(context(file), starts_tls=starts_tls) as server:
        put(server)
        assert len(server.taken) == 1
        assert ("STARTTLS" in server.heard) == starts_tls


def test_a_password_is_said_after_starttls_and_not_before(tmp_path: Path, monkeypatch) -> None:
    file = certificate(tmp_path, HERE)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with mail_server(context(file), starts_tls=True) as server:
        server.answers["AUTH"] = "235 welcome"
        server.answers["EHLO"] = "250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS"
        put(server, signs_in=True)
        verbs = [one.split(" ")[0].upper() for one in server.heard]
        assert verbs.index("STARTTLS") < verbs.index("AUTH")
        (said,) = [one.split(" ")[-1] for one in server.heard if one.upper().startswith("AUTH")]
        assert base64.b64decode(said) == b"\0ann\0hush"
        assert len(server.taken) == 1


@BOTH
@pytest.mark.parametrize("wrong", ["nobody trusts it", "another address", "its time is over"])
def test_a_certificate_that_is_not_right_stops_everything(
    tmp_path: Path, monkeypatch, wrong: str, starts_tls: bool
) -> None:
    address = "127.0.0.9" if wrong == "another address" else HERE
    file = certificate(tmp_path, address, is_over=wrong == "its time is over")
    if wrong != "nobody trusts it":
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with mail_server(context(file), starts_tls=starts_tls) as server:
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            put(server, signs_in=True)
        assert server.taken == []
        assert not [one for one in server.heard if one.upper().startswith("AUTH")]
