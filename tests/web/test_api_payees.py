"""The account of a customer or vendor through the API: set, masked, taken away."""

import pytest

MASKED = "DE89 •••• 3000"
ACCOUNT = {"holder": "Oak Ltd", "number": "DE89 3704 0044 0532 0130 00"}


@pytest.mark.parametrize("kind", ["customer", "vendor"])
def test_it_is_set_read_masked_and_taken_away(api, kind):
    one = api.a_customer() if kind == "customer" else api.a_vendor()
    path = f"/payee-accounts/{one['id']}"
    known = api.read(path)
    assert (known["number"], known["rev"], known["name"]) == (None, 0, one["name"])
    answer = api.call("PUT", path, json=ACCOUNT | {"rev": 0})
    assert answer.status_code == 200
    assert answer.json["number"] == MASKED
    assert "0532" not in answer.get_data(as_text=True)
    assert answer.json["kept_by"] == "a program"
    assert api.read(path) == answer.json
    assert api.call("PUT", path, json=ACCOUNT | {"rev": 0}).status_code == 409
    assert api.call("PUT", path, json=ACCOUNT | {"rev": 1, "bank": "COBADEFF"}).json["rev"] == 2
    assert api.delete(path).json["number"] is None
    assert api.delete(path).status_code == 404


def test_what_is_no_account_is_refused_by_its_field(api):
    path = f"/payee-accounts/{api.a_vendor()['id']}"
    answer = api.call("PUT", path, json=ACCOUNT | {"number": "DE88 3704 0044 0532 0130 00"})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json["errors"]] == ["number"]
    assert "0532" not in answer.get_data(as_text=True)
    assert api.call("PUT", "/payee-accounts/ven_none", json=ACCOUNT).status_code == 404
