"""`nsinit ns` as it is typed: real namespaces, listed, compared, kept and let go."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.ns import KINDS, VERBS
from nsinit.kernel import libc, namespaces
from nsinit.sandbox import census
from tests.support.live import NSINIT, ORDINARY, children, environment, eventually, status_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Type

LIMITS = "/proc/sys/user"


@contextlib.contextmanager
def unshared(*options: str) -> Iterator[int]:
    """The pid of a process in new namespaces."""
    process = subprocess.Popen(["unshare", *options, "sleep", "1000"], start_new_session=True)
    try:
        pid = process.pid
        if "--fork" in options:
            pid = eventually(lambda: children(process.pid), "it has forked")[0]
        eventually(lambda: status_field(pid, "Name") == "sleep", "it sleeps")
        yield pid
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def needs_root() -> None:
    """Skips unless root."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes namespaces and mounts")


def rows(text: str, kind: str) -> list[list[str]]:
    """The rows of a table for one kind."""
    return [line.split() for line in text.splitlines() if kind in line.split()[:2]]


def inode(pid: int, name: str) -> int:
    """As /proc has it."""
    return os.stat(f"/proc/{pid}/ns/{name}").st_ino


def test_kinds_are_all_when_listed() -> None:
    """Those of the kernel's layer, in its order."""
    assert tuple(namespaces.FLAGS) == KINDS == census.KINDS


@pytest.mark.row(51)
def test_own_namespaces_are_listed_when_asked_for(typed: Type) -> None:
    """Inode, kind, who is in it, and whose it is: as a table and as JSON."""
    with unshared("-Ur", "--uts") as pid:
        done = typed("ns", "list", str(pid), "--json")
        assert done.returncode == 0, done
        found = {one["kind"]: one for one in json.loads(done.stdout)}
        assert list(found) == list(KINDS)
        for kind, one in found.items():
            assert one["inode"] == inode(pid, "mnt" if kind == "mount" else kind)
        new, user = found["uts"], found["user"]
        assert (new["processes"], new["pid"], new["command"]) == (1, pid, "sleep 1000")
        assert new["owner"] == user["inode"]
        assert user["owner"] == inode(os.getpid(), "user")
        assert user["uid"] == new["uid"] == os.geteuid()
        assert found["ipc"]["processes"] > 1
        table = typed("ns", "list", str(pid)).stdout
        assert rows(table, "uts")[0][:4] == [str(new["inode"]), "uts", "1", str(pid)]
        only = typed("ns", "list", "--kind", "uts").stdout
        assert str(new["inode"]) in only
        assert str(user["inode"]) not in only


@pytest.mark.row(51)
def test_processes_are_compared_when_two_are_named(typed: Type) -> None:
    """Pid and uts differ, and pid_for_children with pid; the others are the same."""
    with unshared("-Ur", "--uts", "--pid", "--fork") as pid:
        done = typed("ns", "compare", str(os.getpid()), str(pid), "--json")
        assert done.returncode == 1, done
        differ = {one["kind"] for one in json.loads(done.stdout) if not one["same"]}
        assert differ == {"user", "uts", "pid", "pid_for_children"}
        table = typed("ns", "compare", str(os.getpid()), str(pid)).stdout
        assert "differs" in rows(table, "uts")[0]
        assert "same" in rows(table, "ipc")[0]
        assert rows(table, "uts")[0][2:] == [str(inode(os.getpid(), "uts")), str(inode(pid, "uts"))]
        assert typed("ns", "compare", str(pid), str(pid)).returncode == 0


@pytest.mark.row(57)
def test_kinds_are_told_when_asked_which_are_supported(typed: Type) -> None:
    """As /proc/self/ns has them, with the limits of this user namespace."""
    found = json.loads(typed("ns", "supported", "--json").stdout)
    assert [one["kind"] for one in found] == list(KINDS)
    for one in found:
        name = {"mount": "mnt"}.get(one["kind"], one["kind"])
        assert one["supported"] == pathlib.Path(f"/proc/self/ns/{name}").exists()
        assert one["limit"] == int(pathlib.Path(f"{LIMITS}/max_{name}_namespaces").read_text())
    assert rows(typed("ns", "supported").stdout, "user")[0][1] == "yes"


