"""Log files of real services: bounded, whole, reopened, and never a danger to init."""

from __future__ import annotations

import contextlib
import gzip
import os
import pathlib
import re
import shutil
import signal
import stat
from typing import TYPE_CHECKING

import pytest

from nsinit.runtime.rotation import find_slots
from tests.support.live import ORDINARY, ROOT, Live, descendants, eventually, have, is_alive, live

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.integration.conftest import Start

SLEEPER = '[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'
MIB = 1 << 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users, mounts")


def _once(script: str, log: str, more: str = "") -> str:
    """A service b that runs a shell script to its end, beside one that stays."""
    return (
        f"{SLEEPER}[services.b]\ntype = 'oneshot'\n{more}\n"
        f"command = [\"sh\", \"-c\", '''{script}''']\nlog = {log}\n"
    )


def _paths(init: Live, name: str = "x.log") -> list[pathlib.Path]:
    """The files of a log, the oldest first."""
    slots = find_slots(os.listdir(init.directory), name)
    base = str(init.directory / name)
    return [pathlib.Path(slot.path(base)) for slot in reversed(slots)] + [init.directory / name]


def _content(path: pathlib.Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _packed(init: Live) -> list[pathlib.Path]:
    """The files once everything that should be packed is."""

    def done() -> bool:
        names = [path.name for path in _paths(init)]
        plain = [name for name in names if not name.endswith(".gz")]
        return plain == ["x.log.1", "x.log"] and not (init.directory / "x.log.gz-new").exists()

    eventually(done, "gzip is done")
    return _paths(init)


def _still_works(init: Live) -> None:
    """Control answers, and a killed service comes back."""
    before = init.wait_for("a", "running")
    os.kill(init.outer_pid(before["pid"]), signal.SIGKILL)
    init.wait_for("a", "running", run=before["run"] + 1)


@contextlib.contextmanager
def _prefixed(
    directory: pathlib.Path, config: str, prefix: list[str], user: int | None = None
) -> Iterator[Live]:
    """An init below a command that prepares something for it."""
    made = Live(directory, config, "subreaper")
    made.prefix, made.user = prefix, user
    try:
        yield made.start()
    finally:
        made.close()


# --- Rotation -------------------------------------------------------------------------------------


def test_rotation_is_bounded_by_default_when_a_service_writes_a_lot(start: Start) -> None:
    """100 MB: at most 6 files of 10 MiB, the newest output, whole lines, packed by a child."""
    init = start(_once("yes 0123456789abcde | head -c 100000000", '"${HERE}/x.log"'))
    init.wait_for("b", "exited")
    paths = _packed(init)
    names = ["x.log.5.gz", "x.log.4.gz", "x.log.3.gz", "x.log.2.gz", "x.log.1", "x.log"]
    assert [path.name for path in paths] == names
    for path in paths:
        assert path.stat().st_size <= 10 * MIB
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        content = _content(path)
        assert content == b"0123456789abcde\n" * (len(content) // 16)
    assert sum(len(_content(path)) for path in paths) > 50 * MIB
    assert init.status()["b"]["exit_code"] == 0
    assert init.client.status()["init"]["log_bytes_dropped"] == 0
    assert "0123456789" not in init.said()
    _still_works(init)


def test_no_line_is_lost_or_doubled_when_files_rotate(start: Start, loop: str) -> None:
    """Two streams into one file of 64 KiB: each complete and in order over all files."""
    script = "(seq 1 60000 | sed s/^/e/) >&2 & seq 1 60000 | sed s/^/o/; wait"
    config = _once(script, '{file = "${HERE}/x.log", max_size = "64KiB", keep = 100}')
    init = start(f'[init]\nloop = "{loop}"\n{config}')
    init.wait_for("b", "exited")
    paths = _packed(init)
    assert len(paths) > 10
    lines = b"".join(map(_content, paths)).splitlines()
    for side in ("e", "o"):
        mine = [line for line in lines if line[:1] == side.encode()]
        assert mine == [f"{side}{n}".encode() for n in range(1, 60001)]
    assert len(lines) == 120_000


def test_total_is_kept_when_it_is_less_than_all_files(start: Start) -> None:
    """The oldest go first."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", total = "200KiB", compress = false}'
    init = start(_once("seq 1 200000", log))
    init.wait_for("b", "exited")
    paths = _paths(init)
    assert [path.name for path in paths] == ["x.log.2", "x.log.1", "x.log"]
    assert sum(path.stat().st_size for path in paths) <= 200 << 10
    content = b"".join(map(_content, paths))
    assert content.endswith(b"\n199999\n200000\n")


def test_long_line_is_kept_as_it_is_when_it_goes_to_a_file(start: Start) -> None:
    """5 MB without a newline, with bytes that are no text: not one byte more or less."""
    script = 'head -c 5000000 /dev/zero | tr "\\\\0" "\\\\377"'
    init = start(_once(script, '"${HERE}/x.log"'))
    init.wait_for("b", "exited")
    assert (init.directory / "x.log").read_bytes() == b"\xff" * 5_000_000


def test_last_words_are_in_the_file_when_the_end_is_told(start: Start) -> None:
    """Also without a newline; the next run begins a new line."""
    init = start(_once("echo first; printf last", '"${HERE}/x.log"'))
    init.wait_for("b", "exited")
    assert (init.directory / "x.log").read_text() == "first\nlast"
    init.ctl("start", "b")
    init.wait_for("b", "exited", run=2)
    assert (init.directory / "x.log").read_text() == "first\nlast\nfirst\nlast"


# --- Places ---------------------------------------------------------------------------------------


def test_stderr_is_apart_when_it_has_a_file(start: Start) -> None:
    """And stdout goes to the console as well; `ctl logs` has both."""
    log = '{to = ["console", "file"], file = "${HERE}/x.log", stderr = "${HERE}/x.err"}'
    init = start(_once("echo out; echo err >&2", log))
    init.wait_for("b", "exited")
    assert (init.directory / "x.log").read_text() == "out\n"
    assert (init.directory / "x.err").read_text() == "err\n"
    assert "b      | out\n" in init.said()
    assert "| err" not in init.said()
    rows = {row["stream"]: row["line"] for row in init.client.logs(names=["b"])}
    assert rows == {"stdout": "out", "stderr": "err"}


def test_stream_is_not_read_when_only_the_other_is_wanted(start: Start) -> None:
    """Null for one, the console for the other."""
    init = start(_once("echo out; echo err >&2", '{to = "null", stderr = "console"}'))
    init.wait_for("b", "exited")
    assert [row["line"] for row in init.client.logs(names=["b"])] == ["err"]
    assert "| out" not in init.said()


def test_stream_is_not_captured_when_the_other_goes_to_a_file(start: Start) -> None:
    """Stdout is init's own, without a name; stderr is in its file."""
    log = '{to = "inherit", stderr = "${HERE}/x.err"}'
    init = start(_once("echo out; echo err >&2", log))
    init.wait_for("b", "exited")
    assert "out" in init.said().splitlines()
    assert (init.directory / "x.err").read_text() == "err\n"
    assert [row["line"] for row in init.client.logs(names=["b"])] == ["err"]


def test_files_are_as_before_when_keys_are_those_of_supervisord(start: Start) -> None:
    """A section that was copied."""
    keys = 'stdout_logfile = "${HERE}/x.log"\nstdout_logfile_maxbytes = "1MB"\n'
    keys += "stdout_logfile_backups = 2\nredirect_stderr = true\n"
    script = "seq 1 1000000; echo err >&2"
    config = (
        f"{SLEEPER}[services.b]\ntype = 'oneshot'\ncommand = [\"sh\", \"-c\", '{script}']\n{keys}"
    )
    init = start(config)
    init.wait_for("b", "exited")
    paths = _packed(init)
    assert [path.name for path in paths] == ["x.log.2.gz", "x.log.1", "x.log"]
    assert b"err" in b"".join(map(_content, paths)).splitlines()


@pytest.mark.root
@as_root
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_owner_and_mode_are_as_asked_when_files_rotate(start: Start) -> None:
    """Of the file, of those that were rotated, and of the packed ones."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", mode = "0604", owner = "nobody:77"}'
    init = start(_once("seq 1 100000", log, "user = 1234"))
    init.wait_for("b", "exited")
    for path in _packed(init):
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o604, path
        assert (found.st_uid, found.st_gid) == (65534, 77), path


# --- Reopening ------------------------------------------------------------------------------------

TICKER = """
[services.b]
command = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done"]
log = {file = "${HERE}/x.log", max_size = 0}
min_uptime = 0
"""


def test_new_file_is_written_when_usr1_follows_a_move(start: Start) -> None:
    """What logrotate does with `create`; no line is lost between the two files."""
    init = start(SLEEPER + TICKER)
    path, moved = init.directory / "x.log", init.directory / "x.log.old"
    eventually(lambda: path.exists() and path.stat().st_size > 100, "there are lines")
    path.rename(moved)
    at = moved.stat().st_size
    eventually(lambda: moved.stat().st_size > at, "the moved file still grows")
    init.signal(signal.SIGUSR1)
    eventually(lambda: path.exists() and path.stat().st_size > 100, "there is a new file")
    assert "USR1 received: log files reopened: 1" in init.said()
    lines = moved.read_text().splitlines() + path.read_text().splitlines()
    assert lines == [f"line {n + 1}" for n in range(len(lines))]


def test_file_has_no_hole_when_it_is_truncated(start: Start) -> None:
    """What logrotate does with `copytruncate`."""
    init = start(SLEEPER + TICKER)
    path = init.directory / "x.log"
    eventually(lambda: path.exists() and path.stat().st_size > 500, "there are lines")
    os.truncate(path, 0)
    eventually(lambda: path.stat().st_size > 100, "there are lines again")
    assert re.fullmatch(rb"(line \d+\n)+", path.read_bytes()[:100].rpartition(b"\n")[0] + b"\n")


def test_usr1_says_so_when_there_is_no_log_file(start: Start) -> None:
    """It is harmless."""
    init = start(SLEEPER)
    init.wait_for("a", "running")
    init.signal(signal.SIGUSR1)
    eventually(lambda: "USR1 received: no log file to reopen" in init.said(), "it is told")


# --- Trouble --------------------------------------------------------------------------------------


def test_service_runs_when_the_directory_goes_and_comes(start: Start) -> None:
    """Told once with what to do; counted; it goes on by itself."""
    init = start(SLEEPER + TICKER.replace("${HERE}/x.log", "${HERE}/d/x.log"))
    path = init.directory / "d" / "x.log"
    eventually(lambda: "cannot open" in init.said(), "it is told")
    assert init.said().count("(make the directory)") == 1
    before = init.wait_for("b", "running")
    eventually(lambda: init.client.status()["init"]["log_bytes_dropped"] > 0, "it is counted")
    for _ in range(2):
        path.parent.mkdir()
        os.chmod(path.parent, 0o777)
        eventually(lambda: path.exists() and path.stat().st_size > 200, "the file is back")
        assert b"bytes were dropped here" in path.read_bytes().splitlines()[0]
        shutil.rmtree(path.parent)
        dropped = init.client.status()["init"]["log_bytes_dropped"]
        eventually(
            lambda: init.client.status()["init"]["log_bytes_dropped"] > dropped,  # noqa: B023
            "lines are dropped again",
        )
    assert init.said().count("(make the directory)") == 1
    assert init.status()["b"]["run"] == before["run"]
    _still_works(init)


DISK = 'mount -t tmpfs -o size=512k,mode=777 none "$HERE/disk" && head -c 400k /dev/zero > '
DISK += '"$HERE/disk/filler"; exec "$@"'


@pytest.mark.parametrize("who", ["root", "rootless"])
def test_services_run_when_the_disk_is_full(tmp_path: pathlib.Path, who: str) -> None:
    """A tmpfs of 512 KiB: lines are counted and whole, and it goes on when there is space."""
    if who == "root" and os.geteuid() != 0:
        pytest.skip("needs root")
    (tmp_path / "disk").mkdir()
    script = "while :; do seq 100000 100999; sleep 0.02; done"
    log = '{file = "${HERE}/disk/x.log", max_size = "64KiB", keep = 50, compress = false}'
    config = SLEEPER + f'[services.b]\ncommand = ["sh", "-c", "{script}"]\nlog = {log}\n'
    own = ["--map-root-user"] if who == "rootless" else []
    prefix = ["unshare", "--mount", *own, "--", "sh", "-c", DISK, "sh"]
    user = ORDINARY if who == "rootless" and os.geteuid() == 0 else None
    with _prefixed(tmp_path, config, prefix, user) as init:
        eventually(lambda: "No space left on device" in init.said(), "the disk is full")
        before = eventually(
            lambda: init.client.status()["init"]["log_bytes_dropped"], "loss is counted"
        )
        disk = pathlib.Path(f"/proc/{init.pid}/root{tmp_path}/disk")
        (disk / "filler").unlink()
        eventually(lambda: "x.log can be written again" in init.said(), "it goes on")
        eventually(
            lambda: init.client.status()["init"]["log_bytes_dropped"] > before, "full once more"
        )
        assert init.said().count("No space left on device") == 1
        slots = find_slots(os.listdir(disk), "x.log")
        paths = [disk / "x.log", *(pathlib.Path(s.path(str(disk / "x.log"))) for s in slots)]
        whole = re.compile(rb"100\d\d\d|nsinit \| \d+ bytes were dropped here: .*|")
        torn = [
            line
            for path in paths
            for line in path.read_bytes().splitlines()
            if not whole.fullmatch(line)
        ]
        assert len(torn) <= 1 + init.said().count("can be written again")
        assert b"dropped here" in b"".join(path.read_bytes() for path in paths)
        assert all(path.stat().st_size <= 64 << 10 for path in paths)
        _still_works(init)
        init.ctl("shutdown")
        assert init.wait() == 0


def test_files_stay_plain_when_there_is_no_gzip(tmp_path: pathlib.Path) -> None:
    """It is said once, and their number is kept all the same."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", keep = 3}'
    path = os.environ["PATH"]
    config = _once("seq 1 100000", log, f'environment = {{PATH = "{path}"}}')
    made = Live(tmp_path, config, "subreaper")
    made.env["PATH"] = str(tmp_path)
    made.config.write_text(made.config.read_text().replace('"sleep 1000"', '"/bin/sleep 1000"'))
    try:
        made.start()
        made.wait_for("b", "exited")
        names = [path.name for path in _paths(made)]
        assert names == ["x.log.3", "x.log.2", "x.log.1", "x.log"]
        assert made.said().count("rotated log files stay unpacked: cannot find gzip") == 1
    finally:
        made.close()


def test_slow_gzip_is_nobody_s_trouble_when_init_ends(tmp_path: pathlib.Path) -> None:
    """It has the lowest priority, is no service's process, and leaves nothing behind."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "gzip").write_text("#!/bin/sh\nexec sleep 1234\n")
    (tools / "gzip").chmod(0o755)
    log = '{file = "${HERE}/x.log", max_size = "64KiB", keep = 3}'
    made = Live(tmp_path, _once("seq 1 100000", log), "subreaper")
    made.env["PATH"] = f"{tools}:{made.env['PATH']}"
    try:
        made.start()
        made.wait_for("b", "exited")

        def packers() -> list[int]:
            found = []
            for pid in descendants(made.pid):
                with contextlib.suppress(OSError):
                    line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                    if line.startswith(b"sleep\x001234"):
                        found.append(pid)
            return found

        (packer,) = eventually(packers, "gzip runs")
        assert os.getpriority(os.PRIO_PROCESS, packer) == 19
        assert (tmp_path / "x.log.gz-new").exists()
        made.ctl("restart", "b")
        made.wait_for("b", "exited", run=2)
        assert packers() == [packer]
        assert _paths(made)[0].name == "x.log.3"
        made.ctl("shutdown")
        assert made.wait() == 0
        assert not is_alive(packer)
        assert not (tmp_path / "x.log.gz-new").exists()
    finally:
        made.close()


@pytest.mark.parametrize(
    "faults",
    [
        "rename:EIO@1-3", "unlink:EACCES@1-9", "fchmod:EPERM", "setpriority:EACCES",
        "stat:EIO@8-16", "open:EMFILE@9-20", "write:EIO@4-12", "fork:ENOMEM@3-9",
    ],
)  # fmt: skip
def test_init_goes_on_when_system_calls_on_log_files_fail(
    tmp_path: pathlib.Path, faults: str, loop: str
) -> None:
    """At the seam of a real init, amid rotations: in the end lines arrive and it works."""
    script = "while :; do seq 1000 9999; sleep 0.05; done"
    log = '{file = "${HERE}/x.log", max_size = "64KiB", keep = 3}'
    config = (
        f'[init]\nloop = "{loop}"\n{SLEEPER.replace("sleep", "/bin/sleep")}'
        f'[services.b]\ncommand = ["/bin/sh", "-c", "{script}"]\n'
        f"restart_delay = 0.05\nlog = {log}\n"
    )
    with live(tmp_path, config, "subreaper", NSINIT_FAULTS=faults) as init:
        path = tmp_path / "x.log"
        slots = [tmp_path / "x.log.1", tmp_path / "x.log.3.gz"]
        eventually(lambda: all(slot.exists() for slot in slots), "files rotate and are packed")
        at = path.stat().st_ino
        eventually(lambda: path.exists() and path.stat().st_ino != at, "and go on rotating")
        assert len([p for p in _paths(init) if p.exists()]) <= 4
        assert "internal error" not in init.said()
        _still_works(init)
        init.ctl("shutdown")
        assert init.wait() == 0


def test_no_descriptor_leaks_when_files_rotate_and_runs_end(start: Start) -> None:
    """Many runs, rotations, packed files and reopenings later init has as many as before."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", keep = 3, stderr = "${HERE}/x.err"}'
    init = start(_once("seq 1 20000; echo err >&2", log))
    init.wait_for("b", "exited")

    def count() -> int:
        return len(os.listdir(f"/proc/{init.pid}/fd"))

    _packed(init)
    before = count()
    for run in range(2, 12):
        init.signal(signal.SIGUSR1)
        init.ctl("start", "b")
        init.wait_for("b", "exited", run=run)
    _packed(init)
    eventually(lambda: count() <= before, "all are closed")
    assert "orphan" not in init.said()


