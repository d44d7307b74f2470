"""What is put into a root, hidden in it, and set for its namespaces."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import mountinfo
from tests.support.roots import main_service, owned, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]


@pytest.fixture
def data(tmp_path: pathlib.Path, user: int) -> pathlib.Path:
    """A directory of the host with a file in it."""
    made = owned(tmp_path / "data", user)
    (made / "file").write_text("of the host\n")
    os.chown(made / "file", user, user)
    return made


def config(rootfs: pathlib.Path, mounts: str, more: str = "") -> str:
    """A sandbox with these mounts."""
    return f'[sandbox]\nrootfs = "{rootfs}"\nmounts = [{mounts}]\n{more}\n'


@pytest.mark.row(18)
def test_directory_is_shared_when_it_is_bound(
    box: MakeBox, rootfs: pathlib.Path, data: pathlib.Path
) -> None:
    """What is written goes both ways; read-only is read-only; a file can be bound alone."""
    done = box(
        config(
            rootfs,
            f'"{data}:/deep/down/data", "{data}:/ro:ro,noexec", "{data}/file:/etc/one:ro",'
            ' {source = "/nowhere", target = "/none", optional = true}',
        )
        + main_service(
            "echo read $(cat /deep/down/data/file); touch /deep/down/data/new\n"
            "touch /ro/x; echo ro $?; echo one $(cat /etc/one); echo x >> /etc/one\n"
            "echo none $(test -e /none; echo $?)\n"
            'echo options $(grep " /ro " /proc/self/mountinfo)\n'
        )
    ).run()
    assert words(done, "read") == ["of", "the", "host"]
    assert words(done, "ro") == ["1"]
    assert words(done, "one") == ["of", "the", "host"]
    assert words(done, "none") == ["1"]
    assert {"ro", "noexec"} <= set(words(done, "options")[5].split(","))
    assert (data / "new").exists()
    assert (data / "file").read_text() == "of the host\n"


@pytest.mark.row(18)
def test_mounts_below_come_along_when_a_bind_is_recursive(
    box: MakeBox, rootfs: pathlib.Path, user: int
) -> None:
    """And are read-only with it; without them it is one mount, which only root may have."""
    script = main_service(
        'echo mounts $(grep -c " /host" /proc/self/mountinfo)\n'
        'echo writable $(grep -c " /host[^ ]* rw" /proc/self/mountinfo)\n'
    )
    below = [m.target for m in mountinfo.read() if m.target.startswith("/dev/")]
    whole = box(config(rootfs, '"/dev:/host/dev:ro"') + script).run()
    assert words(whole, "mounts") == [str(1 + len(below))]
    assert words(whole, "writable") == ["0"]
    alone = box(config(rootfs, '"/dev:/host/dev:bind,ro"') + script).run()
    if user == 0:
        assert words(alone, "mounts") == ["1"]
    else:
        assert alone.returncode == 125
        assert 'use "rbind"' in alone.stderr


@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # else the kernel itself sees to it
def test_limits_of_a_mount_are_kept_when_it_is_bound_with_others(
    box: MakeBox, rootfs: pathlib.Path, data: pathlib.Path
) -> None:
    """What is asked for is added to what the host has said."""
    script = main_service('echo options $(grep " /data " /proc/self/mountinfo)')
    made = box(config(rootfs, f'"{data}:/data:ro,noatime"') + script)
    host = f'mount -t tmpfs -o nosuid,nodev,noexec x {data} && exec "$@"'
    made.program = ["unshare", "-m", "sh", "-c", host, "sh", *made.program]
    options = set(words(made.run(), "options")[5].split(","))
    assert options == {"ro", "nosuid", "nodev", "noexec", "noatime"}


def test_file_systems_are_as_asked_when_they_have_options(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """A size, a mode, flags; a second proc shows only processes."""
    done = box(
        config(
            rootfs,
            '{type = "tmpfs", target = "/small", options = ["size=64k", "mode=711", "noexec"]},'
            '{type = "proc", target = "/proc", options = ["subset=pid", "hidepid=invisible"]},'
            '{type = "devpts", target = "/pts", options = ["mode=600"]},'
            '{type = "mqueue", target = "/queues"}',
        )
        + main_service(
            "head -c 100000 /dev/zero > /small/x; echo size $(wc -c < /small/x)\n"
            "echo mode $(stat -c %a /small); echo proc $(cd /proc; ls -d [a-z]*)\n"
            "echo kinds $(stat -f -c %T /small /pts /queues)\n"
        )
    ).run()
    assert words(done, "size") == ["65536"]
    assert words(done, "mode") == ["711"]
    assert set(words(done, "proc")) <= {"self", "thread-self", "mounts", "net"}
    assert words(done, "kinds")[:2] == ["tmpfs", "devpts"]


@pytest.mark.row(38, 50)
def test_files_are_there_when_they_are_written_in_the_configuration(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Read-only unless said otherwise, with a mode; links and directories too."""
    done = box(
        config(
            rootfs,
            '{content = "nameserver 192.0.2.1\\n", target = "/etc/resolv.conf"},'
            '{content = "secret", target = "/etc/secret", mode = "600", options = ["rw"]},'
            '{type = "symlink", source = "../etc/secret", target = "/lnk/secret"},'
            '{type = "directory", target = "/srv/www", mode = "750"}',
            'hostname = "box_1"',
        )
        + main_service(
            "echo dns $(cat /etc/resolv.conf); echo x > /etc/resolv.conf; echo code $?\n"
            "echo secret $(cat /lnk/secret) $(stat -c %a /etc/secret)\n"
            "echo changed > /etc/secret && echo again $(cat /lnk/secret)\n"
            "echo srv $(stat -c %a /srv/www)\n"
            "echo name $(cat /etc/hostname) $(grep -c box_1 /etc/hosts)\n"
        )
    ).run()
    assert words(done, "dns") == ["nameserver", "192.0.2.1"]
    assert words(done, "code") != ["0"]
    assert words(done, "secret") == ["secret", "600"]
    assert words(done, "again") == ["changed"]
    assert words(done, "srv") == ["750"]
    assert words(done, "name") == ["box_1", "1"]
    assert (rootfs / "etc/resolv.conf").read_text() == ""


