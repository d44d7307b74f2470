"""What a service in a sandbox can't reach: init, its program, the launcher and what that was given.

Each attempt opens and closes at most; nothing is changed where it succeeds.
"""

from __future__ import annotations

import os
import pathlib
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_sockets import free_port
from tests.support import boxes
from tests.support.live import DEADLINE, NSINIT, children, have
from tests.support.powers import Powers, read_powers
from tests.support.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    Make = Callable[..., Box]

PYTHON = [sys.executable, "-I", "-S", "-c"]


def _config(program: str, keys: str = "", sandbox: str = "") -> str:
    words = ", ".join(f'"{word}"' for word in PYTHON)
    return f"""
[sandbox]
{sandbox}
[services.a]
main = true
command = [{words}, '''{program}''']
{keys}
"""


def _output(made: Box) -> str:
    done = made.run()
    assert done.returncode == 0, done
    return done.stdout


# --- Init -----------------------------------------------------------------------------------------

# What of another process is open to who may trace it, ptrace(2).
LOOK = """
import os
for name in ("exe", "root", "cwd", "fd/0", "task/1/fd/0", "ns/pid", "mem", "environ", "maps"):
    path = "/proc/1/" + name
    tries = [lambda: os.close(os.open(path, os.O_RDONLY))]
    if name in ("environ", "maps"):
        tries = [lambda: os.read(os.open(path, os.O_RDONLY), 1)]
    if "/" in name or name in ("exe", "root", "cwd"):
        tries.append(lambda: os.readlink(path))
    for one in tries:
        try:
            one()
            print("OPEN", name)
        except PermissionError:
            print("closed", name)
"""
TRIES = 15
SETS = """
print([line for line in open("/proc/self/status") if line.startswith(("Cap", "NoNew"))])
"""


@pytest.mark.parametrize("keys", ["", "cap_drop = 'ALL'", "cap_add = ['NET_ADMIN', 'BPF']"])
def test_init_is_closed_to_root_of_the_sandbox(box: Make, keys: str) -> None:
    """CVE-2019-5736: its program and its libraries are files of the host; trap 1."""
    out = _output(box(_config(LOOK, keys)))
    assert "OPEN" not in out
    assert out.count("closed") == TRIES, out


def test_init_is_closed_when_a_service_has_every_capability(box: Make) -> None:
    """Also CAP_SYS_PTRACE, as far as it counts in a user namespace."""
    out = _output(box(_config(LOOK, "cap_add = 'ALL'", "namespaces = {user = 'new'}")))
    assert "OPEN" not in out
    assert out.count("closed") == TRIES


@pytest.mark.parametrize("user", ["rootless"], indirect=True)
def test_namespaces_of_init_are_open_to_its_owner_when_rootless(box: Make, user: int) -> None:
    """They can be joined by the user of the host who made them; root may do that anyway."""
    made = box(_config("import time; print('here', flush=True); time.sleep(1000)")).start()
    made.wait_for_line("here")
    assert os.stat(f"/proc/{made.pid}/environ").st_uid == user


# --- What the launcher was given ------------------------------------------------------------------

FDS = """
import os
before = {int(name) for name in os.listdir("/proc/self/fd")}
print("fds", sorted(fd for fd in before if os.path.exists(f"/proc/self/fd/{fd}")))
print("cwd", os.getcwd(), os.readlink("/proc/self/cwd"))
"""


