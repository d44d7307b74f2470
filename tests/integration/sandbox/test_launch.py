"""The launcher: plans that are printed, failures that leave nothing, one fate with its init."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.live import eventually, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

CONFIG = """
[sandbox]
hostname = "inside"
[services.a]
command = "touch ${HERE}/ran"
"""


def test_plan_is_printed_and_nothing_done_when_run_is_dry(
    box: Callable[..., Box], user: int
) -> None:
    """One line per step, each with who takes it."""
    made = box(CONFIG)
    done = made.run("run", "--dry-run", str(made.config))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split(maxsplit=1)[0] == "split"
    assert ("user" in lines[0]) == bool(user)
    assert [line for line in lines if line.startswith("parent")] == (
        [f"parent  map uids: 0 {user} 1; gids: 0 {user} 1; deny setgroups"] if user else []
    )
    hardening = lines.index("child   join a new session keyring")
    assert lines[hardening - 3 : hardening] == [
        "child   set the host name to inside",
        "child   make all mounts private",
        "child   mount proc on /proc",
    ]
    assert lines[-1].startswith("child   keep only the capabilities CHOWN, ")
    assert not (made.directory / "ran").exists()
    assert not made.socket.exists()


def test_dry_run_says_so_when_there_is_no_sandbox(box: Callable[..., Box]) -> None:
    """It is init where it is."""
    made = box("[services.a]\ncommand = 'touch ${HERE}/ran'\n")
    done = made.run("run", "--dry-run", str(made.config))
    assert (done.returncode, done.stdout) == (0, "be init here: there is no [sandbox]\n")
    assert not (made.directory / "ran").exists()


@pytest.mark.row(61)
@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ("mount:EPERM@2", "cannot mount proc on /proc: Operation not permitted"),
        ("sethostname:EINVAL", "cannot set the host name to inside: Invalid argument"),
        ("keyctl:EDQUOT", "cannot join a new session keyring: Disk quota exceeded"),
        ("capset:EPERM", "cannot keep only the capabilities CHOWN, DAC_OVERRIDE, "),
        ("clone3:ENOSPC", "cannot make namespaces ("),
        ("prctl:EINVAL", "cannot make the sandbox: "),
        ("prctl:EINVAL@2", "cannot make the sandbox: "),
    ],
)
def test_step_is_named_when_it_fails(box: Callable[..., Box], faults: str, words: str) -> None:
    """Init tells its launcher over the socket; no service has run and nothing is left."""
    made = box(CONFIG).with_faults(faults)
    done = made.run()
    assert done.returncode == 125, done
    assert words in done.stderr
    assert not (made.directory / "ran").exists()
    assert not made.socket.exists()


@pytest.mark.row(64)
def test_init_ends_when_launcher_is_killed_at_once(box: Callable[..., Box]) -> None:
    """It has asked the kernel for that first of all."""
    made = box(CONFIG.replace("touch ${HERE}/ran", "sleep 1000")).start()
    pid = made.pid
    assert made.process is not None
    made.process.kill()
    made.process.wait()
    eventually(lambda: not is_alive(pid), "init is gone")
