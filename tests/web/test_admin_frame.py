"""What holds for every screen: who may, what an answer carries, that looking changes nothing."""

import gzip
import re
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from reconciler.books.people import Role, is_at_least
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Refused
from reconciler.runtime import make_engine
from reconciler.web.admin import errors, pages, questions, words
from reconciler.web.admin.blueprint import POLICY, admin_blueprint, routes
from reconciler.web.app import create_web_app
from tests.tiers import size
from tests.web import furniture
from tests.web.looks import LOOKS
from tests.web.screens import Screens, Somebody, said

# Files and numbers: each is handed out by a test of its own.
FILES = {"/deposits/*/attachments/*", "/milestones/*/sign-offs/*", "/paper.css", "/counts"}
PAPERS = {path for path in LOOKS if path.endswith("/print")}  # of a look of their own
_OWN_FORM = re.compile(r'action="/admin/(sign-out|account/)')
_INLINE = re.compile(r"\sstyle=|\son[a-z]+=|<style|javascript:", re.IGNORECASE)
_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_ONLY_OURS = re.compile(r"(?i).{0,30}\b(?:rails?|legs?|vouched|asked of)\b.{0,30}")
PAGE_BYTES_MAX = 100_000
BY_ITSELF = ("/unmatched/strong", "/unmatched/picked")  # pages beside the queue
LOOKERS = size(quick=("viewer", "admin"), full=[role.value for role in Role])  # who looks at all
pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.fixture(scope="module")
def people(company: Screens) -> dict[str, Somebody]:
    """One signed-in person of each role, in a company with projects under way."""
    furniture.projects_of(company)
    furniture.fee_of(company)
    furniture.proposal_of(company)
    furniture.purchases_of(company)
    return {role.value: company.as_(role.value) for role in Role}


def _path(company: Screens, path: str) -> str:
    return path.format(**company.ids)


@dataclass(frozen=True)
class Page:
    """One page, as each role sees it: asked for once by each, since looking changes nothing."""

    path: str
    answers: dict[str, TestResponse]

    def html(self, role: str) -> str:
        """What it says to somebody of that role."""
        return self.answers[role].get_data(as_text=True)


@pytest.fixture(scope="module", params=list(LOOKS)[:: size(quick=2, full=1)])
def page(request, company: Screens, people: dict[str, Somebody]) -> Page:
    """Of the module, so that all tests of one page come after each other."""
    at = _path(company, request.param)
    answers = {role: people[role].get(at, follow_redirects=True) for role in LOOKERS}
    return Page(request.param, answers)


def _carries_the_headers(answer: TestResponse) -> bool:
    return (
        answer.headers["Content-Security-Policy"] == POLICY
        and answer.headers["X-Content-Type-Options"] == "nosniff"
        and answer.headers["Referrer-Policy"] == "no-referrer"
        and answer.headers["Cache-Control"] == "no-store"
    )


def test_the_policy_allows_our_own_files_and_nothing_else():
    assert "'unsafe" not in POLICY
    assert "data:" not in POLICY
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(
        POLICY.split("; ")
    )


def _shape(path: str) -> str:
    variable = (
        r"\{[^}]+\}|INV-\d+|DEP-\d+|<[^>]+>|(?<=/switches/).+|(?<=/jobs/).+"
        r"|(?<=/audit/)\d+|(?<=/recent/)\d+"
    )
    return re.sub(variable, "*", path.partition("?")[0])


def test_every_page_is_looked_at_here():
    looked_at = {_shape(path) for path in LOOKS}
    assert {_shape(r.rule) for r in routes() if r.method == "GET"} - FILES == looked_at


def test_everybody_may_look_whose_role_does_for_it(page):
    path = page.path
    needs = next(r.needs for r in routes() if r.method == "GET" and _shape(r.rule) == _shape(path))
    for role, answer in page.answers.items():
        assert _carries_the_headers(answer), path
        if is_at_least(Role(role), needs):
            assert answer.status_code == 200, (role, path)
            assert LOOKS[path] in said(answer), (role, path)
        else:
            assert answer.status_code == 403, (role, path)


def test_no_page_speaks_in_words_that_only_we_know(page):
    for role, answer in page.answers.items():
        found = _ONLY_OURS.findall(said(answer))
        assert not found, (role, page.path, found)


@pytest.mark.parametrize("path", ["/", "/unmatched", "/refunds/{asked}"])
def test_each_key_does_one_thing_on_a_page(company, people, path):
    html = people["admin"].get(_path(company, path)).get_data(as_text=True)
    keys = re.findall(r'data-key="([^"]+)"', html)
    assert len(keys) > 20
    assert sorted(keys) == sorted(set(keys))


