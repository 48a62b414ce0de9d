"""/statements: a bank's file over the API, read once; what was read, and its lines."""

from io import BytesIO

import pytest

from tests.web.api import ok, refused

HEAD = "Date,Amount,Currency,Description\n"


def take(api, text: str, *, by: str = "admin", key: str | None = None, name="nov.csv", **form):
    data = {"bank_account": "Giro", **form, "file": (BytesIO(text.encode()), name)}
    headers = {"Idempotency-Key": key} if key else {}
    return api.call("POST", "/statements", by=by, data=data, headers=headers)


def test_a_file_is_read_and_its_lines_tie_where_that_is_certain(api):
    target = api.an_invoice(number="INV-77001")["id"]
    api.in_cash(target, 7_700, reference="RF18539007547034")
    day = "2026-11-20"
    text = f"{HEAD}{day},77.00,USD,SEPA RF18539007547034\n{day},-3.50,USD,Coffee\nx,1.00,USD,No\n"
    made = ok(take(api, text, bank_account="Tie"))
    statement = made["statement"]
    assert made["is_repeated"] is False
    assert (statement["lines"], statement["new"], statement["bad"]) == (2, 2, 1)
    assert (statement["tied"], statement["open"]) == (1, 1)
    assert [(row["number"], row["field"]) for row in statement["bad_rows"]] == [(4, "day")]
    assert api.read(f"/statements/{statement['id']}") == statement
    assert statement in api.read("/statements")["data"]
    lines = api.read(f"/statements/{statement['id']}/lines")["data"]
    assert {(one["amount"], one["state"], one["target_kind"]) for one in lines} == {
        (7_700, "tied", "receipt"), (-350, "open", None),
    }  # fmt: skip
    still = api.read(f"/statements/{statement['id']}/lines", state="open")["data"]
    assert [one["amount"] for one in still] == [-350]
    api.sound()


def test_the_same_file_again_adds_nothing_and_the_same_key_answers_the_same(api):
    text = HEAD + "2026-11-20,-4.00,USD,Tea\n"
    first = ok(take(api, text, key="tea"))
    again = take(api, text, key="tea")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first, "true")
    with api.unchanged():
        repeated = ok(take(api, text))
    assert repeated == {"statement": first["statement"], "is_repeated": True}
    refused(take(api, text + "2026-11-20,-5.00,USD,Cake\n", key="tea"), 422)


@pytest.mark.parametrize(
    ("text", "form", "field"),
    [
        ("", {}, "file"),
        ("no statement", {}, "file"),
        (HEAD + "2026-11-20,-4.00,USD,Tea\n", {"bank_account": " "}, "bank_account"),
        (HEAD + "2026-11-20,-4.00,USD,Tea\n", {"currency": "DOLLARS"}, "currency"),
        (HEAD + "2026-11-20,-4.00,USD,Tea\n", {"day_order": "backwards"}, "day_order"),
        (HEAD + "2026-11-20,-4.00,USD,Tea\n", {"iban": "DE00"}, "iban"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(api, text, form, field):
    with api.unchanged():
        refused(take(api, text, **form), 422, field)


def test_a_form_needs_a_file_a_scope_and_a_statement_that_there_is(api):
    refused(api.call("POST", "/statements", data={"bank_account": "Giro"}), 422, "file")
    refused(take(api, HEAD, by="read"), 403)
    refused(api.get("/statements/stm_none"), 404)
    refused(api.get("/statements/stm_none/lines"), 404)
    refused(api.get("/statements/stm_none/lines", state="lost"), 422, "state")
