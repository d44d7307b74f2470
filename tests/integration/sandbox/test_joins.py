"""Namespaces that others have made: joined by pid, by file, by the sandbox's name, or refused."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import libc
from tests.support.live import ROOT, descendants, eventually, is_alive, status_field
from tests.support.namespaces import (
    KINDS,
    different,
    inner_pids,
    joining,
    mountinfo,
    namespaces,
    service,
    wait_for,
    written,
)

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator, Sequence

    from tests.support.boxes import Box

PS = "ps -eo pid=,args="
ALL = "namespaces = {" + ", ".join(f'{kind} = "new"' for kind in KINDS) + "}"
OWNER = f'[sandbox]\nhostname = "owner"\n{ALL}\n{service("true")}'


@pytest.fixture
def owner(box: Callable[..., Box]) -> Box:
    """A sandbox with namespaces of all kinds."""
    made = box(OWNER).start()
    wait_for(made)
    return made


@pytest.mark.row(4, 51)
def test_one_namespace_is_the_owners_when_joined_alone(box: Callable[..., Box], owner: Box) -> None:
    """By the pid of a member, each kind; the others are new, or the host's, as without that."""
    there = namespaces(owner.pid)
    for kind in KINDS:
        kinds = {kind} | ({"pid"} if kind == "mount" else set())  # whose /proc would not fit
        made = box(f"[sandbox]\n{joining(owner, *kinds)}\n{service('true')}").start()
        wait_for(made)
        here = namespaces(made.pid)
        kinds |= {"user"} if owner.user else set()
        assert {k for k in KINDS if there[k] == here[k]} == kinds
        assert different(made.pid) == {"ipc", "uts", "pid", "mount"} | kinds
        made.close()


@pytest.mark.row(4, 52, 55)
def test_all_namespaces_are_the_owners_when_joined_together(
    box: Callable[..., Box], owner: Box
) -> None:
    """A second init among its processes: not process 1, and it adopts its own orphans."""
    orphan = "(sh -c 'exec sleep 1001' &)"
    made = box(f"[sandbox]\n{joining(owner, *KINDS)}\n{service(f'hostname; {orphan}; {PS}')}")
    made.start()
    lines = wait_for(made)
    assert lines[0] == "owner"
    assert sum("nsinit run" in line for line in lines) == 2
    assert namespaces(made.pid) == namespaces(owner.pid)
    assert inner_pids(made.pid)[-1] != 1
    assert len(eventually(lambda: descendants(made.pid), "service and orphan")) == 2
    below = descendants(made.pid)
    assert made.stop() == 0
    assert not any(is_alive(pid) for pid in below)
    assert is_alive(owner.pid)


@pytest.mark.row(55)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: looks at another's descriptors")
def test_init_has_no_descriptor_of_a_namespace_when_it_has_joined_some(
    box: Callable[..., Box], owner: Box
) -> None:
    """Nor one of the host's /proc: they were for the process between."""
    joins = f"{joining(owner, 'net', 'ipc')}\ntime_offsets = {{boottime = 5}}"
    made = box(f"[sandbox]\n{joins}\n{service('ls -l /proc/self/fd')}").start()
    seen = " ".join(wait_for(made))
    for fd in os.scandir(f"/proc/{made.pid}/fd"):
        seen += " " + os.readlink(fd.path)
    assert not [kind for kind in ("net", "ipc", "user") if f" {kind}:[" in seen]
    assert "/proc " not in f"{seen} "


@pytest.mark.row(4)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it joins somebody else's")
def test_root_is_who_the_owner_is_when_it_joins_his_user_namespace(
    box: Callable[..., Box], owner: Box
) -> None:
    """Root inside is the ordinary user outside; no group of the machine's root is kept."""
    made = box(f"[sandbox]\n{joining(owner, *KINDS)}\n{service('id -u; id -G')}")
    made.user = 0
    made.program = ["setpriv", "--groups", "0,4", "--", *made.program]
    made.start()
    assert wait_for(made) == ["0", "0"]
    for field in ("Uid", "Gid"):
        assert status_field(made.pid, field).split() == [str(owner.user)] * 4
    assert status_field(made.pid, "Groups").strip() == ""
    assert made.stop() == 0


