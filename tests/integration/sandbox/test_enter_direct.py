"""A command in a sandbox whose init does not answer: put there from outside, and confined alike."""

from __future__ import annotations

import os
import pathlib
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ORDINARY, eventually, have, is_alive
from tests.support.terminal import INTERRUPT, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

CONFIG = """
environment = { COLOUR = "blue" }
[sandbox]
name = "shop"
hostname = "inside"
cap_drop = ["NET_RAW"]
namespaces = { KINDS }
[services.a]
command = "sleep 1000"
min_uptime = 0
"""
# What confines it, whose it is, what it has open.
LOOK = """
grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Umask)' /proc/self/status
hostname; pwd; env | grep -vE '^(_|SHLVL|OLDPWD)=' | sort
readlink /proc/self/ns/* /proc/self/root; cat /proc/self/cgroup
cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo fd $fd; done
"""


@pytest.fixture
def shop(box: Callable[..., Box], request: pytest.FixtureRequest) -> Box:
    """A sandbox that runs, with these namespaces beside the default ones."""
    kinds = getattr(request, "param", "")
    made = box(CONFIG.replace("KINDS", kinds)).start()
    made.wait_for_line("a is running")
    return made


@contextmanager
def hung(made: Box) -> Iterator[None]:
    """While its init can't do anything."""
    pid = made.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def processes(made: Box) -> list[str]:
    """The pids in its pid namespace, as it has them."""
    return [path.name for path in (made.root() / "proc").glob("[0-9]*")]


@pytest.mark.row(65)
@pytest.mark.parametrize("shop", ["", "net = 'new', cgroup = 'new', time = 'new'"], indirect=True)
def test_command_is_as_init_would_have_it_when_init_hangs(shop: Box) -> None:
    """In the same namespaces and root, as the same user, as confined; nothing of the host's."""
    given = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    shop.with_descriptors(given)
    try:
        usual = shop.run("enter", "shop", "--", "sh", "-c", LOOK)
        before = processes(shop)
        with hung(shop):
            done = shop.run("enter", "shop", "--", "sh", "-c", LOOK + "exit 7")
            assert done.returncode == 7, done
            assert "entering without its help" in done.stderr
            assert done.stdout == usual.stdout
            assert "COLOUR=blue" in done.stdout
            assert "fd 3" not in done.stdout
            assert processes(shop) == before
    finally:
        os.close(given)
    assert shop.run("enter", "shop", "--", "true").stderr == ""
    assert shop.stop() == 0


def test_orphans_end_with_the_command_when_init_has_no_socket(shop: Box) -> None:
    """They are not init's meanwhile, which might not reap them; nor does one stay a zombie."""
    shop.socket.unlink()
    before = processes(shop)
    script = """
    sh -c 'sh -c "exec sleep 0" & sh -c "trap \\"\\" TERM; while :; do sleep 100; done" &
        setsid sleep 1000 & sleep 1000 & echo $!'
    while ps -e -o stat=,args= | grep -q '^Z.*sleep'; do sleep 0.05; done
    ps -e -o stat=,ppid=,args= | grep -v grep | grep sleep
    echo mine $PPID; exit 5
    """
    done = shop.run("enter", "shop", "--", "sh", "-c", script)
    assert done.returncode == 5, done
    assert "entering without its help" in done.stderr
    warden = re.findall(r"mine (\d+)", done.stdout)
    rows = [line.split(None, 2) for line in done.stdout.splitlines() if " sleep 1000" in line]
    assert sorted(row[1] for row in rows) == sorted(["1", *warden * 2]), done.stdout
    assert processes(shop) == before
    assert shop.stop() == 0


ENDS: list[tuple[list[str], int, str]] = [
    (["shop", "--", "sh", "-c", "kill -9 $$"], 137, ""),
    (["shop", "--", "no-such-command"], 127, "no-such-command"),
    (["shop", "--", "/etc"], 126, "/etc"),
    (["shop", "--user", "no-such-user", "--", "true"], 127, "no-such-user"),
    (["shop", "--service", "a", "--", "true"], 2, "either"),
    (["nobody", "--", "true"], 4, "nobody"),
]


def test_code_is_that_of_the_command_when_it_ends(shop: Box, user: int) -> None:
    """Or says why there was none; what a service would have can't be known."""
    for words, code, said in ENDS:
        done = shop.run("enter", "--direct", *words)
        assert done.returncode == code, done
        assert said in done.stderr
    done = shop.run("enter", "--direct", "shop", "--user", "12345:54321", "--", "id")
    assert (done.returncode == 0) is (user == 0), done
    assert ("uid=12345 gid=54321" in done.stdout) is (user == 0), done
    shop.socket.unlink()
    done = shop.run("enter", "shop", "--service", "a", "--", "true")
    assert done.returncode == 4
    assert "without --service" in done.stderr
    (shop.directory / "run/shop/place.json").write_text("{}")
    assert shop.run("enter", "shop", "--", "true").returncode == 4


