"""What a child does for the keys of its service, and what helps when it can't."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import termios
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import fds, seam
from nsinit.kernel.scheduling import allowed_cpus
from nsinit.model.tuning import format_cpus
from nsinit.process.program import Tuning
from nsinit.process.spawner import Spawner
from nsinit.process.stages import Stage, _open_terminal, limit_stage, rank_stages
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, kill, program, refused, start

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = pytest.mark.usefixtures("needs_root")


def tuned(*argv: str, rlimits: Any = (), **keys: Any) -> Any:
    """A program of a service with such keys."""
    return program(*argv, tuning=Tuning(**keys) if keys else None, rlimits=rlimits)


def test_limits_are_set_when_a_service_has_some() -> None:
    """Each by its name, soft and hard."""
    most = resource.RLIM_INFINITY
    made = tuned(
        "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -Sc",
        rlimits=[("nofile", 100, 200), ("core", 0, most)],
    )  # fmt: skip
    assert start(made) == (0, "100\n200\n0\n")


def test_limit_says_what_helps_when_it_is_above_the_hard_one() -> None:
    """It names that, for who may not raise it."""

    def work() -> list[tuple[str, int, str]]:
        resource.setrlimit(resource.RLIMIT_NPROC, (50_000, 60_000))
        made = []
        for name in ("nproc", "core"):
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.RLIM_INFINITY))
            error = refused(tuned("/bin/true", rlimits=[(name, 70_000, 80_000)]))
            made.append((error.stage, error.errno, error.hint))
        return made

    seam.inject(seam.Plan("setrlimit:EPERM"))  # the first is that of descriptors, which is None
    try:
        found = in_child(work)
    finally:
        seam.inject(None)
    most = "the hard limit here is 60000: only CAP_SYS_RESOURCE raises it"
    assert found == [
        ("set limits.nproc of", errno.EPERM, most),
        ("set limits.core of", errno.EPERM, "only CAP_SYS_RESOURCE raises it"),
    ]


def test_limit_says_why_when_the_standard_library_says_otherwise() -> None:
    """That makes other errors of two errnos: soft above hard, and above the hard limit."""

    def work() -> list[int]:
        resource.setrlimit(resource.RLIMIT_NPROC, (50_000, 60_000))
        if os.geteuid() == 0:
            os.setresuid(4321, 4321, 4321)
        made = []
        for soft, hard in ((2, 1), (1, 70_000)):
            stage = limit_stage("nproc", soft, hard)
            with pytest.raises(OSError, match=r"Invalid|not permitted") as caught:
                stage.act()
            made.append(caught.value.errno or 0)
        return [*made, stage.remedy(errno.EINVAL) == ""]

    assert in_child(work) == [errno.EINVAL, errno.EPERM, True]


@_ROOT
def test_priorities_are_those_of_the_keys_when_there_are_any() -> None:
    """Of CPU, of disks, and for the killer of what takes too much memory."""
    cpu = max(allowed_cpus())
    made = tuned(
        "sh", "-c", "nice; chrt -p $$; cat /proc/self/oom_score_adj; taskset -p $$; ionice -p $$",
        nice=5, scheduler=(3, 0), oom_score_adj=77, cpu_affinity=(cpu,), ioprio=(3, 0),
    )  # fmt: skip
    status, said = start(made)
    assert status == 0
    lines = said.splitlines()
    assert lines[0] == "5"
    assert "SCHED_BATCH" in said
    assert "77" in lines
    assert f"affinity mask: {1 << cpu:x}" in said
    assert lines[-1] == "idle"


@pytest.mark.parametrize(
    ("keys", "fault", "stage"),
    [
        ({"nice": -5}, "setpriority", "set nice -5 of"),
        ({"ioprio": (1, 4)}, "ioprio_set", "set ioprio realtime:4 of"),
        ({"scheduler": (1, 9)}, "sched_setscheduler", "set scheduler fifo:9 of"),
        ({"oom_score_adj": -1}, "write", "set oom_score_adj -1 of"),
        ({"cpu_affinity": (0,)}, "sched_setaffinity", "set cpu_affinity 0 of"),
    ],
)
def test_capability_is_named_when_one_is_missing(
    keys: dict[str, Any], fault: str, stage: str, failing: Callable[[str], None]
) -> None:
    """Of other errors nothing is said."""
    nice = "this needs CAP_SYS_NICE: docker run --cap-add SYS_NICE"
    hints = {
        "setpriority": nice,
        "ioprio_set": nice,
        "sched_setscheduler": f"{nice}; in some cgroups a real-time budget too",
        "write": "a lower one than init's needs the host's CAP_SYS_RESOURCE",
        "sched_setaffinity": "",
    }
    for word in ("EPERM", "EACCES", "EIO"):
        failing(f"{fault}:{word}@1")
        error = refused(tuned("/bin/true", **keys))
        assert (error.stage, error.errno) == (stage, getattr(errno, word))
        assert error.hint == (hints[fault] if word != "EIO" else "")


def test_cpus_are_named_when_others_are_wanted() -> None:
    """Those that there are."""
    error = refused(tuned("/bin/true", cpu_affinity=(0, 8000)))
    assert (error.stage, error.errno) == ("set cpu_affinity 0,8000 of", errno.EINVAL)
    assert error.hint == f"allowed here: {format_cpus(allowed_cpus())}"


def test_nothing_is_done_when_nothing_is_asked_for() -> None:
    """Each key is by itself."""
    assert rank_stages(Tuning()) == []
    names = [stage.name for stage in rank_stages(Tuning(nice=0, cpu_affinity=(0,)))]
    assert names == ["set cpu_affinity 0 of", "set nice 0 of"]


def test_nothing_is_known_to_help_when_a_stage_does_not_say() -> None:
    """An empty text."""
    assert Stage("do", lambda: None).remedy(1) == ""


# --- Terminals ------------------------------------------------------------------------------------


def _on_terminal(tty: str, script: str, **more: Any) -> Any:
    made = tuned("sh", "-c", script, tty=tty)
    made.fds.update(more.get("fds", {}))
    return made


def _read(master: int) -> str:
    parts = []
    while True:
        try:
            parts.append(os.read(master, 999))
        except OSError:  # the last one on it has ended
            return b"".join(parts).decode()


def test_terminal_is_its_own_when_a_service_names_one() -> None:
    """All three of its descriptors, and it controls the session."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    made = _on_terminal(path, "tty; tty <&1; tty <&2; echo yes >/dev/tty; ls -1 /proc/$$/fd; true")
    child = Spawner().spawn(made)
    os.waitpid(child.pid, 0)
    assert child.report is not None
    assert child.outcome() is None
    os.close(child.report)
    os.close(slave)
    said = _read(master).split("\r\n")
    os.close(master)
    assert said[:4] == [path, path, path, "yes"]
    assert {int(word) for word in said[4:-1]} - fds.inherited() - {10} == {0, 1, 2}


