import pytest

from reconciler.books.people import Scope
from reconciler.errors import Invalid, NotFound
from reconciler.services import api_keys


def test_a_key_opens_what_its_scope_says_until_it_is_revoked(office):
    key_id, key = office.do(lambda work: api_keys.create(work, name=" Till ", scope="write"))
    assert key.startswith("rk_")
    assert len(key) > 40
    who = office.do(lambda work: api_keys.principal_of(work, key))
    assert (who.id, who.name, who.scope) == (key_id, "Till", Scope.WRITE)
    office.do(lambda work: api_keys.revoke(work, key_id))
    office.do(lambda work: api_keys.revoke(work, key_id))
    assert office.do(lambda work: api_keys.principal_of(work, key)) is None


def test_a_list_shows_everything_but_the_keys(office):
    _, key = office.do(lambda work: api_keys.create(work, name="One", scope="read"))
    office.clock.advance(minutes=5)
    office.do(lambda work: api_keys.create(work, name="Two", scope="admin"))
    office.do(lambda work: api_keys.principal_of(work, key))
    two, one = office.do(api_keys.all_keys)
    assert (two.name, one.name) == ("Two", "One")
    assert (two.used_at, one.used_at) == (None, office.clock())
    assert key not in repr([one, two])


def test_use_is_noted_once_a_minute(office):
    _, key = office.do(lambda work: api_keys.create(work, name="One", scope="read"))
    begun = office.clock()
    for _ in range(3):
        office.do(lambda work: api_keys.principal_of(work, key))
        office.clock.advance(seconds=20)
    assert office.scalar("select used_at from api_key") == begun
    office.clock.advance(seconds=20)
    office.do(lambda work: api_keys.principal_of(work, key))
    assert office.scalar("select used_at from api_key") == office.clock()


@pytest.mark.parametrize(("name", "scope", "field"), [("x", "all", "scope"), ("", "read", "name")])
def test_a_key_that_is_not_fit_is_not_made(office, name, scope, field):
    with pytest.raises(Invalid) as refusal:
        office.do(lambda work: api_keys.create(work, name=name, scope=scope))
    assert refusal.value.field == field


def test_there_is_no_such_key(office):
    with pytest.raises(NotFound):
        office.do(lambda work: api_keys.revoke(work, "key_none"))