# --- /dev/stdout ----------------------------------------------------------------------------------

BY_NAME = "import os; os.setuid(4321); open('/dev/stdout', 'w').write('by name')"


@pytest.mark.root
@as_root
@pytest.mark.parametrize("kind", ["user", "drops"])
@pytest.mark.parametrize("without", ["", "chown"])
def test_dev_stdout_opens_when_a_user_is_not_root(
    tmp_path: pathlib.Path, kind: str, without: str
) -> None:
    """By nsinit's doing or by the program's own; with CAP_CHOWN or without."""
    if not have("setpriv"):
        pytest.skip("needs setpriv of util-linux")
    command = '["sh", "-c", "echo by name > /dev/stdout"]\nuser = 4321'
    if kind == "drops":
        command = f'["python3", "-c", "{BY_NAME}"]'
    config = f"{SLEEPER}[services.b]\ntype = 'oneshot'\ncommand = {command}\n"
    prefix = ["setpriv", "--bounding-set=-chown", "--"] if without else []
    with _prefixed(tmp_path, config, prefix) as init:
        init.wait_for("b", "exited")
        assert [row["line"] for row in init.client.logs(names=["b"])] == ["by name"]
        assert "error" not in init.said()


def test_lines_carry_names_when_services_share_stdout(start: Start) -> None:
    """However they are written: in pieces, by several at once; each line whole and named."""
    script = "for i in 1 2 3 4 5 6 7 8 9; do printf NAME; printf -- -; sleep 0.01; echo $i; done"
    config = "".join(
        f"[services.{name}]\ntype = 'oneshot'\n"
        f'command = ["sh", "-c", "{script.replace("NAME", name)}"]\n'
        for name in ("one", "two", "three")
    )
    init = start(f"[init]\nkeep_running = true\n{config}")
    for name in ("one", "two", "three"):
        init.wait_for(name, "exited")
    for name in ("one", "two", "three"):
        lines = [li for li in init.said().splitlines() if li.startswith(f"{name} ")]
        assert lines == [f"{name:<6} | {name}-{n}" for n in range(1, 10)]


# --- The example ----------------------------------------------------------------------------------


def _lines_of(directory: pathlib.Path, names: Iterable[str]) -> dict[str, set[str]]:
    """The different lines of files that are there."""
    paths = [directory / name for name in names]
    return {path.name: set(path.read_text().splitlines()) for path in paths if path.exists()}


def test_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """`config/log-files.toml`, each place of it."""
    text = (ROOT / "config" / "log-files.toml").read_text()
    made = Live(tmp_path, text, "subreaper", LOG_DIR=str(tmp_path))
    expected = {
        "web.log": {"a request", "a complaint"},
        "shop.log": {"sold"},
        "shop.err": {"sold out"},
        "worker.log": {"worked"},
        "elsewhere.log": {"turning"},
        "before.log": {"as before"},
    }
    try:
        made.start()
        eventually(lambda: _lines_of(tmp_path, expected) == expected, "each file has its lines")
        eventually(lambda: "worked" in made.said(), "the console has them too")
        eventually(lambda: "| seen" in made.said(), "stderr of the quiet one is there")
        assert "never seen" not in made.said()
        assert "warning" not in made.said()
        made.ctl("shutdown")
        assert made.wait() == 0
    finally:
        made.close()