def test_terminal_is_taken_when_it_is_there_as_stdin() -> None:
    """That is how init gives one that it has made."""
    master, slave = os.openpty()
    status, said = start(_on_terminal("", "tty; tty </dev/tty", fds={0: slave}))
    assert (status, said.split()) == (0, [os.ttyname(slave), "/dev/tty"])
    os.close(master)
    os.close(slave)


def test_terminal_is_opened_when_all_descriptors_are_closed() -> None:
    """It is then one of the first three itself, and is not closed."""

    def work() -> list[bool]:
        slave = os.openpty()[1]
        path = os.ttyname(slave)
        os.close(slave)
        for fd in (0, 1, 2):
            os.close(fd)
        _open_terminal(path)
        return [os.readlink(f"/proc/self/fd/{fd}") == path for fd in (0, 1, 2)]

    assert in_child(work) == [True] * 3


@pytest.mark.parametrize(
    ("tty", "stage", "number", "hint"),
    [
        ("/dev/null", "take the terminal /dev/null for", errno.ENOTTY, "it is no terminal"),
        ("/nowhere", "open the terminal /nowhere for", errno.ENOENT, ""),
        ("", "take the terminal for", errno.ENOTTY, "it is no terminal"),
    ],
)
def test_error_says_why_when_there_is_no_such_terminal(
    tty: str, stage: str, number: int, hint: str
) -> None:
    """Whether it is missing, or is another thing."""
    null = os.open(os.devnull, os.O_RDWR)
    error = refused(_on_terminal(tty, "true", fds={0: null}))
    os.close(null)
    assert (error.stage, error.errno, error.hint) == (stage, number, hint)


def test_error_says_why_when_the_terminal_is_anothers() -> None:
    """A session keeps its terminal as long as it lives."""
    master, slave = os.openpty()

    def lead() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        os.write(slave, b"x")
        signal.pause()

    pid = forked(lead)
    os.read(master, 1)

    def work() -> tuple[str, int, str]:
        if os.geteuid() == 0:
            os.setresuid(4321, 4321, 4321)
        error = refused(_on_terminal("", "true", fds={0: slave}))
        return error.stage, error.errno, error.hint

    try:
        expected = ("take the terminal for", errno.EPERM, "it is the terminal of another session")
        assert in_child(work) == expected
    finally:
        kill(pid)
        os.close(master)
        os.close(slave)