@pytest.mark.row(52, 53)
@pytest.mark.usefixtures("needs_root")
@pytest.mark.parametrize(("kind", "option"), [("uts", "--uts"), ("net", "--net"), ("ipc", "--ipc")])
def test_namespace_lives_on_when_a_file_holds_it(
    typed: Type, tmp_path: pathlib.Path, kind: str, option: str
) -> None:
    """Its last process is gone, somebody enters it by the file, and then it is let go."""
    path = tmp_path / kind
    try:
        with unshared(option) as pid:
            number = inode(pid, kind)
            done = typed("ns", "pin", str(pid), kind, str(path))
            assert (done.returncode, done.stderr) == (0, "")
        assert path.stat().st_ino == number
        found = json.loads(typed("ns", "list", "--kind", kind, "--json").stdout)
        kept = next(one for one in found if one["inode"] == number)
        assert (kept["processes"], kept["pid"], kept["pins"]) == (0, None, [str(path)])
        assert f"held by {path}" in typed("ns", "list").stdout
        entered = subprocess.run(
            ["nsenter", f"{option}={path}", "readlink", f"/proc/self/ns/{kind}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert str(number) in entered.stdout
        again = typed("ns", "pin", str(os.getpid()), kind, str(path))
        assert again.returncode == 1
        assert "holds a namespace already" in again.stderr
        done = typed("ns", "unpin", str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert not path.exists()
    finally:
        subprocess.run(["umount", path], check=False, capture_output=True)


@pytest.mark.row(54)
@pytest.mark.usefixtures("needs_root")
def test_pid_namespace_is_not_kept_when_its_first_process_is_dead(
    typed: Type, tmp_path: pathlib.Path
) -> None:
    """As a zombie it still has its namespaces; but nobody can ever be in this one again."""
    pid, pidfd = libc.clone3(libc.CLONE_NEWPID, signal.SIGCHLD)
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
        done = typed("ns", "pin", str(pid), "pid", str(tmp_path / "p"))
        assert done.returncode == 1
        assert "nobody can be in it any more" in done.stderr
        assert not (tmp_path / "p").exists()
    finally:
        os.waitpid(pid, 0)
        os.close(pidfd)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "hint: nsinit ns --help"), (["--help"], 0, "nsinit ns pin shop net"),
        (["lst"], 2, 'did you mean "list"?'), (["list", "--kind", "nett"], 2, '"net"'),
        (["list", "4194999"], 4, "there is no process 4194999"),
        (["list", "99999999999999999999"], 4, "there is no process"),
        (["compare", "1"], 2, "SECOND"), (["compare", "nobox", "1"], 4, "no sandbox 'nobox'"),
        (["pin", "1", "net"], 2, "PATH"), (["unpin", "/etc/passwd"], 1, "it holds no namespace"),
        (["pin", "SELF", "uts", "/nowhere/x"], 1, "cannot make /nowhere/x"),
        (["pin", "SELF", "uts", "/proc"], 1, "/proc is no plain file"),
        (["pin", "SELF", "pid_for_children", "x"], 2, "there is no kind of namespace"),
    ],
)  # fmt: skip
def test_trouble_is_told_when_words_are_wrong(
    typed: Type, words: list[str], code: int, said: str
) -> None:
    """With the exit codes of every nsinit command."""
    done = typed("ns", *(str(os.getpid()) if word == "SELF" else word for word in words))
    assert done.returncode == code, done
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_verb_is_explained_when_help_is_asked_for(typed: Type, verb: str) -> None:
    """With examples and exit codes."""
    done = typed("ns", verb, "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "exit codes: 0" in done.stdout


@pytest.mark.usefixtures("needs_root")
def test_user_is_refused_when_capability_is_missing() -> None:
    """With the capability by name, nothing left, and what works instead; others stay unseen."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="nsinit-test-"))
    directory.chmod(0o777)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*NSINIT, "ns", *words], cwd=directory, env=environment(),
            capture_output=True, text=True, check=False, timeout=60,
            user=ORDINARY, group=ORDINARY, extra_groups=[],
        )  # fmt: skip

    own = subprocess.Popen(["sleep", "1000"], user=ORDINARY, group=ORDINARY, extra_groups=[])
    try:
        path = directory / "held"
        done = run("pin", str(own.pid), "uts", str(path))
        assert done.returncode == 77, done
        assert "needs CAP_SYS_ADMIN" in done.stderr
        assert "unshare -Urm" in done.stderr
        assert not path.exists()
        done = run("pin", str(os.getpid()), "uts", str(path))
        assert done.returncode == 77, done
        assert "the process of another user" in done.stderr
        assert run("compare", str(os.getpid()), str(own.pid)).returncode == 77
        listed = run("list", str(own.pid))
        assert listed.returncode == 0
        assert "more can't be looked at" in listed.stderr
        assert rows(listed.stdout, "uts")
    finally:
        own.kill()
        own.wait()
        directory.rmdir()
