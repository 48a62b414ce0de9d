"""Deeds of the screens of people, keys and customers; see deeds.py."""

from collections.abc import Callable
from itertools import count
from typing import Any

from reconciler.services import api_keys, people
from tests.web.screens import PASSWORD

Sent = tuple[dict[str, str], dict[str, Any]]
_numbers = count(1)


def _somebody(house: Any) -> str:
    """Somebody who does nothing else here."""
    mail = f"nia{next(_numbers)}@example.com"
    return str(
        house.screens.office.do(
            lambda w: people.create_user(w, email=mail, password=PASSWORD, role="viewer")
        )
    )


def _of(form: dict[str, Any]) -> Callable[[Any], Sent]:
    return lambda house: ({"user_id": _somebody(house)}, form)


def _session_of(house: Any, user_id: str) -> str:
    return str(
        house.screens.office.scalar(
            "select left(token_hash, 16) from user_session where user_id = :id limit 1", id=user_id
        )
    )


def _ends_theirs(house: Any) -> Sent:
    user_id = _somebody(house)
    mail = house.screens.office.scalar("select email from user_account where id = :id", id=user_id)
    house.screens.office.do(
        lambda w: people.sign_in(w, email=mail, password=PASSWORD, address="10.0.0.9")
    )
    return {"user_id": user_id, "which": _session_of(house, user_id)}, {}


def _ends_own(house: Any) -> Sent:
    house.screens.as_("viewer")
    return {"which": _session_of(house, house.screens.person("viewer"))}, {}


def _key(house: Any) -> Sent:
    made = house.screens.office.do(lambda w: api_keys.create(w, name="Till", scope="read"))
    return {"key_id": made[0]}, {}


def _customer(house: Any) -> Sent:
    made = house.api.a_customer()
    return {"customer_id": made["id"]}, {"rev": made["rev"], "name": "Ann Leigh"}


DEEDS: dict[str, Callable[[Any], Sent]] = {
    "POST /admin/people": lambda _: (
        {},
        {"email": "new@example.com", "name": "Nia", "role": "viewer", "password": PASSWORD},
    ),
    "POST /admin/people/<user_id>/role": _of({"role": "reconciler"}),
    "POST /admin/people/<user_id>/disabled": _of({"disabled": "yes"}),
    "POST /admin/people/<user_id>/password": _of({"password": "eleven grey herons"}),
    "POST /admin/people/<user_id>/code": _of({}),
    "POST /admin/people/<user_id>/sessions/<which>": _ends_theirs,
    "POST /admin/keys": lambda _: ({}, {"name": "Till", "scope": "read"}),
    "POST /admin/keys/<key_id>/revoke": _key,
    "POST /admin/account/password": lambda _: (
        {},
        {"password": PASSWORD, "new": PASSWORD, "again": PASSWORD},
    ),
    "POST /admin/account/sessions/<which>": _ends_own,
    "POST /admin/account/mail": lambda _: ({}, {}),
    "POST /admin/account/code/begin": lambda _: ({}, {"password": PASSWORD}),
    "POST /admin/account/code/off": lambda _: ({}, {"password": PASSWORD}),
    "POST /admin/customers/<customer_id>/change": _customer,
    "POST /admin/customers/new": lambda _: ({}, {"name": "Ash Ltd", "email": "ash@example.com"}),
}
