"""One more command in a sandbox: its place, its parent, its terminal, its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ORDINARY, eventually, have, is_alive
from tests.support.powers import DEFAULT, read_powers
from tests.support.terminal import INTERRUPT, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

CONFIG = """
keep_running = true
environment = { COLOUR = "blue" }
[sandbox]
name = "shop"
hostname = "inside"
[services.a]
command = "sleep 1000"
min_uptime = 0
working_dir = "/usr"
environment = { SIZE = "big" }
[services.off]
autostart = false
command = "sleep 1000"
"""


@pytest.fixture
def shop(box: Callable[..., Box]) -> Box:
    """A sandbox that runs."""
    made = box(CONFIG).start()
    made.wait_for_line("a is running")
    return made


@pytest.mark.row(65)
def test_command_is_inside_when_it_enters(shop: Box) -> None:
    """A child of the sandbox's init, in its namespaces, with its environment."""
    script = "hostname; readlink /proc/self/ns/pid /proc/self/ns/mnt; ps -o ppid= $$; echo $COLOUR"
    done = shop.run("enter", "shop", "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    name, pids, mounts, parent, colour = done.stdout.split()
    assert (name, parent, colour) == ("inside", "1", "blue")
    assert (pids, mounts) == (shop.namespace("pid"), shop.namespace("mnt"))


@pytest.mark.row(65)
def test_command_needs_no_service_when_it_enters(shop: Box) -> None:
    """Where everything is stopped a command can still be run."""
    assert shop.run("ctl", "-s", "shop", "stop", "a").returncode == 0
    assert shop.run("enter", "shop", "--", "echo", "in").stdout == "in\n"
    assert shop.stop() == 0


@pytest.mark.row(65)
def test_command_has_the_place_of_a_service_when_one_is_named(shop: Box) -> None:
    """Its directory and environment, whether it runs or not."""
    for name, seen in (("a", "/usr big a"), ("off", f"{shop.directory} off")):
        script = "echo $PWD $SIZE $NSINIT_SERVICE"
        done = shop.run("enter", "shop", "--service", name, "--", "sh", "-c", script)
        assert done.stdout.strip() == seen, done


ENDS: list[tuple[list[str], int, str]] = [
    (["shop", "--", "sh", "-c", "exit 7"], 7, ""),
    (["shop", "--", "sh", "-c", "kill -9 $$"], 137, ""),
    (["shop", "--", "no-such-command"], 127, "no-such-command"),
    (["shop", "--", "/etc"], 126, "/etc"),
    (["shop", "--user", "no-such-user", "--", "true"], 127, "no-such-user"),
    (["shop", "--service", "b", "--", "true"], 4, "b"),
    (["shop", "--service", "a", "--user", "root", "--", "true"], 2, "either"),
    (["shop", "-t", "-T"], 2, "either"),
    (["shop", "true", "-x"], 2, "nsinit enter --help"),
    ([], 2, "nsinit enter --help"),
    (["nobody"], 4, "nobody"),
]


def test_code_is_that_of_the_command_when_it_ends(shop: Box) -> None:
    """Or says why there was none."""
    for words, code, said in ENDS:
        done = shop.run("enter", *words)
        assert done.returncode == code, done
        assert said in done.stderr


@pytest.mark.row(65)
def test_command_has_another_user_when_asked_for(shop: Box, user: int) -> None:
    """By number or name; in a map of one id there is no other."""
    done = shop.run("enter", "shop", "--user", "12345:54321", "--", "id")
    if user == 0:
        assert done.stdout.startswith("uid=12345 gid=54321"), done
    else:
        assert done.returncode == 126, done
        assert "cannot" in done.stderr


@pytest.mark.row(65)
def test_command_is_confined_when_it_enters(shop: Box) -> None:
    """As services are: no powers of init's, no new ones, and the filter of system calls."""
    done = shop.run("enter", "shop", "--", "cat", "/proc/self/status")
    seen = read_powers(done.stdout.splitlines())
    assert (seen.permitted, seen.bounding, seen.no_new_privs) == (DEFAULT, DEFAULT, True)
    assert "Seccomp:\t2\n" in done.stdout


@pytest.mark.row(65)
def test_input_and_output_are_those_of_the_caller_when_it_enters(shop: Box) -> None:
    """Apart, and whole; a shell reads its commands from there if none is given."""
    done = shop.run("enter", "shop", text="echo out; echo err >&2; exit 3\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_command_ends_when_its_sandbox_is_stopped(shop: Box) -> None:
    """And who waits for it is told."""
    ready = shop.directory / "ready"
    entered = shop.beside("enter", "shop", "--", "sh", "-c", f"touch {ready}; exec sleep 1000")
    eventually(ready.exists, "the command runs")
    assert shop.stop() == 0
    assert entered.wait(20) != 0


@pytest.mark.row(65)
def test_command_goes_when_who_entered_is_killed(shop: Box) -> None:
    """The end of the connection is HUP for it."""
    ready = shop.directory / "ready"
    script = f"echo $$ > {ready}; exec sleep 1000"
    entered = shop.beside("enter", "shop", "--", "sh", "-c", script)
    eventually(lambda: ready.exists() and ready.read_text().strip(), "the command runs")
    inner = int(ready.read_text())
    assert (shop.root() / f"proc/{inner}").exists()
    entered.kill()
    entered.wait()
    eventually(lambda: not (shop.root() / f"proc/{inner}").exists(), "the command is gone")
    assert is_alive(shop.pid)


@pytest.fixture
def screen(shop: Box, user: int) -> Iterator[Screen]:
    """A terminal with a shell in the sandbox."""
    if not have("setsid", "setpriv", "stty"):
        pytest.skip("needs setsid, setpriv and stty")
    words = [*NSINIT, "enter", "shop"]
    if user == ORDINARY:
        ids = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        words = ["setpriv", *ids, *words]
    keep = {name: shop.env[name] for name in ("NSINIT_RUN_DIR", "HERE")}
    with Screen(words, shop.directory, SHELL="/bin/sh", **keep) as made:
        yield made


@pytest.mark.row(65)
def test_shell_has_a_terminal_when_a_person_enters(screen: Screen) -> None:
    """Of its own, with job control; its size is that of the window; ^C; the code at the end."""
    screen.wait_for(r"[#$] ")
    screen.resize(33, 99)
    screen.type("hostname; tty; stty size\n")
    screen.wait_for("inside")
    screen.wait_for("/dev/pts/|not a tty")
    screen.type("sh -c 'echo be''gun; exec sleep 1000'\n")
    screen.wait_for("begun")
    screen.type(INTERRUPT)
    screen.wait_for(r"[#$] ")
    screen.type("exit 9\n")
    assert screen.process.wait(20) == 9


def test_terminal_is_the_callers_own_when_none_is_to_be_made(shop: Box) -> None:
    """-t makes one for a script too."""
    assert shop.run("enter", "shop", "--", "test", "-t", "0").returncode == 1
    assert shop.run("enter", "shop", "-t", "--", "test", "-t", "0").returncode == 0
    assert os.path.exists(shop.socket)
