"""Full disks, missing directories and the like: never a danger to init."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from nsinit.runtime.rotation import find_slots
from tests.support.live import ORDINARY, Live, descendants, eventually, have, is_alive, live
from tests.support.logfiles import (
    SLEEPER,
    TICKER,
    once,
    packed,
    paths_of,
    prefixed,
    still_works,
)

if TYPE_CHECKING:
    from tests.integration.conftest import Start

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users, mounts")


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
    still_works(init)


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
    with prefixed(tmp_path, config, prefix, user) as init:
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
        still_works(init)
        init.ctl("shutdown")
        assert init.wait() == 0


def test_files_stay_plain_when_there_is_no_gzip(tmp_path: pathlib.Path) -> None:
    """It is said once, and their number is kept all the same."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", keep = 3}'
    path = os.environ["PATH"]
    config = once("seq 1 100000", log, f'environment = {{PATH = "{path}"}}')
    made = Live(tmp_path, config, "subreaper")
    made.env["PATH"] = str(tmp_path)
    made.config.write_text(made.config.read_text().replace('"sleep 1000"', '"/bin/sleep 1000"'))
    try:
        made.start()
        made.wait_for("b", "exited")
        names = [path.name for path in paths_of(made)]
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
    made = Live(tmp_path, once("seq 1 100000", log), "subreaper")
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
        assert paths_of(made)[0].name == "x.log.3"
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
        at = eventually(partial(_inode, path), "there is a file")
        eventually(lambda: _inode(path) not in (0, at), "and go on rotating")
        assert len([p for p in paths_of(init) if p.exists()]) <= 4
        assert "internal error" not in init.said()
        still_works(init)
        init.ctl("shutdown")
        assert init.wait() == 0


def _inode(path: pathlib.Path) -> int:
    """0 between a rotation and the next file."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def test_no_descriptor_leaks_when_files_rotate_and_runs_end(start: Start) -> None:
    """Many runs, rotations, packed files and reopenings later init has as many as before."""
    log = '{file = "${HERE}/x.log", max_size = "64KiB", keep = 3, stderr = "${HERE}/x.err"}'
    init = start(once("seq 1 20000; echo err >&2", log))
    init.wait_for("b", "exited")

    def count() -> int:
        return len(os.listdir(f"/proc/{init.pid}/fd"))

    packed(init)
    before = count()
    for run in range(2, 12):
        init.signal(signal.SIGUSR1)
        init.ctl("start", "b")
        init.wait_for("b", "exited", run=run)
    packed(init)
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
    with prefixed(tmp_path, config, prefix) as init:
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
