"""A root that somebody else has made, and root in it: neither reaches the machine."""

from __future__ import annotations

import os
import pathlib
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.roots import main_service, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

ZERO = os.makedev(1, 5)  # a device of the machine that everybody may open


@pytest.mark.row(22, 63)
def test_device_in_the_root_is_none_when_root_opens_it(
    box: MakeBox, rootfs: pathlib.Path, user: int
) -> None:
    """Also through an overlay; a root that came as an archive may have any."""
    if user == 0:
        os.mknod(rootfs / "zero", stat.S_IFCHR | 0o666, ZERO)
    probe = main_service("(: < /zero) 2>/dev/null; echo code $?")
    for keys in (f'rootfs = "{rootfs}"', f'overlay = {{lower = ["{rootfs}"], ephemeral = true}}'):
        assert words(box(f"[sandbox]\n{keys}\n" + probe).run(), "code") != ["0"]


@pytest.mark.row(47, 63)
@pytest.mark.parametrize("place", ["/", "/dev/", "/tmp/"])
def test_device_is_not_made_when_root_tries(box: MakeBox, rootfs: pathlib.Path, place: str) -> None:
    """Nobody has a list of the devices that may be opened: so none can be made."""
    script = (
        f"mknod {place}x c 1 5 2>/dev/null; echo made $?; (: < {place}x) 2>/dev/null; echo code $?"
    )
    done = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service(script)).run()
    assert words(done, "made") != ["0"]
    assert words(done, "code") != ["0"]


@pytest.mark.row(63)
@pytest.mark.parametrize("users", ["", 'users = {map = "keep"}'])
def test_device_of_the_machine_stays_as_it_is_when_root_changes_its_mode(
    box: MakeBox, rootfs: pathlib.Path, users: str
) -> None:
    """What masks a file, and what is bound where no device can be made, is the machine's own."""
    # To what it is: where it succeeds nothing has changed.
    null = pathlib.Path("/dev/null").stat()
    mode = format(stat.S_IMODE(null.st_mode), "o")
    script = (
        f"chmod {mode} /proc/keys 2>/dev/null; echo mask $?\n"
        "for name in null zero full random urandom tty; do\n"
        f"[ $(stat -c %d.%i /dev/$name) = {null.st_dev}.{null.st_ino} ] || continue\n"
        f"chmod {mode} /dev/$name 2>/dev/null; echo null $?\n"
        "done\n"
        "echo x > /dev/null; echo wrote $?; echo size $(cat /proc/keys | wc -c)"
    )
    done = box(f'[sandbox]\nrootfs = "{rootfs}"\n{users}\n' + main_service(script)).run()
    assert words(done, "mask") != ["0"]
    assert "null 0" not in done.stdout
    assert words(done, "wrote") == ["0"]
    assert words(done, "size") == ["0"]


@pytest.mark.row(22)
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tmp", "/", "/tmp leads to the root itself"),
        ("dev", "/", "/dev leads to the root itself"),
        ("proc", "..", "/proc leads to the root itself"),
        ("proc", "/dev", "a link or a mount has taken the place of its /proc"),
        ("dev", "../../tmp/x", "a link or a mount has taken the place of its /dev"),
        ("dev", "dev", "/dev in the root is to be a directory, or a link to one in it"),
        ("proc", "/etc/passwd", "what is in the root at /proc is no directory"),
    ],
)
def test_sandbox_is_refused_when_links_of_the_root_are_in_the_way(
    box: MakeBox, rootfs: pathlib.Path, name: str, text: str, said: str
) -> None:
    """With a word, and not by an init that finds nothing any more."""
    (rootfs / name).symlink_to(text)
    done = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("true")).run()
    assert done.returncode == 125
    assert said in done.stderr
    assert "internal error" not in done.stderr


@pytest.mark.parametrize("text", ["/host", "host", "../../../host"])
def test_links_stay_within_the_root_when_they_are_places_of_mounts(
    box: MakeBox, rootfs: pathlib.Path, text: str
) -> None:
    """A /dev and an /etc that are links, absolute or not, are looked up in the root."""
    (rootfs / "dev").symlink_to(text)
    (rootfs / "etc").rename(rootfs / "config")
    (rootfs / "etc").symlink_to("/config")
    keys = f'rootfs = "{rootfs}"\nhostname = "inside"\n'
    done = box(
        f"[sandbox]\n{keys}"
        + main_service("echo names $(ls /host); echo host $(cat /etc/hostname)")
    ).run()
    assert {"null", "pts"} <= set(words(done, "names"))
    assert words(done, "host") == ["inside"]
    assert not pathlib.Path("/host").exists()


@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # to hide /dev
@pytest.mark.parametrize("other", ["", "echo secret > /dev/null && "])
def test_cause_is_told_when_there_is_no_null_device_to_mask_files_by(
    box: MakeBox, rootfs: pathlib.Path, other: str
) -> None:
    """The file that is missing, or is another, is not the one that is to be hidden."""
    made = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("true"))
    hide = f'mount -t tmpfs x /dev && {other}exec "$@"'
    made.program = ["unshare", "-m", "sh", "-c", hide, "sh", *made.program]
    done = made.run()
    assert done.returncode == 125
    assert "a file is masked by /dev/null, which there is not on this machine" in done.stderr
