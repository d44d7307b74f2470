"""Log files of real services: bounded, whole, and reopened."""

from __future__ import annotations

import os
import re
import signal
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ROOT, Live, eventually
from tests.support.logfiles import (
    SLEEPER,
    TICKER,
    content_of,
    once,
    packed,
    paths_of,
    still_works,
)

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

    from tests.integration.conftest import Start

MIB = 1 << 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users, mounts")


# --- Rotation -------------------------------------------------------------------------------------


def test_rotation_is_bounded_by_default_when_a_service_writes_a_lot(start: Start) -> None:
    """100 MB: at most 6 files of 10 MiB, the newest output, whole lines, packed by a child."""
    init = start(once("yes 0123456789abcde | head -c 100000000", '"${HERE}/x.log"'))
    init.wait_for("b", "exited")
    paths = packed(init)
    names = ["x.log.5.gz", "x.log.4.gz", "x.log.3.gz", "x.log.2.gz", "x.log.1", "x.log"]
    assert [path.name for path in paths] == names
    for path in paths:
        assert path.stat().st_size <= 10 * MIB
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        content = content_of(path)
        assert content == b"0123456789abcde\n" * (len(content) // 16)
    assert sum(len(content_of(path)) for path in paths) > 50 * MIB
    assert init.status()["b"]["exit_code"] == 0
    assert init.client.status()["init"]["log_bytes_dropped"] == 0
    assert "0123456789" not in init.said()
    still_works(init)


def test_no_line_is_lost_or_doubled_when_files_rotate(start: Start, loop: str) -> None:
    """Two streams into one file of 64 KiB: each complete and in order over all files."""
    script = "(seq 1 60000 | sed s/^/e/) >&2 & seq 1 60000 | sed s/^/o/; wait"
    config = once(script, '{file = "${HERE}/x.log", max_size = "64KiB", keep = 100}')
    init = start(f'[init]\nloop = "{loop}"\n{config}')
    init.wait_for("b", "exited")
    paths = packed(init)
    assert len(paths) > 10
    lines = b"".join(map(content_of, paths)).splitlines()
    for side in ("e", "o"):
        mine = [line for line in lines if line[:1] == side.encode()]
        assert mine == [f"{side}{n}".encode() for n in range(1, 60001)]
    assert len(lines) == 120_000


def test_total_is_kept_when_it_is_less_than_all_files(start: Start) -> None:
    """The oldest go first."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", total = "200KiB", compress = false}'
    init = start(once("seq 1 200000", log))
    init.wait_for("b", "exited")
    paths = paths_of(init)
    assert [path.name for path in paths] == ["x.log.2", "x.log.1", "x.log"]
    assert sum(path.stat().st_size for path in paths) <= 200 << 10
    content = b"".join(map(content_of, paths))
    assert content.endswith(b"\n199999\n200000\n")


def test_long_line_is_kept_as_it_is_when_it_goes_to_a_file(start: Start) -> None:
    """5 MB without a newline, with bytes that are no text: not one byte more or less."""
    script = 'head -c 5000000 /dev/zero | tr "\\\\0" "\\\\377"'
    init = start(once(script, '"${HERE}/x.log"'))
    init.wait_for("b", "exited")
    assert (init.directory / "x.log").read_bytes() == b"\xff" * 5_000_000


def test_last_words_are_in_the_file_when_the_end_is_told(start: Start) -> None:
    """Also without a newline; the next run begins a new line."""
    init = start(once("echo first; printf last", '"${HERE}/x.log"'))
    init.wait_for("b", "exited")
    assert (init.directory / "x.log").read_text() == "first\nlast"
    init.ctl("start", "b")
    init.wait_for("b", "exited", run=2)
    assert (init.directory / "x.log").read_text() == "first\nlast\nfirst\nlast"


# --- Places ---------------------------------------------------------------------------------------


def test_stderr_is_apart_when_it_has_a_file(start: Start) -> None:
    """And stdout goes to the console as well; `ctl logs` has both."""
    log = '{to = ["console", "file"], file = "${HERE}/x.log", stderr = "${HERE}/x.err"}'
    init = start(once("echo out; echo err >&2", log))
    init.wait_for("b", "exited")
    assert (init.directory / "x.log").read_text() == "out\n"
    assert (init.directory / "x.err").read_text() == "err\n"
    assert "b      | out\n" in init.said()
    assert "| err" not in init.said()
    rows = {row["stream"]: row["line"] for row in init.client.logs(names=["b"])}
    assert rows == {"stdout": "out", "stderr": "err"}


def test_stream_is_not_read_when_only_the_other_is_wanted(start: Start) -> None:
    """Null for one, the console for the other."""
    init = start(once("echo out; echo err >&2", '{to = "null", stderr = "console"}'))
    init.wait_for("b", "exited")
    assert [row["line"] for row in init.client.logs(names=["b"])] == ["err"]
    assert "| out" not in init.said()


def test_stream_is_not_captured_when_the_other_goes_to_a_file(start: Start) -> None:
    """Stdout is init's own, without a name; stderr is in its file."""
    log = '{to = "inherit", stderr = "${HERE}/x.err"}'
    init = start(once("echo out; echo err >&2", log))
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
    paths = packed(init)
    assert [path.name for path in paths] == ["x.log.2.gz", "x.log.1", "x.log"]
    assert b"err" in b"".join(map(content_of, paths)).splitlines()


@pytest.mark.every_way
@pytest.mark.root
@as_root
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_owner_and_mode_are_as_asked_when_files_rotate(start: Start) -> None:
    """Of the file, of those that were rotated, and of the packed ones."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", mode = "0604", owner = "nobody:77"}'
    init = start(once("seq 1 100000", log, "user = 1234"))
    init.wait_for("b", "exited")
    for path in packed(init):
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o604, path
        assert (found.st_uid, found.st_gid) == (65534, 77), path


# --- Reopening ------------------------------------------------------------------------------------


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
