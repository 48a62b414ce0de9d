import os
import signal

import pytest

from reconciler import failpoints
from reconciler.failpoints import Struck, arm_from, armed, failpoint, strike


@pytest.fixture(autouse=True)
def nothing_stays_armed():
    with armed({}):
        yield


def test_a_failpoint_nobody_armed_does_nothing():
    failpoint("refund.after_send")
    assert not failpoints._armed


def test_an_armed_one_strikes_until_its_block_ends_and_no_other_does():
    with armed({"refund.after_send": strike}):
        failpoint("refund.before_fence")
        with pytest.raises(Struck):
            failpoint("refund.after_send")
    failpoint("refund.after_send")


def test_a_child_process_is_armed_by_a_text():
    arm_from("refund.after_send=raise; refund.before_fence=sleep:0.01:p1", is_live=False)
    failpoint("refund.before_fence")
    with pytest.raises(Struck):
        failpoint("refund.after_send")


def test_what_strikes_never_may_as_well_not_be_there():
    arm_from("refund.after_send=kill9:p0", is_live=False)
    failpoint("refund.after_send")
    assert "refund.after_send" in failpoints._armed


@pytest.mark.parametrize("text", ["refund.after_send", "x=kill9", "a.b=explode", "a.b=sleep:x"])
def test_a_text_that_says_something_else_is_refused(text):
    with pytest.raises(ValueError, match="is no failpoint"):
        arm_from(text, is_live=False)


def test_a_live_key_and_a_failpoint_never_meet():
    arm_from("", is_live=True)
    with pytest.raises(ValueError, match="live"):
        arm_from("a.b=raise", is_live=True)


@pytest.mark.parametrize(
    ("action", "number"), [("kill9", signal.SIGKILL), ("stop", signal.SIGSTOP)]
)
def test_the_process_itself_is_killed_or_stopped(action, number):
    child = os.fork()
    if not child:
        arm_from(f"a.b={action}", is_live=False)
        failpoint("a.b")
        os._exit(0)
    status = os.waitpid(child, os.WUNTRACED)[1]
    if os.WIFSTOPPED(status):
        assert os.WSTOPSIG(status) == number
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    else:
        assert os.WTERMSIG(status) == number