@pytest.mark.row(38)
def test_hosts_and_resolver_are_given_when_the_root_has_none(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Those of the host's network, read-only; what the root has is left as it is."""
    script = main_service("echo hosts $(cat /etc/hosts); cat /etc/resolv.conf; echo end")
    done = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + script).run()
    assert words(done, "hosts")[:2] == ["127.0.0.1", "localhost"]
    lines = [line.partition("| ")[2] for line in done.stdout.splitlines()]
    text = pathlib.Path("/etc/resolv.conf").read_text()
    assert all(line in lines for line in text.splitlines() if line.strip())
    (rootfs / "etc/hosts").write_text("own\n")
    done = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + script).run()
    assert words(done, "hosts") == ["own"]


@pytest.mark.row(63)
def test_machine_is_hidden_when_the_root_is_its_own(box: MakeBox, rootfs: pathlib.Path) -> None:
    """What the lists of runc hide and protect, by default; nothing of /sys can be written."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        + main_service(
            "echo kcore $(head -c 10 /proc/kcore | wc -c) $(wc -c < /proc/keys)\n"
            "echo firmware $(ls /sys/firmware | wc -l)\n"
            "echo -n > /proc/sysrq-trigger; echo sysrq $?\n"
            "cat /proc/sys/kernel/panic > /proc/sys/kernel/panic; echo sysctl $?\n"
            "mkdir /sys/fs/cgroup/memory/x /sys/firmware/x 2>/dev/null; echo sys $?\n"
            'echo writable $(grep -c " /sys[^ ]* rw" /proc/self/mountinfo)\n'
        )
    ).run()
    assert words(done, "kcore") == ["0", "0"]
    assert words(done, "firmware") == ["0"]
    assert words(done, "writable") == ["0"]
    for what in ("sysrq", "sysctl", "sys"):
        assert words(done, what) != ["0"], what


@pytest.mark.row(63)
@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # to mount them
def test_file_systems_below_sys_are_hidden_when_the_host_has_some(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """What the kernel tells root for debugging and tracing is about everybody."""
    places = "/sys/kernel/debug /sys/kernel/tracing /sys/kernel/security"
    made = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        + main_service(f"for p in {places}; do echo names $(ls $p | wc -l); done")
    )
    mounts = f"for p in {places}; do mount -t tmpfs x $p && touch $p/told || exit; done"
    made.program = ["unshare", "-m", "sh", "-c", f'{mounts}; exec "$@"', "sh", *made.program]
    assert [line.split()[-1] for line in made.run().stdout.splitlines()] == ["0"] * 3


def test_paths_are_hidden_when_they_are_listed(
    box: MakeBox, rootfs: pathlib.Path, user: int
) -> None:
    """An own list goes in place of the usual one; what is not there does not matter."""
    owned(rootfs / "private", user)
    (rootfs / "private/key").write_text("key")
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nmasked_paths = ["/private", "/marker", "/none"]\n'
        'readonly_paths = ["/etc"]\n'
        + main_service(
            "echo private $(ls /private | wc -l); echo marker $(wc -c < /marker)\n"
            "touch /private/x; echo write $?; touch /etc/x; echo etc $?; touch /x; echo root $?\n"
            "echo keys $(wc -c < /proc/keys)\n"
        )
    ).run()
    assert words(done, "private") == ["0"]
    assert words(done, "marker") == ["0"]
    assert words(done, "write") == ["1"]
    assert words(done, "etc") == ["1"]
    assert words(done, "root") == ["0"]
    assert (rootfs / "private/key").read_text() == "key"


@pytest.mark.row(18)
def test_hosts_root_has_mounts_when_there_is_no_other(
    box: MakeBox, data: pathlib.Path, user: int
) -> None:
    """The rest of it is as it was, Python too; nothing is made there that was missing."""
    target = owned(data / "target", user)
    done = box(
        f'[sandbox]\nmounts = [{{type = "tmpfs", target = "{target}"}},'
        f' {{content = "x", target = "{target}/deep/file"}}]\nmasked_paths = ["{data}/file"]\n'
        + main_service(
            f"echo deep $(cat {target}/deep/file); echo file $(wc -c < {data}/file)\n"
            "echo pids $(cd /proc; echo [0-9]*)\n"
        )
    ).run()
    assert words(done, "deep") == ["x"]
    assert words(done, "file") == ["0"]
    assert words(done, "pids")[0] == "1"
    assert not list(target.iterdir())
    refused = box(
        f'[sandbox]\nmounts = [{{type = "tmpfs", target = "{data}/new"}}]\n' + main_service("true")
    ).run()
    assert refused.returncode == 125
    assert "targets must exist" in refused.stderr
    assert not (data / "new").exists()


def test_sysctls_are_the_sandboxes_when_they_are_set(box: MakeBox, rootfs: pathlib.Path) -> None:
    """The host's stay; with an own root and without one."""
    path = pathlib.Path("/proc/sys/kernel/shm_rmid_forced")
    before = path.read_text()
    other = str(1 - int(before))
    ttl = pathlib.Path("/proc/sys/net/ipv4/ip_default_ttl")
    hosts = ttl.read_text()
    for root in (f'rootfs = "{rootfs}"\n', ""):
        done = box(
            f"[sandbox]\n{root}namespaces = {{net = 'new'}}\n"
            f'sysctls = {{"kernel.shm_rmid_forced" = {other}, "net/ipv4/ip_default_ttl" = "77"}}\n'
            + main_service(f"echo shm $(cat {path}); echo ttl $(cat {ttl})")
        ).run()
        assert words(done, "shm") == [other]
        assert words(done, "ttl") == ["77"]
    assert path.read_text() == before
    assert ttl.read_text() == hosts


