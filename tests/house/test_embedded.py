"""The embedded servers: found again, shared, started again, and gone when nobody needs them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from reconciler import embedded
from reconciler.embedded.folder import Folder

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30

pytestmark = pytest.mark.slow

HOLD = """
import sys
from pathlib import Path
from reconciler import embedded
folder = Path(sys.argv[1])
print(embedded.ensure_postgres(folder).app_url, embedded.ensure_redis(folder), flush=True)
sys.stdin.read()
"""


# A cluster takes longer to make than all that is done with it: who is not about that has a copy.
has_cluster = pytest.mark.usefixtures("cluster_in_folder")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "var"
    yield place
    assert embedded.stop(place), "nobody else holds it"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    embedded.ensure_postgres(place)
    assert embedded.stop(place)
    return place / "postgres"


@pytest.fixture
def cluster_in_folder(folder: Path, cluster: Path) -> None:
    folder.mkdir(mode=0o711)
    shutil.copytree(cluster, folder / "postgres")


@has_cluster
def test_data_is_there_after_stop_and_start(folder: Path) -> None:
    _keep_a_word(folder, "first")
    assert embedded.stop(folder)
    assert embedded.find_postgres(folder) is None
    assert embedded.find_redis(folder) is None
    assert _kept_word(folder) == "first"


@has_cluster
def test_a_committed_row_survives_kill_9_of_the_server(folder: Path) -> None:
    _keep_a_word(folder, "committed")
    os.kill(_pid_of_postgres(folder), signal.SIGKILL)
    _eventually(lambda: embedded.find_postgres(folder) is not None)
    assert _kept_word(folder) == "committed"


@has_cluster
def test_a_keeper_that_was_killed_is_started_again_at_the_same_address(folder: Path) -> None:
    before = embedded.ensure_postgres(folder)
    _keep_a_word(folder, "committed")
    server = _pid_of_postgres(folder)
    os.kill(_parent(server), signal.SIGKILL)
    _eventually(lambda: not _is_alive(server))
    embedded.tend(folder)
    _eventually(lambda: embedded.find_postgres(folder) == before)
    assert _kept_word(folder) == "committed"


def test_redis_comes_back_after_kill_9_with_what_it_had(folder: Path) -> None:
    url = embedded.ensure_redis(folder)
    with redis.Redis.from_url(url) as line:
        line.set("word", "kept")
        time.sleep(1.2)  # it writes each second
        os.kill(line.info()["process_id"], signal.SIGKILL)
    _eventually(lambda: embedded.find_redis(folder) == url)
    with redis.Redis.from_url(url) as line:
        assert line.get("word") == b"kept"


@pytest.mark.thorough
def test_redis_starts_empty_rather_than_not_at_all(folder: Path) -> None:
    (folder / "redis").mkdir(parents=True)
    (folder / "redis" / "appendonly.aof").write_bytes(b"no such command\r\n" * 50)
    with redis.Redis.from_url(embedded.ensure_redis(folder)) as line:
        assert line.dbsize() == 0
    assert (folder / "redis.broken" / "appendonly.aof").exists()


@has_cluster
def test_a_second_process_shares_and_the_last_one_turns_off_the_light(folder: Path) -> None:
    mine = embedded.ensure_postgres(folder)
    with _holder(folder) as (other, said):
        assert said == [mine.app_url, embedded.ensure_redis(folder)]
        assert embedded.stop(folder) is False
        assert embedded.find_postgres(folder) == mine
        other.kill()
        other.wait()
        _eventually(lambda: not Folder.of(folder, "postgres").has_keeper())
        _eventually(lambda: not Folder.of(folder, "redis").has_keeper())


@pytest.mark.thorough
@has_cluster
def test_two_folders_do_not_disturb_each_other(folder: Path, tmp_path: Path) -> None:
    _keep_a_word(folder, "here")
    with _holder(tmp_path / "other"):
        _keep_a_word(folder, "still here")
    _eventually(lambda: not Folder.of(tmp_path / "other", "postgres").has_keeper())
    assert _kept_word(folder) == "still here"


@has_cluster
@pytest.mark.thorough
def test_a_copied_folder_has_servers_of_its_own(folder: Path, tmp_path: Path) -> None:
    first = embedded.ensure_postgres(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("postgres.new"))
    _own_like(folder / "postgres", copy / "postgres")
    assert embedded.find_postgres(copy) is None
    try:
        assert embedded.ensure_postgres(copy).app_url != first.app_url
    finally:
        assert embedded.stop(copy)
    assert embedded.find_postgres(folder) == first


@pytest.mark.thorough  # as the five below: a folder or a machine out of the ordinary
def test_a_data_folder_may_be_deep(folder: Path, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["quite-a-long-name"] * 12)
    assert len(str(deep)) > 200
    try:
        _keep_a_word(deep, "deep")
        assert _kept_word(deep) == "deep"
    finally:
        assert embedded.stop(deep)


@has_cluster
@pytest.mark.thorough
def test_a_lock_file_with_another_programs_number_is_no_hindrance(folder: Path) -> None:
    _keep_a_word(folder, "before the power cut")
    lock_file = folder / "postgres" / "postmaster.pid"
    lines = lock_file.read_text().splitlines()
    assert embedded.stop(folder)
    lock_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    shutil.chown(lock_file, (folder / "postgres").stat().st_uid)
    assert _kept_word(folder) == "before the power cut"


@pytest.mark.thorough
def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    _keep_a_word(folder, "whole")
    assert _kept_word(folder) == "whole"
    assert not (folder / "postgres.new").exists()


def test_a_name_that_somebody_else_took_is_not_used(folder: Path) -> None:
    place = Folder.of(folder, "redis")
    usual = place.socket_dir()
    usual.chmod(0o777)
    try:
        other = place.socket_dir()
        assert other != usual
        assert other.stat().st_mode & 0o777 == 0o700
        other.rmdir()
    finally:
        usual.rmdir()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    folder.mkdir()
    (folder / "postgres.new").write_text("a file where a folder must be made")
    with pytest.raises(embedded.DidNotStart, match=r"postgres did not start.*\n[\s\S]*FileExists"):
        embedded.ensure_postgres(folder)


@pytest.mark.thorough
def test_an_ordinary_user_can_have_servers(tmp_path: Path) -> None:
    place = tmp_path / "var"
    command = [sys.executable, "-c", HOLD, str(place)]
    if os.geteuid() == 0:
        place.mkdir(mode=0o700)
        shutil.chown(place, "nobody")
        # The interpreter may live in a private folder: this user may read it, and is not root.
        command = [
            "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
            "--inh-caps=+dac_override", "--ambient-caps=+dac_override", *command,
        ]  # fmt: skip
    ended = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "postgresql+psycopg://reconciler_app@/" in ended.stdout
    _eventually(lambda: not Folder.of(place, "postgres").has_keeper())


@has_cluster
def test_no_server_listens_on_a_network(folder: Path) -> None:
    with _line(embedded.ensure_postgres(folder).app_url) as line:
        assert line.execute("show listen_addresses").fetchone() == ("",)
        assert line.execute("show fsync").fetchone() == ("on",)
        assert line.execute("show synchronous_commit").fetchone() == ("on",)
    with redis.Redis.from_url(embedded.ensure_redis(folder)) as other:
        assert other.config_get("port") == {"port": "0"}
        assert other.config_get("appendfsync") == {"appendfsync": "everysec"}


def _keep_a_word(folder: Path, word: str) -> None:
    with _line(embedded.ensure_postgres(folder).owner_url) as line:
        line.execute("create table if not exists kept (word text)")
        line.execute("grant select on kept to reconciler_app")
        line.execute("delete from kept")
        line.execute("insert into kept values (%s)", [word])


def _kept_word(folder: Path) -> str:
    with _line(embedded.ensure_postgres(folder).app_url) as line:
        row = line.execute("select word from kept").fetchone()
    assert row is not None
    return str(row[0])


def _line(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@contextmanager
def _holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()
        finally:
            process.kill()


def _pid_of_postgres(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _own_like(source: Path, copy: Path) -> None:
    for path in [copy, *copy.rglob("*")]:
        shutil.chown(path, source.stat().st_uid)
    copy.chmod(0o700)


def _eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not become so in time")
