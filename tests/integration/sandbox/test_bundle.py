"""OCI bundles: what is seen inside, descriptors, terminals, and rubbish."""

from __future__ import annotations

import array
import contextlib
import os
import re
import shutil
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.bundles import CONFIG, make_bundle, write_bundle
from tests.support.live import DEADLINE, ROOT, eventually
from tests.support.roots import main_service

if TYPE_CHECKING:
    import pathlib
    import subprocess
    from collections.abc import Callable

    from tests.support.boxes import Box


@pytest.fixture
def bundle(tmp_path: pathlib.Path, rootfs: pathlib.Path, user: int) -> Callable[..., pathlib.Path]:
    """Make a bundle of that user; its process is a line of a shell."""

    def make(script: str = "", **more: Any) -> pathlib.Path:
        return make_bundle(tmp_path / "pod", rootfs, user, script, **more)

    return make


def run(
    box: Callable[..., Box], bundle: pathlib.Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Run a bundle to its end."""
    return box("", "--bundle", str(bundle), *words).run()


def test_process_is_as_the_bundle_says_when_it_runs(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path], user: int
) -> None:
    """Its streams, ids, names, limits, environment, directory, umask, priorities, powers."""
    script = (
        "id -u; hostname; umask; pwd; echo $A; ulimit -n; echo err >&2;"
        " cat /proc/self/oom_score_adj;"
        " grep -E 'Cap(Prm|Bnd|Inh|Amb)|NoNew|Seccomp:' /proc/self/status;"
        " test -w /marker || echo readonly; cat /proc/keys; ls /sys/firmware | wc -l;"
        " (echo x > /proc/sys/kernel/domainname) 2>/dev/null || echo closed;"
        " ls -1 /proc/self/fd | wc -l; stat -c %a /deep/dir; exit 7"
    )
    made = bundle(
        script, process__cwd="/deep/dir", root__readonly=False, process__oomScoreAdj=100,
        process__env=["PATH=/bin", "A=$HOME ${X}"],
        linux__seccomp={"defaultAction": "SCMP_ACT_ALLOW"},
    )  # fmt: skip
    done = run(box, made)
    assert done.returncode == 7, done.stderr
    mask = f"{1 << 29 | 1 << 5 | 1 << 10:016x}"
    lines = [line.replace("\t", " ") for line in done.stdout.splitlines()]
    assert lines == [
        "0", "box", "0022", "/deep/dir", "$HOME ${X}", "1024", "100",
        f"CapInh: {0:016x}", f"CapPrm: {mask}", f"CapBnd: {mask}", f"CapAmb: {0:016x}",
        "NoNewPrivs: 1", "Seccomp: 2", "0", "closed", "4", "755",
    ]  # fmt: skip
    assert done.stderr.startswith("err\n")


def test_mounts_are_those_of_the_bundle_when_it_runs(
    box: Callable[..., Box],
    bundle: Callable[..., pathlib.Path],
    rootfs: pathlib.Path,
    tmp_path: pathlib.Path,
    user: int,
) -> None:
    """These in this order and no others; flags of a bind, a copy of what is covered, cgroups."""
    (tmp_path / "pod/data").mkdir(parents=True)
    (tmp_path / "pod/data/file").write_text("hello")
    (rootfs / "var/sub").mkdir(parents=True)
    (rootfs / "var/sub/kept").write_text("kept")
    (rootfs / "var/link").symlink_to("sub/kept")
    for path in (tmp_path / "pod", *(rootfs / "var").rglob("*"), rootfs / "var"):
        os.chown(path, user, user, follow_symlinks=False)
    mounts = [
        *CONFIG["mounts"],
        {
            "destination": "/data",
            "source": "data",
            "options": ["rbind", "ro", "rnosuid", "rprivate"],
        },
        {"destination": "/var", "type": "tmpfs", "options": ["tmpcopyup", "mode=711", "nosuid"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro", "nosuid"]},
    ]
    script = (
        "cat /proc/self/mountinfo; cat /data/file; cat /var/link; stat -c %a /var;"
        " test -d /tmp -o -d /run || echo nothing more; ls -l /dev/ptmx; ls /sys/fs/cgroup"
    )
    done = run(box, bundle(script, mounts=mounts))
    assert done.returncode == 0, done.stderr
    found = [line.split()[4:6] for line in done.stdout.splitlines() if " - " in line]
    places = [
        place for place, _ in found if place != "/sys/fs/cgroup" and "/fs/cgroup/" not in place
    ]
    first = ["/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/data", "/var"]
    assert places[: len(first)] == first
    flags = dict(found)
    assert flags["/"].startswith("ro")
    assert {"ro", "nosuid"} <= set(flags["/data"].split(","))
    assert {"rw", "nosuid"} <= set(flags["/var"].split(","))
    for text in ("hello", "kept", "711", "nothing more", "-> pts/ptmx"):
        assert text in done.stdout
    assert re.search(r" /sys/fs/cgroup\S* ro,\S*nosuid", done.stdout)


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_bundle_is_the_main_service_when_a_file_names_it(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    """Beside other services, with what the file says more; a command takes the place of its own."""
    bundle("echo bundle on $(hostname); while test ! -e /dev/shm/b; do sleep 0.05; done; exit 5")
    config = (
        "[services.main]\nlog = 'console'\n"
        "[services.b]\nshell = true\ncommand = 'echo beside; touch /dev/shm/b; exec sleep 1000'\n"
        "[sandbox]\nbundle = '../pod'\nhostname = 'mine'\n"
    )
    done = box(config).run()
    assert done.returncode == 5, done.stderr
    assert "main   | bundle on mine" in done.stdout
    assert "b      | beside" in done.stdout
    other = run(box, tmp_path / "pod", "--name", "pod", "--", "sh", "-c", "echo $TERM; exit 4")
    assert (other.returncode, other.stdout) == (4, "xterm\n"), other.stderr


@pytest.mark.parametrize("user", ["rootless"], indirect=True)
def test_rubbish_is_told_with_its_place_when_it_is_no_bundle(
    box: Callable[..., Box], tmp_path: pathlib.Path, user: int
) -> None:
    """Everything that is wrong with it, and code 78; no sandbox is left."""
    config = {
        **CONFIG,
        "process": {**CONFIG["process"], "cwd": "here", "selinuxLabel": "x"},
        "hooks": {"poststop": [{"path": "relative"}]},
    }
    done = run(box, write_bundle(tmp_path / "pod", config, user))
    assert done.returncode == 78
    for place in ("process.cwd", "process.selinuxLabel", "hooks.poststop[0].path"):
        assert f"pod/config.json: {place}: " in done.stderr
    (tmp_path / "pod/config.json").write_text('{\n"ociVersion": }')
    done = run(box, tmp_path / "pod")
    assert (done.returncode, "pod/config.json:2: not JSON" in done.stderr) == (78, True)
    done = run(box, tmp_path / "none")
    assert (done.returncode, "none/config.json: cannot read" in done.stderr) == (78, True)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_devices_are_made_when_the_bundle_lists_them(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    """With their numbers, modes and owners; ids of a bind as it maps them; the host's network."""
    (tmp_path / "shared").mkdir()
    os.chown(tmp_path / "shared", 0, 0)
    devices = [
        {
            "path": "/dev/one/fuse",
            "type": "c",
            "major": 10,
            "minor": 229,
            "fileMode": 0o640,
            "gid": 5,
        },
        {"path": "/dev/fifo", "type": "p", "uid": 33},
    ]
    row = [{"containerID": 0, "hostID": 33, "size": 1}]
    bind = {
        "destination": "/data", "source": str(tmp_path / "shared"), "options": ["bind"],
        "uidMappings": row, "gidMappings": row,
    }  # fmt: skip
    script = "stat -c '%n %F %t:%T %a %u:%g' /dev/one/fuse /dev/fifo /data"
    made = bundle(
        script, linux__devices=devices, mounts=[*CONFIG["mounts"], bind],
        linux__rootfsPropagation="unbindable",
    )  # fmt: skip
    done = run(box, made)
    assert done.stdout.splitlines() == [
        "/dev/one/fuse character special file a:e5 640 0:5",
        "/dev/fifo fifo 0:0 666 33:0",
        "/data directory 0:0 755 33:33",
    ], done.stderr


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_limits_hold_when_the_bundle_has_resources(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path]
) -> None:
    """In a cgroup of its own, which is what it sees of them; what there is none for is told."""
    resources = {"pids": {"limit": 20}, "rdma": {"x": {"hcaHandles": 1}}}
    cgroups = {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]}
    script = "cd /sys/fs/cgroup; test ! -d pids || cd pids; cat pids.max; ls -d nsinit* 2>/dev/null"
    made = bundle(script, linux__resources=resources, mounts=[*CONFIG["mounts"], cgroups])
    done = run(box, made)
    assert done.stdout == "20\n", done.stderr
    assert "linux.resources.rdma: has no effect" in done.stderr


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_mount_is_refused_when_a_link_of_the_root_leads_into_proc(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path], rootfs: pathlib.Path
) -> None:
    """Who made the root could else have a say in what /proc is for the others (CVE-2019-19921)."""
    (rootfs / "data").symlink_to("/proc/sys")
    mounts = [*CONFIG["mounts"], {"destination": "/data", "type": "tmpfs"}]
    done = run(box, bundle("echo ran", mounts=mounts))
    assert (done.returncode, done.stdout) == (125, "")
    assert "/data leads into /proc" in done.stderr


