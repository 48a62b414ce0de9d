import pytest

from reconciler.errors import Invalid, NotFound
from reconciler.services import switches
from reconciler.services.switches import SwitchName
from reconciler.work import Task
from tests.refund_stage import ANN, BEN, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def states(stage):
    with stage.runtime.read() as session:
        return {state.name: state for state in switches.states(session)}


def test_everything_is_on_that_nobody_ever_touched(stage):
    found = states(stage)
    assert {name: state.on for name, state in found.items()} == dict.fromkeys(SwitchName, True)
    assert {state.changed_by for state in found.values()} == {None}


def test_a_switch_remembers_who_turned_it_when_and_why(stage):
    stage.do(lambda w: switches.change(w, "refunds", on=False, reason=" a drill "), ANN)
    state = states(stage)[SwitchName.REFUNDS]
    assert (state.on, state.changed_by, state.reason) == (False, "usr_ann", "a drill")
    assert state.changed_at == stage.now
    stage.do(lambda w: switches.change(w, "refunds", on=True, reason="over"), BEN)
    with stage.runtime.read() as session:
        assert switches.state(session, "refunds").changed_by == "usr_ben"


def test_several_are_on_only_if_each_is(stage):
    stage.do(lambda w: switches.change(w, "outbound", on=False, reason="a drill"))
    with stage.runtime.read() as session:
        assert switches.are_on(session, SwitchName.REFUNDS)
        assert not switches.are_on(session, SwitchName.REFUNDS, SwitchName.OUTBOUND)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_switch_is_not_turned_without_a_reason(stage, reason):
    with pytest.raises(Invalid) as refusal:
        stage.do(lambda w: switches.change(w, "refunds", on=False, reason=reason))
    assert refusal.value.field == "reason"
    assert states(stage)[SwitchName.REFUNDS].on


def test_there_is_no_switch_for_taking_messages_in(stage):
    with pytest.raises(NotFound, match="ingest"):
        stage.do(lambda w: switches.change(w, "ingest", on=False, reason="a drill"))
    with stage.runtime.read() as session, pytest.raises(NotFound):
        switches.state(session, "ingest")


def test_who_waited_for_a_switch_is_woken_when_it_is_on_again(stage):
    def nudges(*, on):
        def step(work):
            switches.change(work, "refunds", on=on, reason="a drill")
            return set(work.nudges)

        return stage.do(step)

    assert nudges(on=False) == set()
    assert nudges(on=True) == {Task.SUBMIT_REFUNDS}
