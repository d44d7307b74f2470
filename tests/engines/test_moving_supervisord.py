"""Debian's supervisord and nsinit, on one configuration: the same programs, lives and ends."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.engines.packages import SYSTEM_PATH
from tests.support.live import NSINIT, ROOT, Live, descendants, environment, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("machine")

# Writes what it was given, then what happens to it.
PROGRAM = """\
echo "$NAME started by '$GLOBAL' with '$OWN' in $PWD, umask $(umask)" >> trace
trap 'echo "$NAME stopped" >> trace; echo "last words of $NAME"; exit 0' TERM
trap 'echo "$NAME stopped by INT" >> trace; exit 0' INT
echo "first words of $NAME"; echo "errors of $NAME" >&2
while :; do sleep 0.05; done
"""
CONFIG = """\
[unix_http_server]
file=%(here)s/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/supervisor.sock

[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%(here)s/pid
childlogdir=%(here)s
directory=%(here)s
environment=GLOBAL="of all, %(ENV_OUTER)s"

[program:first]
command=/bin/sh %(here)s/program.sh
environment=NAME="%(program_name)s",OWN="a,b %(ENV_OUTER)s"
directory=%(here)s
umask=027
priority=1
redirect_stderr=true
stdout_logfile=%(here)s/first.log

[program:last] ; stops first
command=/bin/sh %(here)s/program.sh
environment=NAME='last'
priority=1000
stopsignal=INT
directory=%(here)s
stdout_logfile=%(here)s/last.log
stderr_logfile=%(here)s/last.err

[program:many]
command=/bin/sh %(here)s/program.sh
process_name=%(program_name)s_%(process_num)02d
numprocs=2
numprocs_start=5
environment=NAME=many%(process_num)d
directory=%(here)s

[program:hasty] ; is started once more, and given up
command=/bin/sh -c "echo hasty >> trace; exit 3"
directory=%(here)s
startretries=1

[program:returner] ; ends after it was up, and comes back each time
command=/bin/sh -c "echo returner >> trace; sleep 1.3; exit 1"
directory=%(here)s
startretries=1

[program:done]
command=/bin/sh -c "echo done >> trace; sleep 1.2; exit 2"
exitcodes=0,2
directory=%(here)s

[program:off]
command=/bin/sh -c "echo off >> trace"
autostart=false
directory=%(here)s

[group:pair]
programs=hasty,done
"""
STATES = {"RUNNING": "running", "FATAL": "failed", "EXITED": "exited", "STOPPED": "stopped"}
AWAITED = {
    "first": "running", "last": "running", "many_05": "running", "many_06": "running",
    "hasty": "failed", "done": "exited", "off": "stopped",
}  # fmt: skip


class Place:
    """A directory with the configuration, where one of the two runs it."""

    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.conf = directory / "supervisord.conf"
        self.conf.write_text(CONFIG)
        (directory / "program.sh").write_text(PROGRAM)
        self.env = environment(PATH=SYSTEM_PATH, OUTER="outer")

    process: subprocess.Popen[bytes]

    def trace(self) -> list[str]:
        """What its programs have written, with the place taken out."""
        path = self.directory / "trace"
        text = path.read_text() if path.exists() else ""
        return text.replace(str(self.directory), "HERE").splitlines()

    def lives(self) -> dict[str, int]:
        """How often each was started."""
        lines = [line.partition(" started")[0] for line in self.trace() if "stopped" not in line]
        return {name: lines.count(name) for name in set(lines)}

    def log(self, name: str) -> str:
        """What is in a log file."""
        return (self.directory / name).read_text()


@pytest.fixture
def theirs(tmp_path: pathlib.Path) -> Iterator[Place]:
    """Supervisord at work."""
    place = Place(tmp_path / "theirs")
    process = subprocess.Popen(
        ["/usr/bin/supervisord", "-n", "-c", str(place.conf)],
        env=place.env, cwd=place.directory,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    place.process = process
    try:
        yield place
    finally:
        for pid in [*descendants(process.pid), process.pid]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def their_states(place: Place) -> dict[str, str]:
    """As supervisorctl tells them, in nsinit's words."""
    done = subprocess.run(
        ["/usr/bin/supervisorctl", "-c", str(place.conf), "status"],
        env=place.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    rows = [line.split() for line in done.stdout.splitlines() if len(line.split()) > 1]
    return {row[0].rpartition(":")[2]: STATES.get(row[1], row[1]) for row in rows}


@pytest.fixture
def ours(tmp_path: pathlib.Path) -> Iterator[Live]:
    """Nsinit with what becomes of it."""
    place = Place(tmp_path / "ours")
    done = subprocess.run(
        [*NSINIT, "convert", str(place.conf)],
        env=place.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    init = Live(place.directory, done.stdout, "subreaper", OUTER="outer")
    init.start()
    try:
        yield init
    finally:
        init.close()


def has(states: dict[str, str], wanted: dict[str, str]) -> bool:
    """Whether all of them are so."""
    return all(states.get(name) == state for name, state in wanted.items())


def test_programs_live_alike_when_converted(theirs: Place, ours: Live) -> None:
    """Which run, with what, how often they come back, what they leave in their logs."""
    place = Place.__new__(Place)  # it is there already
    place.directory = ours.directory
    eventually(lambda: has(their_states(theirs), AWAITED), "supervisord's programs")
    eventually(
        lambda: has({n: s["state"] for n, s in ours.status().items()}, AWAITED), "nsinit's services"
    )
    # The one that is up before it dies goes on to come back, in spite of its startretries.
    for each in (theirs, place):
        eventually(functools.partial(_came_back, each), "more lives than retries")
    assert {**theirs.lives(), "returner": 0} == {**place.lives(), "returner": 0}
    assert theirs.lives()["hasty"] == 2
    started = [sorted(row for row in at.trace() if "started by" in row) for at in (theirs, place)]
    assert started[0] == started[1]
    assert "many5 started by 'of all, outer' with '' in HERE" in " ".join(started[0])
    for name in ("first.log", "last.log", "last.err"):
        eventually(functools.partial(_is_same, theirs, place, name), f"the same in {name}")
    ours.signal(signal.SIGTERM)
    theirs.process.send_signal(signal.SIGTERM)
    assert ours.wait() == 0
    assert theirs.process.wait(20) == 0
    for each in (theirs, place):
        assert each.log("first.log").endswith("last words of first\n")
        ends = [row for row in each.trace() if "stopped" in row]
        assert (ends[0], ends[-1]) == ("last stopped by INT", "first stopped")
        assert sorted(ends[1:-1]) == ["many5 stopped", "many6 stopped"]


def _came_back(place: Place) -> bool:
    return place.lives()["returner"] >= 3


def _is_same(theirs: Place, ours: Place, name: str) -> bool:
    return bool(theirs.log(name)) and theirs.log(name) == ours.log(name)


def test_configuration_of_the_package_is_converted_when_it_is_as_debian_has_it(
    tmp_path: pathlib.Path,
) -> None:
    """With a program in conf.d; and its sample, of which all that is commented out counts."""
    conf = tmp_path / "supervisord.conf"
    text = pathlib.Path("/etc/supervisor/supervisord.conf").read_text()
    conf.write_text(text.replace("/etc/supervisor/", f"{tmp_path}/"))
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "cat.conf").write_text("[program:cat]\ncommand=/bin/cat\n")
    assert '[services.cat]\ncommand = "/bin/cat"' in converted(conf)
    sample = "/usr/share/doc/supervisor/examples/sample.conf"
    text = re.sub(r"^;(?=\[|[a-z_]+=)", "", pathlib.Path(sample).read_text(), flags=re.MULTILINE)
    whole = tmp_path / "sample.conf"
    whole.write_text(text.replace("progname1,progname2", "theprogramname"))
    made = converted(whole)
    assert "program:theprogramname.stdout_capture_maxbytes = 1MB (" in made
    assert "inet_http_server.port = " in made
    assert "[services.theprogramname]" in made


def converted(path: pathlib.Path) -> Any:
    """What it becomes."""
    return subprocess.run(
        [*NSINIT, "convert", str(path)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