# --- Descriptors and terminals --------------------------------------------------------------------


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_descriptors_are_passed_when_they_are_to_be_preserved(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path]
) -> None:
    """By their numbers; those that are not open are told before anything is done."""
    made = bundle("cat <&3; cat <&4; ls /proc/self/fd | wc -l")
    shell = 'exec "$@" 3<<<three 4<<<four 5<<<five'
    typed = box("").with_descriptors()
    words = [*typed.program, "run", "--preserve-fds"]
    typed.program = ["bash", "-c", shell, "bash"]
    done = typed.run(*words, "2", "--bundle", str(made))
    assert done.stdout == "three\nfour\n6\n", done.stderr
    done = typed.run(*words, "9", "--bundle", str(made))
    assert (done.returncode, "descriptor 6 is not open" in done.stderr) == (2, True)


class Receiver:
    """What `recvtty` of runc does: the terminal that comes over a socket."""

    def __init__(self, path: pathlib.Path, user: int) -> None:
        self.seen = ""
        self.master = -1
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        os.chown(path, user, user)

    def receive(self) -> str:
        """Wait for it; what it is called."""
        self._listener.settimeout(DEADLINE)
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(DEADLINE)
            name, fds, _, _ = socket.recv_fds(connection, 4096, 1)
            assert connection.recv(1) == b"", "nobody keeps the other end"
        (self.master,) = fds
        os.set_blocking(self.master, False)
        return name.decode()

    def wait_for(self, text: str) -> None:
        """Read until that is there."""

        def has() -> bool:
            with contextlib.suppress(BlockingIOError, OSError):
                self.seen += os.read(self.master, 4096).decode()
            return text in self.seen

        eventually(has, f"{text!r} in {self.seen!r}")

    def close(self) -> None:
        """Hang up."""
        self._listener.close()
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def receiver(tmp_path: pathlib.Path, user: int) -> Any:
    """One at the path "tty"."""
    made = Receiver(tmp_path / "tty", user)
    yield made
    made.close()


