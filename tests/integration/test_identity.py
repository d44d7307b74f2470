"""Who and what a service is: limits, priorities, CPUs, privileges, a terminal of its own."""

from __future__ import annotations

import json
import os
import pty
import resource
import select
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import Live, eventually, is_alive, status_field

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

pytestmark = pytest.mark.every_way

ONE = min(os.sched_getaffinity(0))
CAP_SYS_RESOURCE = 24
# Root of a container, even of a virtual machine, need not have it.
MAY_RAISE = bool(int(status_field(os.getpid(), "CapEff"), 16) >> CAP_SYS_RESOURCE & 1)
IO = {"x86_64": 252, "aarch64": 31, "riscv64": 31}.get(os.uname().machine, 0)  # ioprio_get(2)
TELL = f"""
import ctypes, json, os, resource, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
json.dump({{
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "ioprio": ctypes.CDLL(None).syscall({IO}, 1, 0),
    "policy": os.sched_getscheduler(0), "priority": os.sched_getparam(0).sched_priority,
    "cpus": sorted(os.sched_getaffinity(0)),
    "oom": int(open("/proc/self/oom_score_adj").read()),
    "nnp": int(status["NoNewPrivs"]), "umask": os.umask(0),
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
    "core": resource.getrlimit(resource.RLIMIT_CORE), "uid": os.getuid(),
}}, sys.stdout)
print()
"""


def _service(name: str, more: str, tell: str = TELL) -> str:
    return f"""
        [services.{name}]
        type = "oneshot"
        command = ["{sys.executable}", "-I", "-S", "-c", '''{tell}''']
        {more}
        """


def _config(more: str) -> str:
    return "[init]\nkeep_running = true\n" + _service("a", more)


def _told(init: Live, name: str = "a") -> dict[str, Any]:
    init.wait_for(name, "exited")
    line = next(row["line"] for row in init.client.logs(names=[name]))
    made: dict[str, Any] = json.loads(line)
    return made


def _reason(init: Live) -> str:
    return str(init.wait_for("a", "failed")["reason"])


# What anybody may set: the line of the configuration, and what the service then sees.
FREE: list[tuple[str, dict[str, Any]]] = [
    ("nice = 7", {"nice": 7}),
    ('ioprio = "best-effort:6"', {"ioprio": 2 << 13 | 6}),
    ('ioprio = "idle"', {"ioprio": 3 << 13}),
    ('scheduler = "batch"', {"policy": os.SCHED_BATCH}),
    ('scheduler = "idle"', {"policy": os.SCHED_IDLE}),
    (f"cpu_affinity = {ONE}", {"cpus": [ONE]}),
    (f'cpu_affinity = ["{ONE}-{ONE}"]', {"cpus": [ONE]}),
    ("oom_score_adj = 777", {"oom": 777}),
    ("no_new_privs = true", {"nnp": 1}),
    ('umask = "077"', {"umask": 0o077}),
]