@pytest.mark.row(4)
def test_root_of_the_owner_is_seen_when_its_mounts_are_joined(
    box: Callable[..., Box], rootfs: pathlib.Path
) -> None:
    """Though there is no Python in it; services run there, and all of init works on."""
    owner = box(f'[sandbox]\nrootfs = "{rootfs}"\n{service("true")}').start()
    wait_for(owner)
    script = "cat /marker; ls -d /proc/1; [ -e /home ] || echo none"
    script_b = "[ -e /tmp/x ] || { > /tmp/x; exit 1; }"
    crash = service(script_b, "restart_delay = 0.05\n", "b")
    made = box(f"[sandbox]\n{joining(owner, 'mount', 'pid')}\n{service(script)}{crash}").start()
    assert wait_for(made) == ["this is the root of the test", "/proc/1", "none"]
    wait_for(made, name="b")
    assert [row["state"] for row in made.client.status()["services"]] == ["running", "running"]
    assert made.stop() == 0
    assert "internal error" not in made.said()


@pytest.mark.row(4)
def test_namespaces_are_found_when_the_sandbox_is_named(
    box: Callable[..., Box], owner: Box
) -> None:
    """By the name under which it is in the list; a name that is not there is an error."""
    words = "uts = 'sandbox:nsinit', net = 'sandbox:nsinit', user = 'sandbox:nsinit'"
    made = box(f"[sandbox]\nname = 'guest'\nnamespaces = {{{words}}}\n{service('hostname')}")
    made.env["NSINIT_RUN_DIR"] = made.env["XDG_RUNTIME_DIR"] = owner.env["XDG_RUNTIME_DIR"]
    made.start()
    assert wait_for(made) == ["owner"]
    assert namespaces(made.pid)["net"] == namespaces(owner.pid)["net"]
    none = box(f"[sandbox]\nnamespaces = {{net = 'sandbox:no-such'}}\n{service('true')}").run()
    assert none.returncode != 0
    assert "no-such" in none.stderr


@pytest.mark.row(53)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a namespace's file")
def test_namespace_is_joined_when_its_file_is_a_bind_mount(
    box: Callable[..., Box], owner: Box, user: int
) -> None:
    """A file kept by `mount --bind`, here in a mount namespace of the launcher's own."""
    words = f'uts = "{owner.directory}/uts"'
    if user:
        words += f', user = "{owner.directory}/user"'
    for kind in ("uts", "user"):
        (owner.directory / kind).touch()
    binds = "".join(
        f"mount --bind /proc/{owner.pid}/ns/{kind} {owner.directory}/{kind}; "
        for kind in ("uts", "user")
    )
    before = mountinfo()
    made = box(f"[sandbox]\nnamespaces = {{{words}}}\n{service('hostname')}")
    demote = f"setpriv --reuid {user} --regid {user} --clear-groups" if user else ""
    script = f'{binds} exec {demote} "$@"'
    made.program = ["unshare", "--mount", "--", "sh", "-c", script, "sh", *made.program]
    made.user = os.geteuid()
    made.start()
    assert wait_for(made) == ["owner"]
    assert namespaces(made.pid)["uts"] == namespaces(owner.pid)["uts"]
    assert mountinfo() == before


@pytest.mark.row(52)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another's descriptors")
def test_namespace_without_members_is_joined_when_a_file_holds_it(
    box: Callable[..., Box], user: int
) -> None:
    """The last process has gone; the name that was set is still there for later members."""
    first = box(f'[sandbox]\nhostname = "kept"\n{service("true")}').start()
    wait_for(first)
    held = [os.open(f"/proc/{first.pid}/ns/{kind}", os.O_RDONLY) for kind in ("uts", "user")]
    try:
        inode = namespaces(first.pid)["uts"]
        assert first.stop() == 0
        files = dict(zip(("uts", "user"), held, strict=True))
        if not user:
            del files["user"]
        words = ", ".join(f'{kind} = "/proc/{os.getpid()}/fd/{fd}"' for kind, fd in files.items())
        made = box(f"[sandbox]\nnamespaces = {{{words}}}\n{service('hostname')}")
        made.user = 0  # who can see our descriptors
        made.start()
        assert wait_for(made) == ["kept"]
        assert namespaces(made.pid)["uts"] == inode
    finally:
        for fd in held:
            os.close(fd)