def test_root_is_that_of_the_sandbox_when_it_has_its_own(
    box: Callable[..., Box], rootfs: pathlib.Path
) -> None:
    """There is no Python in it, nor a way out; ids are those of its map."""
    users = "users = { uid_map = '10000 0 1', gid_map = '10000 0 1' }\n"
    for keys in ("", users if os.geteuid() == 0 else ""):
        config = CONFIG.replace("KINDS", "")
        made = box(config.replace("[services", f"rootfs = '{rootfs}'\n{keys}[services"))
        if made.user:
            made.config.write_text(made.config.read_text().replace(" 0 1", f" {made.user} 1"))
        made.start().wait_for_line("a is running")
        look = "pwd; ls -d / /* /.. 2>&1; id -u; grep -E '^(Cap|Groups|Uid)' /proc/self/status"
        usual = made.run("enter", "shop", "--", "sh", "-c", look)
        done = made.run("enter", "--direct", "shop", "--", "sh", "-c", look)
        assert done.returncode == 0, done
        assert done.stdout == usual.stdout
        assert ("10000\n" in done.stdout) is bool(keys)
        assert made.stop() == 0


def test_command_goes_when_who_entered_is_killed(shop: Box) -> None:
    """It gets HUP; what ignores that goes with the sandbox."""
    ready = shop.directory / "ready"
    before = len(processes(shop))
    entered = shop.beside(
        "enter", "--direct", "shop", "--", "sh", "-c", f"touch {ready}; sleep 1000"
    )
    eventually(ready.exists, "the command runs")
    entered.kill()
    entered.wait()
    eventually(lambda: len(processes(shop)) == before, "the command is gone")
    assert is_alive(shop.pid)


@pytest.mark.parametrize("shop", ["", "pid = 'shared'"], indirect=True)
def test_command_ends_when_its_sandbox_does(shop: Box) -> None:
    """Whoever waits for it is told; nobody outlives init in a shared pid namespace either."""
    ready = shop.directory / "ready"
    script = f"trap '' HUP TERM; touch {ready}; sleep 1000"
    entered = shop.beside("enter", "--direct", "shop", "--", "sh", "-c", script)
    eventually(ready.exists, "the command runs")
    assert shop.stop() == 0
    assert entered.wait(20) == 4


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_limits_count_for_the_command_when_its_init_has_a_cgroup(shop: Box) -> None:
    """The cgroups of init are joined before anything is started."""
    own = pathlib.Path("/sys/fs/cgroup/pids", f"nsinit-test-{os.getpid()}")
    try:
        own.mkdir()
    except OSError as error:
        pytest.skip(f"this kernel has no cgroup of pids to write to: {error}")
    try:
        (own / "cgroup.procs").write_text(str(shop.pid))
        done = shop.run("enter", "--direct", "shop", "--", "cat", "/proc/self/cgroup")
        assert f":pids:/{own.name}\n" in done.stdout, done
        assert shop.stop() == 0
    finally:
        own.rmdir()


def test_nothing_is_left_when_the_kernel_refuses(shop: Box) -> None:
    """Each failure is told, with a code of its own; the sandbox goes on."""
    before = processes(shop)
    for fault, code, said in (
        ("setns:EPERM", 77, "the user who started it"),
        ("pidfd_open:ESRCH", 4, "its init has ended"),
        ("fork:ENOMEM@2", 4, "has ended"),
        ("fork:EAGAIN@1", 125, "cannot fork"),
        ("fork:EAGAIN@3", 126, "cannot fork for"),
        ("capset:EPERM", 77, "as powerful"),
    ):
        program = shop.program
        done = shop.with_faults(fault).run("enter", "--direct", "shop", "--", "true")
        shop.program = program
        assert done.returncode == code, (fault, done)
        assert said in done.stderr
        assert processes(shop) == before
    assert shop.run("enter", "shop", "--", "true").returncode == 0


@pytest.fixture
def screen(shop: Box, user: int) -> Iterator[Screen]:
    """A terminal with a shell in the sandbox."""
    if not have("setsid", "setpriv", "stty"):
        pytest.skip("needs setsid, setpriv and stty")
    words = [*NSINIT, "enter", "--direct", "shop"]
    if user == ORDINARY:
        ids = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        words = ["setpriv", *ids, *words]
    keep = {name: shop.env[name] for name in ("NSINIT_RUN_DIR", "HERE")}
    with Screen(words, shop.directory, SHELL="/bin/sh", **keep) as made:
        yield made


def test_shell_has_a_terminal_when_init_hangs(shop: Box, screen: Screen) -> None:
    """With job control, ^C, and the size of the window."""
    screen.wait_for(r"[#$] ")
    with hung(shop):
        screen.resize(33, 99)
        screen.type("hostname; stty size; sleep 1000 &\n")
        screen.wait_for("inside")
        screen.wait_for("33 99")
        screen.type("sh -c 'echo be''gun; exec sleep 1000'\n")
        screen.wait_for("begun")
        screen.type(INTERRUPT)
        screen.wait_for(r"[#$] ")
        screen.type("exit 9\n")
        assert screen.process.wait(20) == 9
