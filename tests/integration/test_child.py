"""What a service gets: signals, session, descriptors, limits, environment, identity."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import NSINIT, Live, environment, eventually

if TYPE_CHECKING:
    from tests.integration.conftest import Start

pytestmark = pytest.mark.every_way

TELL = """
import json, os, resource, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
json.dump({
    "ignored": int(status["SigIgn"], 16), "blocked": int(status["SigBlk"], 16),
    "caught": int(status["SigCgt"], 16),
    "pid": os.getpid(), "session": os.getsid(0), "group": os.getpgrp(),
    "fds": sorted(os.listdir("/proc/self/fd")), "links": {
        fd: os.readlink("/proc/self/fd/" + fd) for fd in ("0", "1", "2")},
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "env": {k: v for k, v in os.environ.items()}, "cwd": os.getcwd(), "umask": os.umask(0),
    "ids": [os.getresuid(), os.getresgid(), sorted(os.getgroups())],
}, sys.stdout)
print()
"""


def _told(init: Live, name: str = "a") -> dict[str, Any]:
    init.wait_for(name, "exited")
    line = next(row["line"] for row in init.client.logs(names=[name]))
    made: dict[str, Any] = json.loads(line)
    return made


def _config(more: str = "", table: str = "") -> str:
    return f"""
        [init]
        keep_running = true
        {table}
        [services.a]
        type = "oneshot"
        command = ["{sys.executable}", "-I", "-S", "-c", '''{TELL}''']
        {more}
        """


# The vfork road, and what forces the fork road.
ROADS = ["", 'limits = {core = "0"}']
# The C library keeps signals 32 and 33 to itself; what it has spawned may be born ignoring them.
LIBRARYS_OWN = 3 << 31


@pytest.mark.parametrize("road", ROADS)
def test_child_has_default_signals_when_spawned(start: Start, road: str) -> None:
    """No signal is blocked, and none ignored but those that Python itself ignores."""
    told = _told(start(_config(road)))
    python_ignores = (1 << signal.SIGPIPE - 1) | (1 << signal.SIGXFSZ - 1) | LIBRARYS_OWN
    assert told["blocked"] == 0
    assert told["ignored"] & ~python_ignores == 0
    assert told["session"] == told["group"] == told["pid"]


@pytest.mark.parametrize("road", ROADS)
def test_shell_has_default_pipe_signal_when_spawned(start: Start, road: str) -> None:
    """`yes | head` ends by SIGPIPE, which Python leaves ignored in what it starts."""
    init = start(
        f"""
        [init]
        keep_running = true
        [services.a]
        type = "oneshot"
        command = ["sh", "-c", "grep SigIgn /proc/self/status"]
        {road}
        """
    )
    init.wait_for("a", "exited")
    (row,) = init.client.logs()
    assert int(row["line"].split()[1], 16) & ~LIBRARYS_OWN == 0


@pytest.mark.parametrize("road", ROADS)
def test_child_has_no_other_descriptor_when_spawned(start: Start, road: str) -> None:
    """Only 0, 1 and 2 (and the one that lists them)."""
    told = _told(start(_config(road)))
    assert told["fds"] == ["0", "1", "2", "3"]
    assert told["links"]["0"] == "/dev/null"
    assert told["links"]["1"].startswith("pipe:")
    assert told["links"]["1"] != told["links"]["2"]


@pytest.mark.parametrize("road", ROADS)
def test_child_has_the_soft_limit_that_init_was_given(start: Start, road: str) -> None:
    """Init raises its own soft limit on descriptors, and gives children the old one."""
    import resource

    told = _told(start(_config(road)))
    assert told["nofile"] == list(resource.getrlimit(resource.RLIMIT_NOFILE))
    if road:
        assert told["core"] == [0, 0]


@pytest.mark.parametrize("road", ROADS)
def test_child_has_environment_and_directory_when_given(start: Start, road: str) -> None:
    """What init was given, what the file adds, and nsinit's own; cwd and umask as asked."""
    more = f'{road}\nworking_dir = "/usr"\numask = "027"\n[services.a.environment]\nMINE = "x y"'
    init = start(_config(more), GIVEN="a=b\nc")
    told = _told(init)
    assert told["env"]["GIVEN"] == "a=b\nc"
    assert told["env"]["MINE"] == "x y"
    assert told["env"]["NSINIT_SERVICE"] == "a"
    assert told["env"]["NSINIT_SOCKET"] == str(init.socket)
    assert "LC_CTYPE" not in told["env"]
    assert told["cwd"] == "/usr"
    assert told["umask"] == 0o027


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
@pytest.mark.parametrize(
    ("written", "ids", "home"),
    [
        ('user = "nobody"', [65534, 65534, [65534]], "/nonexistent"),
        ("user = 4321", [4321, 4321, [4321]], "/"),
        ('user = "4321:42"\ngroups = [7]', [4321, 42, [7, 42]], "/"),
        ('group = "daemon"', [0, 1, [1]], None),
    ],
)
def test_child_has_ids_when_user_or_group_is_named(
    start: Start, written: str, ids: list[Any], home: str | None
) -> None:
    """All three uids and gids and the groups, from /etc/passwd or as numbers."""
    told = _told(start(_config(written), HOME="/root"))
    uid, gid, groups = ids
    assert told["ids"] == [[uid] * 3, [gid] * 3, groups]
    assert told["env"]["HOME"] == (home or "/root")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_stdout_can_be_opened_when_user_is_not_root(start: Start) -> None:
    """/dev/stdout leads to the pipe, which belongs to the service's user."""
    init = start(
        """
        [init]
        keep_running = true
        [services.a]
        type = "oneshot"
        user = "nobody"
        command = "sh -c 'echo by name > /dev/stdout; echo and > /dev/stderr'"
        """
    )
    init.wait_for("a", "exited")
    assert sorted(row["line"] for row in init.client.logs()) == ["and", "by name"]