def test_a_page_has_nothing_inline_and_is_light(page):
    path, html = page.path, page.html("admin")
    assert _INLINE.search(html) is None
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    served = set(re.findall(r'(?:src|href)="/admin/static/([^"#?]+)', html))
    if path in PAPERS:
        assert "<script" not in html
        assert len(html.encode()) < PAGE_BYTES_MAX
        return
    assert {"ui.css", "ui.js", "icons.svg"} <= served
    is_queue = path.startswith("/unmatched") and not path.startswith(BY_ITSELF)
    assert ("vendor/htmx.min.js" in served) == (is_queue or path == "/prepayments/new")
    files = sum(len(gzip.compress((pages.STATIC / name).read_bytes(), 9)) for name in served)
    assert len(html.encode()) + files < PAGE_BYTES_MAX


def test_every_form_that_changes_something_proves_where_it_is_from(page):
    forms = [form for form in _FORM.findall(page.html("admin")) if 'method="post"' in form]
    assert bool(forms) is (page.path not in PAPERS), "a screen always has the way out"
    assert [form for form in forms if 'name="form_token"' not in form] == []


def test_a_viewer_sees_no_button_but_the_way_out(page):
    posts = [form for form in _FORM.findall(page.html("viewer")) if 'method="post"' in form]
    assert all(_OWN_FORM.search(form) for form in posts), posts


@pytest.mark.parametrize(
    ("path", "role", "what"),
    [
        ("/unmatched", "Reconciler", "match"),
        ("/refunds?tab=others", "Approver", "approve"),
        ("/events/{event}", "Admin", "replay events"),
        ("/refunds/new?payment={whole}", "Reconciler", "request refunds"),
        ("/deposits/DEP-1001", "Reconciler", "apply or refund"),
        ("/reconciliation", "Reconciler", "start a run"),
    ],
)
def test_a_viewer_reads_which_role_is_needed(company, people, path, role, what):
    expected = f"You can look but not {what}. Ask an admin for the {role} role."
    assert expected in people["viewer"].read(_path(company, path))


def test_looking_changes_nothing(company, people):
    before = company.books()
    for path in LOOKS:
        people["admin"].get(_path(company, path), follow_redirects=True)
    assert company.books() == before


_POSTS = [route for route in routes() if route.method == "POST"]
# Everybody's own account is theirs to change, whatever their role.
_OWN = [route for route in _POSTS if route.needs is Role.VIEWER]


def test_who_may_only_look_changes_nothing_but_their_own_account():
    assert all(route.rule.startswith("/account/") for route in _OWN)


def _anywhere(route) -> str:
    return re.sub(r"<[^>]+>", "any", route.rule)


def test_a_form_is_refused_to_every_role_below_the_one_it_needs(company, people):
    before = company.books()
    for route in [r for r in _POSTS if r not in _OWN]:
        below = list(Role)[: list(Role).index(route.needs)]
        assert below, "a viewer changes nothing"
        for role in below:
            answer = people[role.value].post(_anywhere(route), {"rev": 1})
            assert answer.status_code == 403, (route.endpoint, role)
            assert words.ROLES[route.needs.value] in said(answer), (route.endpoint, role)
    assert company.books() == before


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("guessed", {}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Sec-Fetch-Site": "same-site"}),
        (None, {"Origin": "https://evil.example"}),
    ],
)
def test_a_form_from_elsewhere_is_refused(company, people, token, headers):
    before, admin = company.books(), people["admin"]
    for route in _POSTS:
        answer = admin.post(_anywhere(route), {"rev": 1}, token=token, headers=headers)
        assert answer.status_code == 400, route.endpoint
    assert company.books() == before


def test_the_token_of_another_session_does_not_do(company, people):
    answer = people["admin"].post("/events/any/replay", token=people["viewer"].token)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},
        {},
    ],
)
def test_a_form_of_ours_is_known_as_such_however_the_browser_puts_it(company, people, headers):
    # No such event: the form was let in and got as far as that.
    assert people["admin"].post("/events/any/replay", headers=headers).status_code == 404


def test_what_people_typed_is_text_and_not_markup(company, people):
    html = people["admin"].get("/invoices").get_data(as_text=True)
    assert "Cedar &lt;b&gt;Söhne&lt;/b&gt; &amp; &#34;Partners&#34; Ltd" in html
    assert "<b>Söhne" not in html
    html = people["admin"].get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E").get_data(as_text=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/payments/none", "/invoices/none", "/deposits/none", "/refunds/none",
     "/events/none", "/unmatched/none", "/refunds/new", "/refunds/new?invoice=a&payment=b",
     "/payments/%00", "/unmatched/%3Cscript%3E", "/reconciliation/none"],
)  # fmt: skip
def test_what_there_is_not_is_said_in_words_with_the_search_at_hand(people, path):
    answer = people["viewer"].get(path)
    assert answer.status_code == 404
    assert "There is no" in said(answer) or "Say of which" in said(answer)
    assert 'role="search"' in answer.get_data(as_text=True)
    assert _carries_the_headers(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/payments?status=none",
        "/events?status=none",
        "/ledger/entries?role=none",
        "/ledger/trial-balance?as_of=yesterday",
        "/ledger/trial-balance?as_of=9999-12-31",
        "/questions?kind=none",
        "/invoices?customer=%00",
        "/unmatched?before=rubbish",
        "/invoices?before=rubbish",
        "/events?before=rubbish",
        "/reconciliation?before=rubbish",
        "/ledger/entries?before=rubbish",
    ],
)
def test_an_address_that_cannot_be_read_is_no_fault_of_ours(people, path):
    assert people["viewer"].get(path).status_code == 422