def test_terminal_is_sent_when_there_is_a_console_socket(
    box: Callable[..., Box],
    bundle: Callable[..., pathlib.Path],
    receiver: Receiver,
    tmp_path: pathlib.Path,
) -> None:
    """It is one of the container's devpts, controls the process, is its console, has the size."""
    made = bundle(
        process__terminal=True, process__args=["sh", "-i"], process__env=["PATH=/bin", "PS1=% "],
        process__consoleSize={"height": 31, "width": 97},
    )  # fmt: skip
    started = box("", "--bundle", str(made), "--console-socket", str(tmp_path / "tty")).start()
    assert receiver.receive() == "/dev/ptmx"
    assert array.array("H", _window(receiver.master)).tolist()[:2] == [31, 97]
    receiver.wait_for("% ")
    typed = (
        "ls -l /proc/self/fd/0; test -t 0 && echo is''tty; (echo on''console > /dev/console);"
        " sh -c 'echo on\"\"tty > /dev/tty; exec sleep 1000'\n"
    )
    os.write(receiver.master, typed.encode())
    for text in ("-> /dev/pts/0", "istty", "onconsole", "ontty"):
        receiver.wait_for(text)
    receiver.seen = ""
    os.write(receiver.master, b"\x03")
    receiver.wait_for("% ")
    os.write(receiver.master, b"echo a''gain; exit 3\n")
    receiver.wait_for("again")
    assert started.wait() == 3
    assert "again" not in started.said()


def _window(fd: int) -> bytes:
    import fcntl
    import termios

    return fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_console_socket_is_told_when_it_is_of_no_use(
    box: Callable[..., Box], bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    """Without a terminal, a listener, a bundle; a terminal that nobody asks for is init's."""
    plain, path = bundle("true"), str(tmp_path / "tty")
    done = run(box, plain, "--console-socket", path)
    assert (done.returncode, "has no terminal" in done.stderr) == (2, True)
    done = box(main_service("true") + "[sandbox]\n", "--console-socket", path).run()
    assert (done.returncode, "nsinit run --bundle" in done.stderr) == (2, True)
    terminal = bundle("test -t 0 && echo is a tty; exit 6", process__terminal=True)
    done = run(box, terminal, "--console-socket", path)
    assert (done.returncode, f"cannot connect to {path}" in done.stderr) == (125, True)
    done = run(box, terminal)
    assert (done.returncode, "is a tty" in done.stdout) == (6, True), done.stderr


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_example_works_when_run(box: Callable[..., Box], tmp_path: pathlib.Path) -> None:
    """config/bundle.toml: the process of a bundle, and a service beside it."""
    shutil.copytree(ROOT / "config/bundle", tmp_path / "bundle", symlinks=True)
    shutil.copy(ROOT / "config/bundle.toml", tmp_path / "bundle.toml")
    made = box("", str(tmp_path / "bundle.toml")).start()
    made.wait_for_line("this is box, and I am root")
    made.wait_for_line("beside it on box")
    assert made.stop() == 128 + signal.SIGTERM
    done = run(box, tmp_path / "bundle", "--", "sh", "-c", "hostname; ls /")
    assert done.stdout.split() == ["pod", "bin", "dev", "etc", "lib", "lib64", "proc", "usr"]