@pytest.fixture
def through(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Have nsinit started by a program that does something before, which is returned."""

    def use(before: str) -> list[str]:
        script = tmp_path / "before.py"
        script.write_text(f"import os, sys\n{before}\nos.execv(sys.argv[1], sys.argv[1:])\n")
        script.chmod(0o644)
        command = [sys.executable, str(script), *NSINIT]
        monkeypatch.setattr(boxes, "NSINIT", command)
        return command

    return use


def test_descriptor_is_not_leaked_when_the_launcher_was_given_some(
    box: Make, through: Callable[[str], list[str]]
) -> None:
    """CVE-2024-21626, trap 3: a service has 0 to 2, and its directory is below its root."""
    through(
        "for fd in range(3, 12):\n"
        "    at = os.open('/etc', os.O_RDONLY | os.O_DIRECTORY)\n"
        "    os.set_inheritable(at, True)\n"
    )
    out = _output(box(_config(FDS)))
    assert "fds [0, 1, 2]\n" in out
    cwd = out.split("cwd ")[1].split()
    assert cwd[0] == cwd[1]
    assert "unreachable" not in out


def test_working_directory_is_refused_when_it_leads_out(
    box: Make, through: Callable[[str], list[str]]
) -> None:
    """By a descriptor of init's: it is one of the host's directories. By itself or by a link."""
    through("os.set_inheritable(os.open('/etc', os.O_RDONLY | os.O_DIRECTORY), True)\n")
    done = box(_config(FDS, "working_dir = '/proc/self/fd/3'")).run()
    assert done.returncode == 78
    assert "services.a.working_dir: leads out of the sandbox" in done.stderr
    made = box(_config(FDS, "working_dir = '${HERE}/link'"))
    (made.directory / "link").symlink_to("/proc/self/fd/3")
    done = made.run()
    assert "cwd" not in done.stdout  # the descriptor was closed before there was an init
    assert "cannot enter" in done.stderr


# --- Keys -----------------------------------------------------------------------------------------

KEYCTL, ADD_KEY = (f"ctypes.c_long({number})" for number in ({"x86_64": (250, 248)}.get(
    os.uname().machine, (219, 217))))  # fmt: skip
SESSION = "ctypes.c_long(-3)"
SEARCH = f"""
import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
found = call({KEYCTL}, ctypes.c_long(10), {SESSION}, b"user", b"nsinit-test", ctypes.c_long(0))
print("found" if found > 0 else "none")
"""


def test_keys_of_the_launcher_are_not_found_inside(
    box: Make, through: Callable[[str], list[str]]
) -> None:
    """Trap 9: the session keyring is another; without a sandbox the key is there.

    Also to who may ask for it, which the filter of system calls lets nobody by default.
    """
    through(
        "import ctypes\n"
        "call = ctypes.CDLL(None, use_errno=True).syscall\n"
        f"assert call({KEYCTL}, ctypes.c_long(1), None) > 0\n"
        f"added = call({ADD_KEY}, b'user', b'nsinit-test', b'x', ctypes.c_long(1), {SESSION})\n"
        "assert added > 0\n"
    )
    config = _config(SEARCH, "seccomp = 'unconfined'")
    assert "none\n" in _output(box(config))
    assert "found\n" in _output(box(config.replace("[sandbox]", "")))


# --- Terminals ------------------------------------------------------------------------------------

PUSH = """
import fcntl, termios, time
try:
    for letter in b"echo pushed\\n":
        fcntl.ioctl(1, termios.TIOCSTI, bytes([letter]))
    print("PUSHED")
except OSError as error:
    print("refused", error.errno)
try:
    open("/dev/tty").close()
    print("TERMINAL")
except OSError:
    print("no terminal")
"""


def test_terminal_of_the_launcher_is_not_typed_at_from_inside(
    tmp_path: pathlib.Path, user: int
) -> None:
    """Trap 8: on the terminal itself, as stdout, a service is in another session."""
    config = tmp_path / "n.toml"
    config.write_text(
        f"[init]\ncontrol = '{tmp_path}/control.sock'\n" + _config(PUSH, "log = 'inherit'")
    )
    os.chown(tmp_path, user, user)
    words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
    command = [*(words if user != os.geteuid() else []), *NSINIT, "run", str(config)]
    with Screen(command, tmp_path, XDG_RUNTIME_DIR=str(tmp_path)) as screen:
        screen.wait_for("refused 1\\s")
        screen.wait_for("no terminal")


def test_init_has_a_session_of_its_own_when_it_runs(box: Make) -> None:
    """So have its services: neither is reached by what is typed where the launcher runs."""
    made = box("[sandbox]\n[services.a]\ncommand = 'sleep 1000'\n").start()
    made.wait_for_line("a is running")
    assert made.process is not None
    pids = [made.process.pid, made.pid, *children(made.pid)]
    assert len(pids) == len({os.getsid(pid) for pid in pids}) == 3
    assert made.stop() == 0


# --- After a re-exec ------------------------------------------------------------------------------


@pytest.mark.skipif(not have("setpriv"), reason="needs setpriv of util-linux")
@pytest.mark.parametrize("lacking", ["", "sys_ptrace"])
def test_all_is_closed_again_when_init_was_replaced(
    box: Make, user: int, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exec gives root its bounding set and makes it dumpable; guests are confined anew.

    An init that lacks what its services lack is closed to them by not being dumpable alone.
    """
    if lacking and not user:
        drop = ["setpriv", f"--bounding-set=-{lacking}", f"--inh-caps=-{lacking}", "--"]
        monkeypatch.setattr(boxes, "NSINIT", [*drop, *NSINIT])
    port = free_port()
    words = ", ".join(f'"{word}"' for word in PYTHON)
    made = box(
        f"""
[sandbox]
[services.a]
command = [{words}, '''{LOOK}{SETS}''']
sockets = [{{listen = "tcp:127.0.0.1:{port}", accept = true}}]
"""
    ).start()

    def look() -> str:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def kept() -> Powers:
        with open(f"/proc/{made.pid}/status") as file:
            return read_powers(file)

    made.wait_for_line("a is running")
    looks, before = look(), kept()
    assert "OPEN" not in looks
    assert looks.count("closed") == TRIES
    assert ("SYS_PTRACE" in before.permitted) is not (bool(lacking) and not user)
    made.client.reexec()
    made.wait_for_line("goes on after an exec")
    assert look() == looks
    assert kept()[:5] == before[:5]


def test_launcher_and_init_hold_nothing_when_they_were_given_descriptors(box: Make) -> None:
    """Not even init has a way out of the root, and nobody's pipe is held open."""
    given = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        made = box("[sandbox]\n[services.a]\ncommand = 'sleep 1000'\n").with_descriptors(given)
        made.start().wait_for_line("a is running")
        assert made.process is not None
        for pid in (made.pid, made.process.pid):
            links = [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            assert "/etc" not in links, links
        assert made.stop() == 0
    finally:
        os.close(given)