@pytest.mark.parametrize(("line", "seen"), FREE, ids=[line for line, _ in FREE])
def test_service_has_it_when_anybody_may_set_it(
    start: Start, line: str, seen: dict[str, Any]
) -> None:
    """As root, as PID 1, and as an ordinary user in a sandbox."""
    if "ioprio" in seen and not IO:
        pytest.skip("this kernel has another number for ioprio_get")
    told = _told(start(_config(line)))
    assert {key: told[key] for key in seen} == seen


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: privileges of the host")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_service_has_all_of_it_when_root_gives_it_to_a_user(start: Start) -> None:
    """Every privileged value at once, set before the user changes; init itself keeps its own."""
    score = -500 if MAY_RAISE else 500
    init = start(
        _config(
            f"""
            user = 4321
            nice = -5
            ioprio = "realtime:3"
            scheduler = "fifo:2"
            oom_score_adj = {score}
            no_new_privs = true
            limits = {{ nofile = "100:200", core = 0 }}
            """
        )
    )
    told = _told(init)
    wanted = {
        "uid": 4321, "nice": -5, "ioprio": 1 << 13 | 3, "policy": os.SCHED_FIFO, "priority": 2,
        "oom": score, "nnp": 1, "nofile": [100, 200], "core": [0, 0],
    }  # fmt: skip
    assert {key: told[key] for key in wanted} == wanted
    assert os.getpriority(os.PRIO_PROCESS, init.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    assert os.sched_getscheduler(init.pid) == os.SCHED_OTHER
    assert status_field(init.pid, "NoNewPrivs") == "0"


# What needs a privilege that an ordinary user has not: what is told of it.
REFUSED = {
    "nice = -5": "cannot set nice -5 of {x}: Permission denied (this needs CAP_SYS_NICE",
    'ioprio = "realtime:0"': "cannot set ioprio realtime:0 of {x}: Operation not permitted (this",
    'scheduler = "rr:9"': "cannot set scheduler rr:9 of {x}: Operation not permitted (this needs",
    "oom_score_adj = -999": "cannot set oom_score_adj -999 of {x}: Permission denied (a lower one",
    'limits = {nofile = "50M"}': "cannot set limits.nofile of {x}: Operation not permitted (the ",
}


@pytest.mark.parametrize("way", ["rootless"], indirect=True)
@pytest.mark.parametrize("line", REFUSED)
def test_stage_reason_and_remedy_are_told_when_privilege_is_missing(
    start: Start, line: str
) -> None:
    """Nothing is skipped: the service fails, and says at what, why, and what to do."""
    assert REFUSED[line].format(x=sys.executable) in _reason(start(_config(line)))


@pytest.mark.parametrize("way", ["subreaper", "rootless"], indirect=True)
@pytest.mark.parametrize("cpus", ["8000", f"{ONE},8000"])
def test_allowed_cpus_are_named_when_one_does_not_exist(start: Start, cpus: str) -> None:
    """Also when others of the list exist, where the kernel would say nothing."""
    reason = _reason(start(_config(f'cpu_affinity = "{cpus}"')))
    assert f"cannot set cpu_affinity {cpus} of {sys.executable}: Invalid argument" in reason
    assert "allowed here: " in reason


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
def test_directory_is_named_when_it_is_missing(start: Start) -> None:
    """On either road, and with a shell."""
    for number, more in enumerate(("", "nice = 1", "shell = true")):
        config = f'[init]\nkeep_running = true\n[services.a]\ncommand = "true"\n{more}\n'
        init = start(f'{config}working_dir = "/no/such"\n')
        assert "cannot enter /no/such" in _reason(init), number
        assert "No such file or directory" in _reason(init)


# --- Complaint: rlimits per service ---------------------------------------------------------------


def test_rlimits_per_service_when_one_needs_many_files_and_another_few(start: Start) -> None:
    """Each has its own, those without have what init was given, and init keeps its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    init = start(
        _config(f'limits = {{ nofile = "77:{hard}", core = 0 }}')
        + _service("b", 'limits = { nofile = "88:99" }')
        + _service("c", "")
    )  # fmt: skip
    assert _told(init)["nofile"] == [77, hard]
    assert _told(init)["core"] == [0, 0]
    assert _told(init, "b")["nofile"] == [88, 99]
    assert _told(init, "c")["nofile"] == [soft, hard]
    limits = init.directory.joinpath(f"/proc/{init.pid}/limits").read_text()
    assert f"Max open files            {hard}" in limits


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
def test_rlimits_per_service_when_one_asks_for_more_than_init_has(
    tmp_path: pathlib.Path, start: Start
) -> None:
    """Above init's hard limit it gets more where that is allowed; else it hears what the limit is.

    That is what a container with a low hard limit is like, with and without CAP_SYS_RESOURCE.
    """
    init = Live(tmp_path, _config('limits = { nofile = "5000" }'), "subreaper")
    init.limits = {"nofile": (1024, 4096)}
    try:
        init.start()
        if MAY_RAISE:
            assert _told(init)["nofile"] == [5000, 5000]
            return
        reason = _reason(init)
        assert f"cannot set limits.nofile of {sys.executable}: Operation not permitted" in reason
        assert "(the hard limit here is 4096: only CAP_SYS_RESOURCE raises it)" in reason
    finally:
        init.close()


# --- A terminal -----------------------------------------------------------------------------------

ON_TERMINAL = """
import json, os, sys
print(json.dumps({
    "ttys": [os.ttyname(fd) for fd in (0, 1, 2)],
    "session": os.getsid(0) == os.getpid(), "foreground": os.tcgetpgrp(0) == os.getpid(),
    "controlling": os.path.sameopenfile(0, 0) and os.open("/dev/tty", os.O_RDWR) > 2,
}))
sys.stdin.readline()
print("heard")
sys.stdin.readline()
"""


def _read(fd: int, until: bytes) -> bytes:
    """What a terminal shows, up to some text."""
    data = b""

    def found() -> bool:
        nonlocal data
        if select.select([fd], [], [], 0)[0]:
            data += os.read(fd, 4096)
        return until in data

    eventually(found, f"{until!r} on the terminal")
    return data


@pytest.mark.parametrize("way", ["subreaper", "pid1"], indirect=True)
def test_service_has_the_terminal_when_tty_names_it(start: Start) -> None:
    """Input, output and ^C: it is the controlling terminal, and the service its foreground."""
    ours, theirs = pty.openpty()
    try:
        path = os.ttyname(theirs)
        config = _config(f'tty = "{path}"\nrestart = "no"').replace(TELL, ON_TERMINAL)
        init = start(config.replace('type = "oneshot"', "min_uptime = 0"))
        shown = json.loads(_read(ours, b"}").decode())
        assert shown == {
            "ttys": [path] * 3, "session": True, "foreground": True, "controlling": True
        }  # fmt: skip
        os.write(ours, b"hello\n")
        _read(ours, b"heard")
        pid = init.outer_pid(init.wait_for("a", "running")["pid"])
        os.write(ours, b"\x03")
        eventually(lambda: not is_alive(pid), "^C ended it")
        assert init.wait_for("a", "failed")["exit_signal"] == signal.SIGINT
        assert list(init.client.logs()) == []
        init.ctl("start", "a")
        assert path.encode() in _read(ours, b"}")  # the next run has it again
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/dev/null", "cannot take the terminal {tty} for {x}: Inappropriate ioctl for device ("),
        ("/dev/null", "(it is no terminal)"),
        ("/dev/no-tty", "cannot open the terminal {tty} for {x}: No such file or directory"),
    ],
)
def test_reason_is_told_when_the_terminal_is_none(start: Start, path: str, said: str) -> None:
    """At the stage that failed."""
    config = f'[init]\nkeep_running = true\n[services.a]\ncommand = "/bin/true"\ntty = "{path}"\n'
    assert said.format(tty=path, x="/bin/true") in _reason(start(config))