@pytest.mark.parametrize("way", ["rootless"], indirect=True)
@pytest.mark.parametrize("line", ["user = 4321", 'user = "nobody"', "groups = [7]"])
def test_reason_is_told_when_id_is_not_mapped(start: Start, line: str) -> None:
    """A rootless sandbox has one id; asking for another fails with that reason."""
    init = start(_config(line))
    reason = init.wait_for("a", "failed")["reason"]
    assert "the user namespace has no such id" in reason


def test_environment_is_passed_as_bytes_when_it_is_not_utf8(start: Start) -> None:
    """Values are bytes to the kernel, and stay what they were."""
    init = start(
        """
        [init]
        keep_running = true
        [services.a]
        type = "oneshot"
        command = ["sh", "-c", "printf %s \\"$ODD\\" | od -An -tx1"]
        """,
        ODD=os.fsdecode(b"\xff\xfe"),
    )
    init.wait_for("a", "exited")
    assert [row["line"].split() for row in init.client.logs()] == [["ff", "fe"]]


def test_children_are_reaped_when_caller_ignored_sigchld(tmp_path: Any) -> None:
    """A caller that ignores CHLD and blocks everything harms neither init nor its services."""
    config = tmp_path / "nsinit.toml"
    config.write_text("[services.a]\nmain = true\ncommand = \"sh -c 'exit 5'\"\n")

    def hostile() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    command = [*NSINIT, "run", str(config)]
    done = subprocess.run(
        command,
        env=environment(NSINIT_SOCKET=str(tmp_path / "s")),
        preexec_fn=hostile,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 5, done


def test_descriptors_of_the_caller_stay_out_when_inherited(tmp_path: Any) -> None:
    """What leaks into init leaks no further."""
    config = tmp_path / "nsinit.toml"
    config.write_text('[services.a]\nmain = true\ncommand = "ls /proc/self/fd"\n')
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    try:
        done = subprocess.run(
            [*NSINIT, "run", str(config)],
            env=environment(NSINIT_SOCKET=str(tmp_path / "s")),
            close_fds=False,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(reader)
        os.close(writer)
    listed = [line.split()[-1] for line in done.stdout.splitlines()]
    assert listed == ["0", "1", "2", "3"], done


def test_nothing_is_lost_when_init_is_started_with_closed_descriptors(tmp_path: Any) -> None:
    """0, 1 and 2 closed: init opens /dev/null there, and its sockets get other numbers."""
    config = tmp_path / "nsinit.toml"
    config.write_text("[services.a]\nmain = true\ncommand = \"sh -c 'echo x; exit 6'\"\n")
    words = [*NSINIT, "run", str(config)]
    shell = 'exec "$@" <&- >&- 2>&-'
    env = environment(NSINIT_SOCKET=str(tmp_path / "s"))
    done = subprocess.run(["sh", "-c", shell, "sh", *words], env=env, timeout=30, check=False)
    assert done.returncode == 6
    eventually(lambda: not (tmp_path / "s").exists(), "the socket is removed")
