"""A root file system of its own: what is seen in it, and that the host's is out of reach."""

from __future__ import annotations

import os
import pathlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import mountinfo
from tests.support.live import NSINIT, ORDINARY, environment, eventually
from tests.support.roots import main_service, make_root, owned, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

# Whoever may, gets out of a chroot so: a root below the current directory, and up from there.
ESCAPE = """
import os
os.makedirs("/tmp/below", exist_ok=True)
try:
    os.chroot("/tmp/below")
except PermissionError:
    print("no chroot")
for _ in range(64):
    os.chdir("..")
try:
    os.chroot(".")
except PermissionError:
    pass
print("names", *sorted(os.listdir("/")))
"""


@pytest.mark.row(21, 22, 23)
def test_root_is_the_directory_when_a_rootfs_is_named(box: MakeBox, rootfs: pathlib.Path) -> None:
    """Programs are found in it, the usual places are there, and the kernel is the host's."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        + main_service(
            "echo names $(ls /); echo kernel $(uname -r); echo dir $(pwd)\n"
            "echo tmp $(stat -c %a /tmp) $(stat -f -c %T /tmp); echo run $(stat -f -c %T /run)\n"
            "echo shm $(stat -c %a /dev/shm); echo sys $(ls /sys | head -1)\n"
        )
    ).run()
    names = words(done, "names")
    assert {"marker", "bin", "proc", "sys", "dev", "run", "tmp"} <= set(names)
    assert "root" not in names
    assert words(done, "kernel") == [os.uname().release]
    assert words(done, "dir") == ["/"]
    assert words(done, "tmp") == ["1777", "tmpfs"]
    assert words(done, "run") == ["tmpfs"]
    assert words(done, "shm") == ["1777"]
    assert words(done, "sys") == ["block"]


@pytest.mark.row(22)
def test_host_is_out_of_reach_when_the_root_was_changed(box: MakeBox, rootfs: pathlib.Path) -> None:
    """No mount of the host's root is left, and the way out of a chroot leads nowhere."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\ncap_add = "SYS_CHROOT"\n'
        'mounts = ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]\n'
        f"[services.a]\nmain = true\ncommand = ['/usr/bin/python3', '-c', '''{ESCAPE}''']\n"
    ).run()
    names = words(done, "names")
    assert "no chroot" not in done.stdout
    assert "marker" in names
    assert not {"root", "home", "work", "var"} & set(names)
    made = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("echo up; sleep 1000")).start()
    made.wait_for_line("| up")
    seen = mountinfo.read(made.pid)
    numbers = {mount.number for mount in seen}
    assert [m.target for m in seen if m.parent not in numbers] == ["/"]
    assert [m.root for m in seen if m.target == "/"] == [str(rootfs)]
    assert sum(m.target == "/" for m in seen) == 1
    assert (made.root() / "marker").exists()
    assert made.stop() == 143


@pytest.mark.row(14, 15, 16, 12)
def test_own_processes_are_seen_when_proc_is_new(box: MakeBox, rootfs: pathlib.Path) -> None:
    """PID 1 with the parent 0, and nobody of the host's."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        + main_service("ps -e -o pid=,ppid=; echo pids $(cd /proc; echo [0-9]*)")
    ).run()
    pids = words(done, "pids")
    assert pids[0] == "1"
    assert len(pids) < 6
    assert words(done, "1") == ["0"]


@pytest.mark.row(14)
def test_hosts_processes_are_seen_when_the_pid_namespace_is_shared(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """The host's /proc is bound then; so the test itself is seen."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nnamespaces = {{pid = "shared"}}\n'
        + main_service(f"echo seen $(ls -d /proc/{os.getpid()})")
    ).run()
    assert words(done, "seen") == [f"/proc/{os.getpid()}"]


@pytest.mark.row(17, 18, 19)
def test_mounts_are_the_sandboxes_when_it_runs(box: MakeBox, rootfs: pathlib.Path) -> None:
    """The host sees none of them, /proc/PID/mounts has them all; files are made for all to see."""
    before = _seen("self", rootfs)
    made = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("touch /etc/made; echo up; sleep 1000")
    ).start()
    made.wait_for_line("| up")
    assert _seen("self", rootfs) == before
    text = pathlib.Path(f"/proc/{made.pid}/mounts").read_text()
    assert {"/", "/proc", "/dev", "/tmp"} <= {line.split()[1] for line in text.splitlines()}
    assert pathlib.Path(f"/proc/{made.pid}/mountstats").read_text().count("mounted on") > 5
    assert (rootfs / "etc/made").exists()
    assert made.stop() == 143
    assert _seen("self", rootfs) == before
    assert pathlib.Path("/proc/self/status").exists()


