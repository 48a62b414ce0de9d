"""The supervisor: what dies starts again, and what it started ends with it."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from typing_extensions import override

from reconciler.settings import inherited_environment
from reconciler.supervisor import Command, Supervisor

ROOT = Path(__file__).parents[2]
ENVIRON = inherited_environment()
SLEEP = ["sleep", "600"]
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
PATIENCE_SECONDS = 20


class Ear(io.StringIO):
    """Hears what is printed, and acts on it."""

    def __init__(self) -> None:
        super().__init__()
        self.on_line: Callable[[str], None] = lambda _: None

    @override
    def write(self, text: str, /) -> int:
        written = super().write(text)
        self.on_line(text)
        return written

    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


def shell(name: str, script: str, *, once: bool = False) -> Command:
    return Command(name, ["sh", "-c", script], ENVIRON, once=once)


def test_what_dies_is_started_again_after_a_growing_delay() -> None:
    ear, starts = Ear(), list[float]()
    supervisor = Supervisor([shell("dies", "echo born; exit 3")], out=ear)

    def heard(line: str) -> None:
        if "born" in line:
            starts.append(time.monotonic())
        if len(starts) == 4:
            supervisor.stop()

    ear.on_line = heard
    supervisor.run()
    gaps = [after - before for before, after in pairwise(starts)]
    assert 0.2 <= gaps[0] < gaps[2], gaps  # on a busy machine neighbours may come close
    assert gaps[2] >= 0.8
    assert ear.lines()[:2] == ["dies | born", "dies | ended with 3, starting it again"]


def test_each_line_says_who_printed_it() -> None:
    ear = Ear()
    commands = [
        shell("a", r"printf 'one\ntwo\n\377three'", once=True),
        shell("longer", "sleep 0.3; echo four >&2; sleep 0.3; echo end; sleep 600"),
    ]
    supervisor = Supervisor(commands, out=ear)
    ear.on_line = lambda line: supervisor.stop() if "end" in line else None
    supervisor.run()
    assert ear.lines() == [
        "a      | one",
        "a      | two",
        "a      | \ufffdthree",
        "longer | four",
        "longer | end",
    ]


def test_what_was_asked_for_once_is_not_started_again() -> None:
    ear = Ear()
    supervisor = Supervisor([Command("stays", SLEEP, ENVIRON)], out=ear)
    supervisor.add(shell("fine", "echo done", once=True))
    supervisor.add(shell("fails", "sleep 0.5; exit 7", once=True))
    ear.on_line = lambda line: supervisor.stop() if "fails" in line else None
    supervisor.run()
    assert ear.lines() == ["fine  | done", "fails | ended with 7"]


def test_a_command_that_is_not_there_does_not_stop_the_others() -> None:
    ear = Ear()
    commands = [Command("no", ["/no/such/program"], ENVIRON), shell("yes", "sleep 0.6; echo here")]
    supervisor = Supervisor(commands, out=ear)
    ear.on_line = lambda line: supervisor.stop() if "here" in line else None
    supervisor.run()
    refused = [line for line in ear.lines() if line.startswith("no  | cannot start")]
    assert 2 <= len(refused) <= 4


def test_an_orphan_of_the_dead_is_swept_before_the_next_start() -> None:
    ear = Ear()
    supervisor = Supervisor([shell("leaves", "sleep 600 & echo orphan $!; exit 1")], out=ear)
    ear.on_line = lambda line: supervisor.stop() if line.count("starting") else None
    supervisor.run()
    orphan = int(re.findall(r"orphan (\d+)", ear.getvalue())[0])
    _eventually(lambda: not _is_alive(orphan))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_in_good_order(number: signal.Signals) -> None:
    ear = Ear()
    polite = shell("polite", "trap 'echo bye; exit 0' TERM; echo ready; sleep 600 & wait")
    supervisor = Supervisor([polite], out=ear)
    ear.on_line = lambda line: os.kill(os.getpid(), number) if "ready" in line else None
    before = signal.getsignal(number)
    supervisor.run()
    assert ear.lines() == ["polite | ready", "polite | bye"]
    assert supervisor.pids() == {}
    assert signal.getsignal(number) == before


def test_who_does_not_listen_is_killed_in_the_end() -> None:
    ear = Ear()
    supervisor = Supervisor([Command("deaf", STUBBORN, ENVIRON)], out=ear, stop_seconds=0.5)
    ear.on_line = lambda line: supervisor.stop() if "ready" in line else None
    began = time.monotonic()
    supervisor.run()
    assert 0.5 <= time.monotonic() - began < 10
    assert supervisor.pids() == {}


def test_said_twice_means_at_once() -> None:
    ear = Ear()
    supervisor = Supervisor([Command("deaf", STUBBORN, ENVIRON)], out=ear, stop_seconds=60)

    def heard(line: str) -> None:
        if "ready" in line:
            supervisor.stop()
            supervisor.stop()

    ear.on_line = heard
    began = time.monotonic()
    supervisor.run()
    assert time.monotonic() - began < 10


def test_the_hook_is_called_and_what_it_raises_ends_all() -> None:
    def hook() -> None:
        raise RuntimeError("the hook's own fault")

    supervisor = Supervisor([Command("stays", SLEEP, ENVIRON)], out=Ear(), each_second=hook)
    with pytest.raises(RuntimeError, match="own fault"):
        supervisor.run()
    assert supervisor.pids() == {}


def test_kill_9_on_the_supervisor_leaves_nothing_running() -> None:
    program = (
        "import sys; from reconciler.supervisor import Command, Supervisor\n"
        "script = ['sh', '-c', 'echo $$; exec sleep 600']\n"
        "Supervisor([Command('child', script, {'PATH': sys.argv[1]})]).run()"
    )
    command = [sys.executable, "-c", program, ENVIRON["PATH"]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline().split()[-1])
        assert _is_alive(child)
        process.kill()
    _eventually(lambda: not _is_alive(child))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not become so in time")
