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


def test_line_is_left_out_when_its_numbers_are_none() -> None:
    """The rest of the file is read all the same."""
    rest = "3 2 0:1 / /x ro - tmpfs none rw\n"
    for number in ("x", "", "\u00b2", "-", "9" * 5000):
        assert len(mountinfo.parse(f"{number} 35 98:0 / /a rw - ext3 none rw\n{rest}")) == 1
        assert len(mountinfo.parse(f"35 {number} 98:0 / /a rw - ext3 none rw\n{rest}")) == 1


def test_backslash_stays_when_no_octal_number_follows() -> None:
    """What is no escape of the kernel's is itself."""
    (mount,) = mountinfo.parse(r"1 2 0:1 /\999 /a\4\ rw - tmpfs \134\u00b2\\ rw")
    assert (mount.root, mount.target, mount.source) == (r"/\999", "/a\\4\\", "\\\\u00b2\\\\")
