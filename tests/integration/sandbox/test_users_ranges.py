"""Ranges of ids, by newuidmap and newgidmap for an ordinary user, and by root itself."""

from __future__ import annotations

import contextlib
import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ORDINARY, ROOT, eventually, status_field
from tests.support.ranges import FIRST, GRANTED, SIZE, RangedBox, lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[..., RangedBox]

WHO = "echo $0 $(id -u) $(id -g) $(id -G); echo made > ${HERE}/$0; exec sleep 1000"
SERVICES = f"""
[services.root]
command = ["sh", "-c", "{WHO}", "root"]
[services.other]
user = "nobody"
command = ["sh", "-c", "{WHO}", "other"]
"""


@pytest.fixture
def ranged(tmp_path: pathlib.Path) -> Iterator[Make]:
    """Make boxes whose user is in a /etc of the test's own."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a /etc of its own")
    if missing := lacking():
        pytest.skip(f"needs {missing}: Debian's uidmap and util-linux")
    with contextlib.ExitStack() as stack:
        count = 0

        def make(users: str, services: str = SERVICES, **more: object) -> RangedBox:
            nonlocal count
            count += 1
            config = f"[sandbox]\nusers = {users}\n{services}"
            made = RangedBox(tmp_path / f"box{count}", config, **more)  # type: ignore[arg-type]
            stack.callback(made.close)
            return made

        yield make


def owner(made: RangedBox, name: str) -> int:
    """Who owns, outside, what a service made."""
    found: os.stat_result = eventually(
        lambda: (made.directory / name).exists() and (made.directory / name).stat(), f"{name} made"
    )
    return found.st_uid


def map_of(made: RangedBox, which: str) -> list[list[int]]:
    """The map of its init as the host sees it."""
    text = pathlib.Path(f"/proc/{made.pid}/{which}_map").read_text()
    return [[int(word) for word in line.split()] for line in text.splitlines()]


@pytest.mark.row(31)
def test_services_have_users_of_their_own_when_rootless_with_ranges(ranged: Make) -> None:
    """Root is the caller, nobody is in the range; files belong to them outside."""
    made = ranged('"auto"').start()
    rows = [[0, ORDINARY, 1], [1, FIRST, SIZE]]
    assert made.wait_for_line("root 0 0").split("| ")[1] == "root 0 0 0"
    assert made.wait_for_line("other 655").split("| ")[1] == "other 65534 65534 65534 50"
    assert map_of(made, "uid") == map_of(made, "gid") == rows
    assert owner(made, "root") == ORDINARY
    assert owner(made, "other") == FIRST + 65533
    assert pathlib.Path(f"/proc/{made.pid}/setgroups").read_text() == "allow\n"
    assert made.client.version()["pid"] == 1
    assert made.stop() == 0


@pytest.mark.row(30, 31)
@pytest.mark.parametrize(
    "users",
    [
        f'{{uid_map = "0 {FIRST} {SIZE}", gid_map = [0, {FIRST}, {SIZE}]}}',
        '{map = "auto", subordinate = "ann"}',
        f'{{map = "auto", subordinate = {ORDINARY}}}',
    ],
)
def test_root_inside_is_the_first_of_the_range_when_root_starts_it(
    ranged: Make, users: str
) -> None:
    """As docker's --userns-remap does it: no process inside has root's id outside."""
    made = ranged(users, user=0).start()
    made.wait_for_line("root 0 0")
    made.wait_for_line("other 65534")
    assert map_of(made, "uid") == map_of(made, "gid") == [[0, FIRST, SIZE]]
    assert owner(made, "root") == FIRST
    assert owner(made, "other") == FIRST + 65534
    assert status_field(made.pid, "Uid").split() == [str(FIRST)] * 4
    assert made.client.version()["pid"] == 1
    assert made.stop() == 0


def test_service_has_its_score_when_init_changed_its_uid(ranged: Make) -> None:
    """Though a process whose uid has changed owns none of its files in /proc."""
    services = (
        "[services.a]\nmain = true\nuser = 'nobody'\noom_score_adj = 100\n"
        "command = 'cat /proc/self/oom_score_adj'\n"
    )
    done = ranged('{map = "auto", subordinate = "ann"}', services, user=0).run()
    assert (done.returncode, "| 100" in done.stdout) == (0, True), done


@pytest.mark.row(64)
def test_init_dies_with_its_launcher_when_its_uid_changed(ranged: Make) -> None:
    """The change clears the death signal, so it is set again (prctl(2))."""
    made = ranged('{map = "auto", subordinate = "ann"}', user=0).start()
    made.wait_for_line("root 0 0")
    pid = made.pid
    assert made.process is not None
    made.process.kill()
    made.process.wait()
    eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "init is gone")


@pytest.mark.parametrize(
    ("granted", "rows"),
    [
        (f"{ORDINARY}:{FIRST}:{SIZE}\n", [[0, ORDINARY, 1], [1, FIRST, SIZE]]),
        (f"{GRANTED}ann:{FIRST + SIZE + 5}:10\nbob:5:5\n",
            [[0, ORDINARY, 1], [1, FIRST, SIZE], [SIZE + 1, FIRST + SIZE + 5, 10]]),
    ],
)  # fmt: skip
def test_ranges_are_used_when_granted_by_uid_or_in_parts(
    ranged: Make, granted: str, rows: list[list[int]]
) -> None:
    """Subuid(5) may name the uid; all that is granted is there."""
    made = ranged('"auto"', granted=granted).start()
    made.wait_for_line("other 65534")
    assert map_of(made, "uid") == map_of(made, "gid") == rows


def test_setgroups_is_denied_when_asked_for(ranged: Make) -> None:
    """Then nobody inside can change groups, and a service with another user fails with a reason."""
    made = ranged('{map = "auto", setgroups = "deny"}').start()
    made.wait_for_line("root 0 0")
    assert pathlib.Path(f"/proc/{made.pid}/setgroups").read_text() == "deny\n"
    made.wait_for_line("Operation not permitted")


HANGS = "#!/bin/sh\nexec sleep 1000\n"


@pytest.mark.row(27)
@pytest.mark.parametrize(
    ("users", "more", "words"),
    [
        ('"auto"', {"granted": ""}, "/etc/subuid grants none to ann"),
        ('{uid_map = "0 1 1", gid_map = []}', {}, "uid range [0-1) -> [1-2) not allowed"),
        ('{uid_map = "0 1 1", gid_map = []}', {}, "see what /etc/subuid grants"),
        ('"auto"', {"privs": "--no-new-privs"}, "no_new_privs is set here"),
        ('"auto"', {"helpers": {"newgidmap": "#!/bin/sh\necho no >&2; exit 3\n"}},
            "newgidmap: no"),
        ('"auto"', {"helpers": {"newuidmap": "#!/bin/sh\nkill -9 $$\n"}}, "ended with 137"),
        ('"auto"', {"user": 54322}, "/etc/subuid grants none to 54322"),
        ('{map = "auto", subordinate = "ann"}', {"user": 54322}, "cannot map uids: "),
    ],
)  # fmt: skip
def test_reason_is_told_when_ranges_cannot_be_mapped(
    ranged: Make, users: str, more: dict[str, object], words: str
) -> None:
    """By nsinit where it knows it before, else by the helper in its own words; 125."""
    done = ranged(users, **more).run()
    assert done.returncode == 125, done
    assert words in done.stderr, done.stderr


def test_helper_is_killed_when_it_takes_too_long(ranged: Make) -> None:
    """The launcher does not hang with it."""
    made = ranged('"auto"', helpers={"newuidmap": HANGS})
    made.program = [*made.program[:1], "-c", _HASTY]
    done = made.run()
    assert done.returncode == 125, done
    assert "did not answer within 0 s" in done.stderr


_HASTY = """
from nsinit.isolation import newidmap
from nsinit.__main__ import main
newidmap._TIMEOUT = 0.3
main()
"""


def test_helper_is_missed_when_it_is_not_installed() -> None:
    """With the name of the package."""
    from nsinit.isolation import newidmap

    with pytest.raises(newidmap.HelperError, match="newxidmap is not installed") as caught:
        newidmap.find("newxidmap")
    assert "apt-get install uidmap" in caught.value.remedy


def test_example_of_users_works_when_run(ranged: Make) -> None:
    """config/users.toml: a service of root, and one of a user of its own; neither can nest."""
    made = ranged('"auto"')
    made.config.write_text((ROOT / "config" / "users.toml").read_text())
    done = made.run("run", str(made.config))
    assert done.returncode == 0, done
    assert "root is 0" in done.stdout
    assert "web is nobody in the groups 1 50" in done.stdout
    assert str(FIRST) in done.stdout
