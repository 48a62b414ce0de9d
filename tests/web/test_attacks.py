"""What somebody may try who means harm: names that are programs, and a host that is made up."""

from html import escape

import pytest

MADE_UP = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp"}
PROGRAMS = (
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</textarea></title><svg/onload=alert(1)>",
    "javascript:alert(1)",
)


def test_a_name_that_is_a_program_is_a_name(screens):
    made = [screens.customer(name) for name in PROGRAMS]
    clerk = screens.as_("reconciler")
    pages = ["/customers", *(f"/customers/{one}" for one in made)]
    shown = "".join(clerk.get(path).get_data(as_text=True) for path in pages)
    for name in PROGRAMS:
        assert escape(name).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in shown
        assert name not in shown or escape(name) == name
    assert "49 " not in shown


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/sign-in", "/api/v1/openapi.json"])
def test_a_host_that_is_made_up_is_in_no_answer(screens, path):
    answer = screens.browser().get(path, headers=MADE_UP)
    assert answer.status_code < 500
    assert "evil.example" not in str(answer.headers) + answer.get_data(as_text=True)