@pytest.mark.row(34)
def test_network_of_sysfs_is_the_sandboxes_when_that_has_one(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """A new sysfs shows only what is in the new network namespace."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nnamespaces = {{net = "new"}}\n'
        + main_service("echo net $(ls /sys/class/net); mkdir /sys/x; echo code $?")
    ).run()
    assert words(done, "net") == ["lo"]
    assert words(done, "code") != ["0"]


def test_owners_are_others_when_the_ids_of_a_bind_are_mapped(
    box: MakeBox, rootfs: pathlib.Path, data: pathlib.Path, user: int
) -> None:
    """Also what is written; only root may, and whoever else tries is told so."""
    os.chown(data, 1234, 2345)
    os.chown(data / "file", 1234, 2345)
    mounts = f'{{source = "{data}", target = "/data", idmap = "u:1234:0:1 g:2345:0:1"}}'
    script = main_service("echo ids $(stat -c %u:%g /data/file); touch /data/new")
    done = box(config(rootfs, mounts, 'hostname = "box"') + script).run()
    if user != 0:
        assert done.returncode == 125
        assert "only the root of the machine" in done.stderr
        return
    assert words(done, "ids") == ["0:0"]
    assert (data / "new").stat().st_uid == 1234
    within = box(config(rootfs, mounts, 'namespaces = {user = "new"}') + script).run()
    assert words(within, "ids") == ["0:0"]


@pytest.mark.row(17, 18)
@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # only root may map them
def test_host_sees_nothing_when_something_is_mounted_below_a_mapped_bind(
    box: MakeBox, rootfs: pathlib.Path, data: pathlib.Path
) -> None:
    """The launcher has made that mount, and those of the host are shared."""
    mounts = f'{{source = "{data}", target = "/data", idmap = "b:0:0:1"}}'
    script = main_service("mount -t tmpfs inner /data/below && echo ok done")
    made = box(config(rootfs, mounts, 'cap_add = "SYS_ADMIN"') + script)
    (data / "below").mkdir()
    host = 'mount --make-rshared / && "$@" && echo seen $(grep -c inner /proc/self/mountinfo)'
    unshare = ["unshare", "-m", "--propagation", "private", "sh", "-c", host, "sh"]
    made.program = [*unshare, *made.program]
    done = made.run()
    assert words(done, "ok") == ["done"]
    assert "seen 0\n" in done.stdout


@pytest.mark.row(20)
def test_mounts_are_tagged_when_their_propagation_is_named(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """A peer group of the sandbox's own, one that can't be bound, and none."""
    kinds = ("shared", "unbindable", "private")
    mounts = ", ".join(
        f'{{type = "tmpfs", target = "/{kind}", options = ["{kind}"]}}' for kind in kinds
    )
    script = "cat /proc/self/mountinfo; echo ok done"
    done = box(config(rootfs, mounts) + main_service(script)).run()
    assert words(done, "ok") == ["done"]
    text = "\n".join(line.partition("| ")[2] for line in done.stdout.splitlines())
    tags = {m.target: [tag.partition(":")[0] for tag in m.tags] for m in mountinfo.parse(text)}
    assert tags["/shared"] == ["shared"]
    assert tags["/unbindable"] == ["unbindable"]
    assert tags["/private"] == []
