"""The lines of /proc/PID/mountinfo."""

from __future__ import annotations

from nsinit.kernel import mountinfo


def test_line_is_read_when_it_has_tags_and_escapes() -> None:
    """As proc_pid_mountinfo(5) has it."""
    text = (
        "36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=x\n"
        "37 36 0:1 / /x ro - tmpfs none rw\n"
        "broken\n"
    )
    first, second = mountinfo.parse(text)
    assert first == mountinfo.Mount(
        36, 35, "98:0", "/mnt1", "/mnt/a b", ("rw", "noatime"), ("shared:1", "master:2"),
        "ext3", "/dev/root", ("rw", "errors=x"),
    )  # fmt: skip
    assert second.tags == ()
    assert second.options == ("ro",)


def test_own_mounts_are_read_when_there_is_a_proc() -> None:
    """At least the root and that."""
    assert {"/", "/proc"} <= {mount.target for mount in mountinfo.read()}