@pytest.mark.row(54)
@pytest.mark.parametrize("code", [0, 3])
def test_signals_and_codes_go_through_when_the_pid_namespace_is_joined(
    box: Callable[..., Box], owner: Box, code: int
) -> None:
    """There was a process between launcher and init; nothing else is different."""
    script = f"trap 'echo heard; exit {code}' ALRM; echo up; while :; do sleep 0.02; done"
    main = service(script, "main = true\n")
    made = box(f"[sandbox]\n{joining(owner, 'pid')}\n{main}").start()
    wait_for(made, "up")
    assert made.process is not None
    made.process.send_signal(signal.SIGALRM)
    assert made.wait() == code
    assert "heard" in made.said()


@pytest.mark.row(54)
def test_init_stops_its_services_when_its_launcher_is_killed(
    box: Callable[..., Box], owner: Box
) -> None:
    """In a pid namespace of another nobody else would."""
    made = box(f"[sandbox]\n{joining(owner, 'pid')}\n{service('true')}").start()
    wait_for(made)
    assert made.process is not None
    below = descendants(made.process.pid)
    assert len(below) == 2
    made.process.kill()
    eventually(lambda: not any(is_alive(pid) for pid in below), "init and service are gone")
    assert is_alive(owner.pid)


@pytest.mark.row(13)
def test_launcher_says_137_when_process_1_of_a_joined_namespace_ends(
    box: Callable[..., Box], owner: Box
) -> None:
    """The kernel kills whoever lives there."""
    made = box(f"[sandbox]\n{joining(owner, 'pid')}\n{service('true')}").start()
    wait_for(made)
    assert owner.stop() == 0
    assert made.wait() == 137


# --- Refused before anything is done --------------------------------------------------------------


@pytest.fixture
def dead() -> Iterator[str]:
    """A pid namespace whose process 1 has ended, held by a file."""
    pid, pidfd = libc.clone3(libc.CLONE_NEWPID, signal.SIGCHLD)
    if pid == 0:
        signal.pause()
        os._exit(0)
    fd = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(pidfd)
    yield f"/proc/{os.getpid()}/fd/{fd}"
    os.close(fd)


def _refused(
    box: Callable[..., Box], words: str, user: int | None = None, prefix: Sequence[str] = ()
) -> str:
    made = box(f"[sandbox]\nnamespaces = {{{words}}}\n{service('touch ${HERE}/ran')}")
    made.program = [*prefix, *made.program]
    if user is not None:
        made.user = user
    done = made.run()
    assert done.returncode == 125, done
    assert not (made.directory / "ran").exists()
    assert not made.socket.exists()
    assert done.stderr.count("cannot") == 1, done.stderr
    return done.stderr


@pytest.mark.row(54)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes a pid namespace")
def test_pid_namespace_is_refused_when_it_is_dead(box: Callable[..., Box], dead: str) -> None:
    """No file keeps it alive, which is what is said."""
    told = _refused(box, f'pid = "{dead}"', user=0)
    assert "cannot try whether these can be entered: the pid namespace is dead" in told
    assert "join a living one" in told


@pytest.mark.row(4)
@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        ('uts = "/proc/self/ns/net"', "/proc/self/ns/net: it is a net namespace", "/proc/1/ns/uts"),
        ('net = "/etc/passwd"', "/etc/passwd: it is no namespace", "name a file such as"),
        ('net = "/dev/null"', "/dev/null: it is no namespace", "name a file such as"),
        ('net = "/no/such"', "the net namespace /no/such: No such file or directory", ""),
        ("ipc = 4194304", "of process 4194304: there is no such process", ""),
    ],
)
def test_namespace_is_refused_when_it_is_none_of_that_kind(
    box: Callable[..., Box], user: int, words: str, told: str, hint: str
) -> None:
    """The object, what it is, and what to name instead; an ordinary user is told so too."""
    if user:
        words += ', user = "/proc/self/ns/user"'
    said = _refused(box, words)
    assert told in said
    assert hint in said


