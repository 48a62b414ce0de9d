"""Who may be written to, what may stand in a header, and when a mail is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books import mail
from reconciler.errors import Invalid


@pytest.mark.parametrize(
    ("given_text", "made"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann.Lee+bills@Example.COM ", "Ann.Lee+bills@example.com"),
        ("büro@example.com", None),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@localhost", None),
        ("ann@[127.0.0.1]", None),
        ("ann@127.0.0.1", None),
        ("ann", None),
        ("@example.com", None),
        ("ann@", None),
        ("ann@example..com", None),
        ("ann@-example.com", None),
        ("a@b@example.com", None),
        (".ann@example.com", None),
        ("ann.@example.com", None),
        ("ann@example.com,bob@example.com", None),
        ("ann@example.com\nRCPT TO:<bob@example.com>", None),
        ('"ann lee"@example.com', None),
        ("ann@example.com>", None),
        ("x" * 65 + "@example.com", None),
        ("ann@" + ".".join(["x" * 60] * 5) + ".example", None),
    ],
)
def test_an_address_is_one_that_every_mail_server_takes(given_text: str, made: str | None) -> None:
    if made is None:
        with pytest.raises(Invalid) as refused:
            mail.address(given_text)
        assert refused.value.field == "to"
    else:
        assert mail.address(given_text) == made


@given(st.text(max_size=400))
def test_words_of_a_header_are_one_line(text: str) -> None:
    made = mail.header(text)
    assert len(made) <= 200
    assert len(made.splitlines()) <= 1
    assert mail.header(made) == made


@given(st.text(max_size=80))
def test_an_address_holds_nothing_that_the_wire_would_take_for_a_command(text: str) -> None:
    try:
        made = mail.address(text)
    except Invalid:
        return
    assert made.isascii()
    assert not set(made) & set(' \r\n<>,;:"\\')


def test_waits_grow_and_have_an_end() -> None:
    waits = [mail.wait_after(tries) for tries in range(40)]
    assert waits[0] == waits[1] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=4)
    assert mail.may_try_again(tries=11, unknowns=2)
    assert not mail.may_try_again(tries=12, unknowns=0)
    assert not mail.may_try_again(tries=1, unknowns=3)


def test_a_secret_is_left_out_of_every_part_that_is_kept():
    said = mail.Words("Your link", "Go to /portal/abc", '<a href="/portal/abc">your page</a>')
    kept = said.without("abc")
    assert kept.subject == said.subject
    assert (kept.text, kept.html) == (
        f"Go to /portal/{mail.NOT_KEPT}",
        f'<a href="/portal/{mail.NOT_KEPT}">your page</a>',
    )