@pytest.mark.parametrize("inside", ["private", "slave", "shared"])
@pytest.mark.row(17, 20)
def test_propagation_is_as_asked_when_the_hosts_mounts_are_shared(
    tmp_path: pathlib.Path, inside: str
) -> None:
    """What the host mounts later comes in with a slave; nothing that is mounted inside goes out."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a host whose mounts are shared")
    rootfs = make_root(tmp_path / "root")
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "n.toml").write_text(
        f'[init]\ncontrol = "{tmp_path}/control.sock"\n'
        f'[sandbox]\nrootfs = "{rootfs}"\npropagation = "{inside}"\n'
        f'cap_add = "SYS_ADMIN"\nmounts = ["{disk}:/disk"]\n'
        + main_service(
            "grep / /proc/self/mountinfo > /marker; mount -t tmpfs x /etc; echo up\n"
            "while ! test -e /tmp/end && ! test -e /disk/x/end; do sleep 0.02; done; echo came\n"
        )
    )
    host = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-ec",  # then with nobody else
         f"mount --make-rshared /; mount -t tmpfs t {disk}; echo made; exec sleep 1000"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    there = ["nsenter", f"--target={host.pid}", "--mount"]
    try:
        assert host.stdout is not None
        assert host.stdout.readline() == b"made\n"
        before = _seen(host.pid, tmp_path)
        with (tmp_path / "out").open("w") as out:
            run = subprocess.Popen(
                [*there, *NSINIT, "run", str(tmp_path / "n.toml")],
                env=environment(), stdout=out, stderr=out, cwd=tmp_path,
            )  # fmt: skip
        try:
            eventually(lambda: "up" in (tmp_path / "out").read_text(), "it runs")
            assert _seen(host.pid, tmp_path) == before
            script = f"mkdir {disk}/x && mount -t tmpfs t {disk}/x && touch {disk}/x/end"
            subprocess.run([*there, "sh", "-c", script], check=True)
            if inside == "private":
                init = next(iter(_children(run.pid)))
                assert not pathlib.Path(f"/proc/{init}/root/disk/x/end").exists()
                pathlib.Path(f"/proc/{init}/root/tmp/end").touch()
            assert run.wait(20) == 0
        finally:
            run.kill()
            run.wait()
        tags = {m.target: m.tags for m in mountinfo.parse((rootfs / "marker").read_text())}
        kinds = {tag.partition(":")[0] for tag in tags["/disk"]}
        assert (
            kinds == {"private": set(), "slave": {"master"}, "shared": {"shared", "master"}}[inside]
        )
    finally:
        host.kill()
        host.communicate()


def _seen(pid: int | str, directory: pathlib.Path) -> list[tuple[str, str]]:
    """The mounts of a process that a sandbox might have made; other tests make others."""
    places = {"/", "/proc", "/sys", "/dev", "/dev/shm", "/run", "/tmp", "/etc/hosts"}
    return [
        (m.target, m.root)
        for m in mountinfo.read(pid)
        if m.target in places or str(directory) in m.target + m.root
    ]


def _children(pid: int) -> list[int]:
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_root_can_not_be_written_when_it_is_readonly(box: MakeBox, rootfs: pathlib.Path) -> None:
    """What is mounted in it can."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nreadonly = true\n'
        + main_service("touch /x; echo code $?; touch /tmp/x /run/x /dev/shm/x && echo fine yes")
    ).run()
    assert words(done, "code") == ["1"]
    assert words(done, "fine") == ["yes"]
    assert not (rootfs / "x").exists()


def test_sandbox_is_refused_when_there_is_no_such_root(
    box: MakeBox, tmp_path: pathlib.Path
) -> None:
    """With the name of what is missing, and nothing left."""
    done = box('[sandbox]\nrootfs = "/nowhere/at/all"\n' + main_service("true")).run()
    assert done.returncode == 125
    assert "cannot take /nowhere/at/all as the root: No such file or directory" in done.stderr


def test_targets_are_removed_when_the_sandbox_can_not_be_made(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Those that were made for mounts that came before the one that failed."""
    before = sorted(rootfs.rglob("*"))
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nmounts = ["/nowhere:/deep/down"]\n' + main_service("true")
    ).run()
    assert done.returncode == 125
    assert "cannot bind /nowhere to /deep/down: No such file or directory" in done.stderr
    assert "optional = true" in done.stderr
    assert sorted(rootfs.rglob("*")) == before


@pytest.mark.row(22)
def test_links_of_a_hostile_root_lead_nowhere_when_targets_are_looked_up(
    box: MakeBox, rootfs: pathlib.Path, user: int, tmp_path: pathlib.Path
) -> None:
    """Absolute ones, climbing ones, and those in the middle of a path: all stay in the root."""
    outside = owned(tmp_path / "outside", user)
    for name in ("proc", "dev"):
        (rootfs / name).symlink_to(outside / name)
    (rootfs / "sys").symlink_to(f"../../../../../../..{outside}/sys")
    (rootfs / "data").symlink_to(outside)
    (rootfs / "etc/hosts").symlink_to(outside / "hosts")
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nhostname = "box"\n'
        "mounts = [{type = 'directory', target = '/tmp'}, {type = 'tmpfs', target = '/data/deep'},"
        " {content = 'x', target = '/data/file'}]\n"
        + main_service(f"echo file $(cat {outside}/file); echo up $(ls {outside})")
    ).run()
    assert words(done, "file") == ["x"]
    assert not list(outside.iterdir())
    assert {"deep", "file"} <= set(words(done, "up"))
    assert (rootfs / str(outside).lstrip("/") / "deep").is_dir()


def test_sandbox_is_refused_when_its_proc_would_be_covered(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Init relies on it; here a link lets /dev be mounted over it."""
    (rootfs / "dev").symlink_to("proc")
    done = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("true")).run()
    assert done.returncode == 125
    assert "has taken the place of its /proc" in done.stderr


@pytest.mark.row(15)
def test_reason_is_told_when_proc_is_masked_already(tmp_path: pathlib.Path) -> None:
    """In a container whose /proc has covered parts the kernel allows a user no new one."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a container with a masked /proc")
    rootfs = make_root(owned(tmp_path / "root", ORDINARY), ORDINARY)
    tmp_path.chmod(0o755)
    (tmp_path / "n.toml").write_text(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("true"))
    demote = f"setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups"
    run = " ".join([*NSINIT, "run", str(tmp_path / "n.toml")])
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c",
         f"mount --bind /dev/null /proc/keys && exec {demote} {run}"],
        env=environment(), capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 125
    assert "cannot mount proc on /proc" in done.stderr
    assert "parts of /proc are masked here" in done.stderr
    assert not (rootfs / "proc").exists()