@pytest.mark.row(4)
def test_namespace_is_refused_when_one_may_not_join_it(box: Callable[..., Box], user: int) -> None:
    """Neither another user's, nor one without the user namespace that it belongs to."""
    prefix = [] if user else ["setpriv", "--bounding-set", "-sys_admin", "--"]
    own = 'net = "/proc/self/ns/net"'
    said = _refused(box, own, prefix=prefix)
    assert "cannot join the net namespace /proc/self/ns/net without CAP_SYS_ADMIN" in said
    assert "join the user namespace that it belongs to as well" in said
    said = _refused(box, f'{own}, user = "/proc/self/ns/user"', prefix=prefix)
    assert "the net namespace /proc/self/ns/net: Operation not permitted" in said
    assert "CAP_SYS_ADMIN in the user namespace that it belongs to" in said
    if user:
        said = _refused(box, "net = 1, user = 1")
        assert "cannot open the user namespace of process 1: Permission denied" in said
        assert "only root, and who may trace a process" in said


@pytest.mark.row(54)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes a pid namespace")
def test_pid_namespace_is_refused_when_it_is_not_below(box: Callable[..., Box]) -> None:
    """The kernel puts no process into the namespace around its own (pid_namespaces(7))."""
    prefix = ["unshare", "--pid", "--fork", "--kill-child", "--"]
    said = _refused(box, f'pid = "/proc/{os.getpid()}/ns/pid"', user=0, prefix=prefix)
    assert "it is not below the one of this process" in said


@pytest.mark.row(15, 54)
def test_proc_is_refused_when_it_shows_others_than_the_joined_mounts(
    box: Callable[..., Box], owner: Box
) -> None:
    """Mounts of one sandbox and processes of another do not fit."""
    said = _refused(box, joining(owner, "mount").partition("{")[2].rstrip("}") + ', pid = "shared"')
    assert "cannot see that /proc is of this pid namespace: it shows other processes" in said
    assert "of one and the same process" in said


@pytest.mark.row(55, 61)
@pytest.mark.parametrize("faults", ["setns:EPERM", "unshare:EPERM", "clone3:ENOMEM", "fork:EAGAIN"])
def test_failure_is_told_by_the_launcher_when_it_happens_on_the_way(
    box: Callable[..., Box], owner: Box, faults: str
) -> None:
    """Whoever of the processes between it hits; once, and nothing is left."""
    config = f"{joining(owner, 'net')}\ntime_offsets = {{monotonic = 5}}\n"
    made = box(f"[sandbox]\n{config}{service('touch ${HERE}/ran')}").with_faults(faults)
    done = made.run()
    assert done.returncode == 125, done
    assert done.stderr.count("nsinit: ") == 1, done.stderr
    assert "cannot" in done.stderr
    assert "ended before it began" not in done.stderr, done.stderr
    assert not (made.directory / "ran").exists()
    assert not made.socket.exists()


def test_examples_of_namespaces_work_when_run(box: Callable[..., Box]) -> None:
    """One with namespaces of all kinds, and one that joins some of them by its name."""
    one = box("", str(ROOT / "config/namespaces.toml")).start()
    lines = eventually(lambda: written(one, "show")[11:] and written(one, "show"), "it tells")
    assert lines[0] == "I am process 2 on name_of_its_own"
    assert int(lines[1].split()[5]) >= 86400
    assert different(one.pid) == set(KINDS)
    two = box("", str(ROOT / "config/namespaces-join.toml"))
    two.env["NSINIT_RUN_DIR"] = two.env["XDG_RUNTIME_DIR"] = one.env["XDG_RUNTIME_DIR"]
    two.start()
    two.wait_for_line("on name_of_its_own I see")
    two.wait_for_line(" sleep infinity")
    assert different(two.pid) == {"user", "net", "pid", "uts", "mount"}
    assert namespaces(two.pid)["net"] == namespaces(one.pid)["net"]
    assert two.stop() == 0
    assert one.stop() == 0