def test_who_is_not_signed_in_learns_nothing_about_addresses(company):
    nobody = company.browser()
    assert nobody.get("/admin/nowhere").status_code == 303
    assert nobody.get("/admin/payments/none").status_code == 303
    assert nobody.post("/admin/nowhere").status_code in (303, 405)


def test_a_static_file_is_kept_for_ever_under_an_address_that_changes_with_it(people):
    html = people["viewer"].get("/").get_data(as_text=True)
    (address,) = set(re.findall(r'"(/admin/static/ui\.css\?v=[0-9a-f]+)"', html))
    with people["viewer"].client.get(address) as answer:
        assert answer.data == (pages.STATIC / "ui.css").read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    with people["viewer"].client.get(address.partition("?")[0]) as plain:
        assert "immutable" not in plain.headers["Cache-Control"]


def test_a_static_file_comes_small_to_whoever_takes_it_so(people):
    def get(**headers: str) -> TestResponse:
        return people["viewer"].client.get("/admin/static/ui.css", headers=headers, buffered=True)

    whole = get(**{"Accept-Encoding": "identity"})
    small = get(**{"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in whole.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == whole.data
    assert len(small.data) * 3 < len(whole.data)
    assert {answer.headers["Content-Type"] for answer in (whole, small)} == {
        "text/css; charset=utf-8"
    }
    for answer, takes in ((whole, "identity"), (small, "gzip")):
        assert answer.headers["Vary"] == "Accept-Encoding"
        again = get(**{"Accept-Encoding": takes, "If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    page = people["viewer"].get("/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in page.headers


def test_while_the_database_is_away_the_page_says_so(company, people):
    engine = make_engine("postgresql+psycopg://nobody@/none?host=/nonexistent")
    runtime = replace(company.office.runtime, engine=engine)
    app = create_web_app(runtime, more=[admin_blueprint(runtime)])
    client = app.test_client()
    client.set_cookie("reconciler", people["admin"].client.get_cookie("reconciler").value)
    answer = client.get("/admin/")
    assert answer.status_code == 503
    assert "We are still taking in events" in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"]
    assert _carries_the_headers(answer)


def _broken():
    return 1 // 0


def test_a_fault_of_ours_shows_a_number_and_no_more(company, people):
    app = create_web_app(company.office.runtime, more=[admin_blueprint(company.office.runtime)])
    client = app.test_client()
    client.set_cookie("reconciler", people["admin"].client.get_cookie("reconciler").value)
    app.view_functions["admin.show_today"] = _broken
    answer = client.get("/admin/")
    assert answer.status_code == 500
    assert "req_" in said(answer)
    assert "ZeroDivisionError" not in answer.get_data(as_text=True)


def test_the_sandbox_shows_on_every_page_and_a_real_rail_does_not(company, people):
    assert "Sandbox" in people["viewer"].get("/").get_data(as_text=True)
    settings = replace(company.office.runtime.settings, stripe_api_base="")
    runtime = replace(company.office.runtime, settings=settings)
    client = create_web_app(runtime, more=[admin_blueprint(runtime)]).test_client()
    client.set_cookie("reconciler", people["viewer"].client.get_cookie("reconciler").value)
    assert "Sandbox" not in client.get("/admin/").get_data(as_text=True)
    page = client.get(f"/admin/payments/{company.ids['part']}").get_data(as_text=True)
    assert "https://dashboard.stripe.com/test/payments/pi_" in page
    assert "opens Stripe in a new tab" in page


def test_every_question_has_its_words():
    assert set(questions.TITLES) == set(ReviewKind)


def test_a_refusal_is_a_sentence_in_the_screens_own_way_of_writing_money():
    assert errors.sentence(Refused("that is USD 1,250.00 more")) == "That is $1,250.00 more."
    assert errors.sentence(Refused("say ABC 12 or KWD 1.500")) == "Say ABC 12 or KWD\xa01.500."
    assert errors.sentence(Refused("")) == "That is not possible."


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (0, 100, "0.000"),
        (1, 3, "33.333"),
        (3, 3, "100.000"),
        (5, 3, "100.000"),
        (1, 0, "0.000"),
        (-1, 3, "0.000"),
    ],
)
def test_a_bar_is_measured_without_floats(part, whole, share):
    assert pages.share(part, whole) == share


def test_the_database_holds_no_page_of_ours_open(company, people):
    people["admin"].get("/")
    with company.office.runtime.engine.connect() as line:
        open_ones = line.execute(
            sa.text(
                "select count(*) from pg_stat_activity where state = 'idle in transaction'"
                " and datname = current_database()"
            )
        ).scalar()
    assert open_ones == 0
