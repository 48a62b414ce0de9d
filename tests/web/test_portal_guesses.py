"""Links that are guessed: counted by address where Redis is there, and never in a client's way."""

from dataclasses import replace

import pytest

from reconciler.queue import Queue
from reconciler.web.portal.guesses import WRONG_MAX
from tests.web.screens import Screens, open_screens
from tests.web.test_portal import of_ann

HOME, OTHER = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def counted(screens: Screens, redis_url: str) -> Screens:
    """The same screens, with a Redis that counts."""
    queue = Queue(redis_url)
    screens.office.runtime = replace(screens.office.runtime, queue=queue)
    return open_screens(screens.office)


def ask(screens: Screens, path: str, address: str = HOME):
    return screens.browser().get(path, environ_base={"REMOTE_ADDR": address})


def guess(screens: Screens, times: int, address: str = HOME) -> list[int]:
    return [ask(screens, f"/portal/{number:043}", address).status_code for number in range(times)]


def test_who_guesses_often_is_told_to_wait_and_a_right_link_opens_all_the_same(counted):
    _, path = of_ann(counted)
    mine = "2001:db8:1:1::"  # one household's
    assert guess(counted, WRONG_MAX, f"{mine}1") == [404] * WRONG_MAX
    refused = [ask(counted, f"/portal/{x}", f"{mine}2") for x in ("x", "A" * 43, path[8:-1])]
    assert {answer.status_code for answer in refused} == {429}
    assert len({answer.get_data() for answer in refused}) == 1
    assert refused[0].headers["Retry-After"] == "600"
    assert refused[0].headers["Cache-Control"] == "no-store"
    assert ask(counted, path, f"{mine}2").status_code == 200
    assert guess(counted, 1, "2001:db8:1:2::1") == [404]


@pytest.mark.parametrize("address", [OTHER, "", "not an address"])
def test_without_redis_every_wrong_link_is_answered_alike_and_a_right_one_opens(screens, address):
    _, path = of_ann(screens)
    assert set(guess(screens, WRONG_MAX + 3, address)) == {404}
    assert ask(screens, path, address).status_code == 200
