"""One service with namespaces, a root and mounts of its own; the others see nothing of it."""

from __future__ import annotations

import os
import pathlib
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ORDINARY, ROOT, Way, eventually, status_field
from tests.support.roots import make_root

if TYPE_CHECKING:
    from tests.integration.conftest import Start

pytestmark = pytest.mark.every_way

OTHER = "[services.b]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"


def _owner(way: Way) -> int:
    return ORDINARY if way == "rootless" and os.geteuid() == 0 else os.geteuid()


def _service(text: str, command: str) -> str:
    return f"{OTHER}[services.a]\nshell = true\ncommand = '''{command}'''\n{text}\n"


def _namespace(pid: int, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def test_service_has_namespaces_of_its_own_when_asked(start: Start) -> None:
    """The inodes differ from init's, and only those that were named."""
    kinds = '{net = "new", ipc = "new", uts = "new", pid = "new"}'
    init = start(_service(f"namespaces = {kinds}", "echo i am $$$$; exec sleep 1000"))
    service, other = init.wait_for("a", "running")["pid"], init.wait_for("b", "running")["pid"]
    pids = {"a": _outside(init.pid, service), "b": _outside(init.pid, other)}
    for kind in ("net", "ipc", "uts", "pid", "mnt"):
        assert _namespace(pids["a"], kind) != _namespace(pids["b"], kind), kind
    assert _namespace(pids["a"], "cgroup") == _namespace(pids["b"], "cgroup")
    for kind in ("net", "ipc", "uts", "pid", "mnt", "user"):
        assert _namespace(pids["b"], kind) == _namespace(init.pid, kind), kind
    assert "i am 1" in init.said()
    assert {fields[0] for fields in _interfaces(pids["a"])} == {"lo:"}


def _interfaces(pid: int) -> list[list[str]]:
    return [
        line.split() for line in pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    ]


def _outside(init: int, pid: int) -> int:
    """The pid that the test knows a process by, from that which init knows it by."""
    if status_field(init, "NSpid").split()[-1] != "1":
        return pid
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            known = status_field(int(path.name), "NSpid").split()
        except (OSError, AssertionError, StopIteration):
            continue
        depth = len(status_field(init, "NSpid").split())
        same = len(known) >= depth and known[depth - 1] == str(pid)
        if same and _ancestor(int(path.name), init):
            return int(path.name)
    raise AssertionError(f"no process {pid} below {init}")


def _ancestor(pid: int, of: int) -> bool:
    while pid > 1:
        pid = int(status_field(pid, "PPid"))
        if pid == of:
            return True
    return False


def test_service_runs_in_its_own_root_when_it_has_one(
    start: Start, way: Way, tmp_path: pathlib.Path
) -> None:
    """Its program, its users and its directory are looked up there; nsinit is still reached."""
    root = make_root(tmp_path / "root", _owner(way))
    init = start(
        _service(
            f'rootfs = "{root}"\nworking_dir = "/etc"\nready = {{notify = true}}\n'
            "notify_access = 'all'\n"
            if False
            else f'rootfs = "{root}"\nworking_dir = "/etc"\n',
            "cat /marker; pwd; ls -d /home || echo no home; test -S $NOTIFY_SOCKET && echo socket;"
            " exec sleep 1000",
        )
    )
    init.wait_for("a", "running")
    eventually(lambda: "no home" in init.said(), "it has spoken")
    assert "this is the root of the test" in init.said()
    assert "/etc" in init.said()


def test_service_can_notify_when_it_has_its_own_root(
    start: Start, way: Way, tmp_path: pathlib.Path
) -> None:
    """The socket of init is in its root too; who runs beside it is in that root as well."""
    root = make_root(tmp_path / "root", _owner(way))
    python = os.path.realpath(sys.executable)
    (root / "say.py").write_text(
        "import os, socket, time\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\n"
        "time.sleep(1000)\n"
    )
    mounts = [path for path in ("/usr", "/lib", "/lib64", sys.base_prefix) if os.path.isdir(path)]
    init = start(
        f"{OTHER}[services.a]\ncommand = ['{python}', '-IS', '/say.py']\n"
        f'rootfs = "{root}"\nready = {{notify = true}}\nmounts = {mounts}\n'
    )
    init.wait_for("a", "running")
    assert "the root of the test" in init.ctl("exec", "a", "--", "cat", "/marker").stdout


def test_mounts_are_seen_by_their_service_only_when_it_has_some(start: Start) -> None:
    """A file, a tmpfs and a read-only bind; its probe runs in the same place."""
    mounts = (
        '[{type = "tmpfs", target = "/mnt"}, {type = "file", target = "/mnt/x", content = "hi"}]'
    )
    init = start(
        _service(
            f"mounts = {mounts}\nready = {{exec = 'grep hi /mnt/x'}}",
            "cat /mnt/x && echo; exec sleep 1000",
        )
    )
    init.wait_for("a", "running")
    assert "| hi" in init.said()
    assert not pathlib.Path("/mnt/x").exists()
    done = init.ctl("exec", "a", "--", "cat", "/mnt/x")
    assert done.stdout == "hi"
    done = init.ctl("exec", "b", "--", "cat", "/mnt/x", check=False)
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('namespaces = {net = "/no/such"}', "open the net namespace /no/such"),
        ('namespaces = {net = "/dev/null"}', "name a file such as /proc/1/ns/net"),
        ('rootfs = "/no/such"', "/no/such"),
        ('mounts = ["/no/such:/mnt"]', "/no/such"),
    ],
)
def test_service_fails_with_the_step_when_that_can_not_be_taken(
    start: Start, text: str, words: str
) -> None:
    """Nothing of it runs, the others go on."""
    init = start(_service(f"{text}\nrestart = 'no'", "echo never"))
    failed = init.wait_for("a", "failed")
    assert words in failed["reason"], failed
    assert "| never" not in init.said()
    init.wait_for("b", "running")


def test_service_is_root_of_its_own_users_when_it_has_some(start: Start) -> None:
    """With no more power over the rest than init has."""
    keys = 'namespaces = {user = "new", uts = "new"}\ncap_add = "SYS_ADMIN"'
    init = start(_service(keys, "id -u; exec sleep 1000"))
    pid = _outside(init.pid, init.wait_for("a", "running")["pid"])
    assert "| 0\n" in init.said()
    assert _namespace(pid, "user") != _namespace(init.pid, "user")
    done = init.ctl("exec", "a", "--", "sh", "-c", "hostname own-name && hostname")
    assert done.stdout == "own-name\n"
    assert os.uname().nodename != "own-name"


def test_example_runs_when_started_as_it_says(start: Start) -> None:
    """`config/own.toml`."""
    init = start((ROOT / "config/own.toml").read_text())
    for name in ("scratch", "alone"):
        init.wait_for(name, "running")
    eventually(lambda: "I am process 1, with lo" in init.said(), "it is alone")
    assert "| only I can read this" in init.said()
    assert "mine" in init.ctl("exec", "scratch", "--", "ls", "/srv").stdout
