"""Who is who in a sandbox: maps of every form without a helper, and why the kernel refuses one."""

from __future__ import annotations

import os
import pathlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ORDINARY, environment, status_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    Make = Callable[..., Box]

SHOW = """
[services.a]
command = ["sh", "-c", "echo ids $(id -u) $(id -g) $(id -G) $(cat /proc/self/setgroups); \
echo made > ${HERE}/made; cat ${HERE}/secret; echo end; exec sleep 1000"]
"""


def start(box: Make, users: str, config: str = SHOW) -> Box:
    """A running box with these users; its service has said who it is."""
    made = box(f"[sandbox]\nusers = {users}\n{config}")
    (made.directory / "secret").write_text("the secret")
    (made.directory / "secret").chmod(0o600)
    os.chown(made.directory / "secret", 0, 0)
    made.start().wait_for_line("end")
    return made


def ids(made: Box) -> list[str]:
    """Uid, gid, groups and what setgroups is inside."""
    return made.wait_for_line("ids").split("ids ")[1].split()


def outer_map(made: Box, which: str) -> list[list[int]]:
    """The map of its init, as the parent namespace sees it."""
    text = pathlib.Path(f"/proc/{made.pid}/{which}_map").read_text()
    return [[int(word) for word in line.split()] for line in text.splitlines()]


@pytest.mark.row(25)
def test_service_is_10000_when_it_is_mapped_so(box: Make, user: int) -> None:
    """`id` shows it, and what it makes belongs to who started nsinit."""
    made = start(box, f'{{uid_map = "10000 {user} 1", gid_map = "10000 {user} 1"}}')
    assert ids(made) == ["10000", "10000", "10000", "allow" if user == 0 else "deny"]
    found = (made.directory / "made").stat()
    assert (found.st_uid, found.st_gid) == (user, user)
    assert made.stop() == 0


@pytest.mark.row(26)
@pytest.mark.parametrize("spelling", ['"0 {0} 1"', "[0, {0}, 1]", "{{inside = 0, outside = {0}}}"])
def test_map_is_seen_in_proc_when_it_is_written(box: Make, user: int, spelling: str) -> None:
    """The kernel's own columns: inside, outside, how many; the host's own is everything."""
    row = spelling.format(user)
    made = start(box, f"{{uid_map = [{row}], gid_map = {row}}}")
    assert outer_map(made, "uid") == outer_map(made, "gid") == [[0, user, 1]]
    assert ids(made)[:2] == ["0", "0"]
    assert pathlib.Path("/proc/1/uid_map").read_text().split()[:2] == ["0", "0"]


@pytest.mark.row(28)
def test_everybody_is_65534_when_there_is_no_map(box: Make, user: int) -> None:
    """For root and for an ordinary user alike."""
    made = start(box, '"none"')
    assert ids(made)[:3] == ["65534"] * 3
    assert outer_map(made, "uid") == outer_map(made, "gid") == []
    assert (made.directory / "made").stat().st_uid == user
    assert made.client.version()["pid"] == 1


@pytest.mark.row(29)
def test_gid_is_65534_when_only_uids_are_mapped(box: Make, user: int) -> None:
    """The parent writes the one map while the child waits; inside it is root of no group."""
    made = start(box, f'{{uid_map = "0 {user} 1", gid_map = []}}')
    assert ids(made)[:3] == ["0", "65534", "65534"]
    assert outer_map(made, "gid") == []


@pytest.mark.row(30)
def test_root_inside_is_nobody_outside_when_rootless(box: Make, user: int) -> None:
    """A file of the host's root stays closed; for root with all ids it is open."""
    made = start(box, '"root"')
    assert ids(made)[0] == "0"
    assert ("the secret" in made.said()) == (user == 0)
    assert ("Permission denied" in made.said()) == (user != 0)


@pytest.mark.row(32)
def test_other_namespaces_belong_to_the_user_namespace_when_made(box: Make) -> None:
    """The user namespace is first: its root made the others, and may use them: it mounted proc."""
    from nsinit.kernel import nsfs

    made = start(box, '"root"', SHOW)
    for kind in ("uts", "ipc", "mnt", "pid"):
        owner = nsfs.owner(f"/proc/{made.pid}/ns/{kind}")
        assert owner.inode == os.stat(f"/proc/{made.pid}/ns/user").st_ino, kind


@pytest.mark.parametrize(("users", "inside"), [('"keep"', ""), ("{}", "0"), ('"root"', "0")])
def test_words_mean_this_when_users_are_a_word(
    box: Make, user: int, users: str, inside: str
) -> None:
    """To keep the ids, to be root; and what there is without a word."""
    made = start(box, users)
    assert ids(made)[:2] == [inside or str(user)] * 2
    if user == 0 and users != '"root"':
        assert outer_map(made, "uid") == [[0, 0, 4294967295]]
    else:
        assert outer_map(made, "uid") == [[int(inside or user), user, 1]]


def test_init_keeps_its_power_when_it_is_not_root_inside(box: Make, user: int) -> None:
    """It is not exec'ed, so it can give its service a host name; the service itself has none."""
    config = "hostname = 'named'\n" + SHOW.replace("echo end", "hostname; hostname x; echo end")
    made = start(box, f'{{uid_map = "7 {user} 1", gid_map = "7 {user} 1"}}', config)
    made.wait_for_line("named")
    made.wait_for_line("must be root")


@pytest.mark.parametrize(
    ("users", "first"),
    [('{uid_map = "0 900000 10", gid_map = "0 900010 10"}', (900000, 900010)),
        ('{uid_map = "5 900000 10", gid_map = "3 900010 10"}', (900000, 900010))],
)  # fmt: skip
def test_init_becomes_somebody_when_root_is_not_mapped(
    box: Make, user: int, users: str, first: tuple[int, int]
) -> None:
    """An id without a name inside would go on owning root's files."""
    made = box(f"[sandbox]\nusers = {users}\n{SHOW}")
    if user != 0:  # who may not map those is told so
        done = made.run()
        assert done.returncode == 125, done
        assert "cannot map uids: " in done.stderr
        return
    made.directory.chmod(0o777)
    made.start().wait_for_line("end")
    found = (made.directory / "made").stat()
    assert (found.st_uid, found.st_gid) == first
    assert status_field(made.pid, "Uid").split() == [str(first[0])] * 4


def test_groups_of_root_are_left_when_they_cannot_be_left_inside(tmp_path: pathlib.Path) -> None:
    """Without a gid map setgroups works for nobody, so it is done before."""
    if os.geteuid() != 0:
        pytest.skip("needs root: others may not leave groups")
    config = tmp_path / "n.toml"
    for users in ('{uid_map = "0 0 1", gid_map = []}', '"root"', '"keep"', '"none"'):
        config.write_text(f"[sandbox]\nusers = {users}\n[services.a]\nmain = true\n"
            "command = 'grep Groups /proc/self/status'\n")  # fmt: skip
        done = subprocess.run(
            [*NSINIT, "run", str(config)],
            env=environment(XDG_RUNTIME_DIR=str(tmp_path), NSINIT_RUN_DIR=str(tmp_path)),
            capture_output=True, text=True, timeout=60, check=False, extra_groups=[50, 60],
        )  # fmt: skip
        line = next(row for row in done.stdout.splitlines() if "Groups" in row)
        assert line.split("Groups:")[1].strip() == "", (users, done)


# --- What the kernel refuses ----------------------------------------------------------------------


@pytest.mark.row(24)
def test_reason_is_told_when_user_namespaces_are_forbidden(tmp_path: pathlib.Path) -> None:
    """The sysctl is per user namespace, so the one of the machine stays as it is."""
    config = tmp_path / "n.toml"
    config.write_text("sandbox.users = 'root'\n[services.a]\ncommand = 'true'\n")
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", script, "sh", *NSINIT, "run", str(config)],
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 125, done
    assert "cannot make namespaces (user, " in done.stderr
    assert "sysctl user.max_user_namespaces is 0" in done.stderr


@pytest.mark.row(27)
@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("EPERM", "cannot map uids: 0 {0} 1; gids: 0 {0} 1"),
        ("EINVAL", "rows are empty, share ids or are too many"),
        ("EROFS", "/proc is mounted read-only here"),
        ("EACCES", "not dumpable, or the process of another user"),
    ],
)
@pytest.mark.parametrize("which", [1, 2])
def test_reason_is_told_when_a_map_is_refused(
    box: Make, user: int, number: str, words: str, which: int
) -> None:
    """One condition each; the sandbox is not made, and nothing of it is left."""
    made = box(f"[sandbox]\nusers = 'root'\n{SHOW}").with_faults(f"map_ids:{number}@{which}")
    done = made.run()
    assert done.returncode == 125, done
    assert words.format(user) in done.stderr


def test_map_of_all_ids_works_when_there_are_few(tmp_path: pathlib.Path) -> None:
    """Root of a user namespace keeps the ids that exist there, though they are not all."""
    config = tmp_path / "n.toml"
    config.write_text("sandbox.users = 'keep'\n[services.a]\nmain = true\n"
        "command = 'cat /proc/self/uid_map'\n")  # fmt: skip
    done = subprocess.run(
        ["unshare", "-Ur", *NSINIT, "run", str(config)],
        env=environment(XDG_RUNTIME_DIR=str(tmp_path), NSINIT_RUN_DIR=str(tmp_path)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    line = next(row for row in done.stdout.splitlines() if row.startswith("a "))
    assert line.split("|")[1].split() == ["0", "0", "1"]


def test_caller_is_told_when_setgroups_cannot_be_allowed(box: Make, user: int) -> None:
    """An ordinary user has to deny it; root need not."""
    made = box('[sandbox]\nusers = {map = "root", setgroups = "allow"}\n'
        "[services.a]\nmain = true\ncommand = 'cat /proc/self/setgroups'\n")  # fmt: skip
    done = made.run()
    if user == 0:
        assert (done.returncode, "| allow" in done.stdout) == (0, True), done
    else:
        assert done.returncode == 125, done
        assert "cannot allow setgroups" in done.stderr
    assert user in (0, ORDINARY, os.geteuid())
