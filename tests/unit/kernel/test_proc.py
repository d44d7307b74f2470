"""The text of /proc/PID/stat."""

from __future__ import annotations

import pytest

from nsinit.kernel.proc import Stat, parse_stat

REST = b"S 1 40 30 0 -1 4194560 100 0 0 0 1 2 3 4 20 0 1 0 987654 1000 200 18446744073709551615"


@pytest.mark.parametrize(
    "name",
    [
        b"cat", b"", b"a b", b"(sd-pam)", b") S 9 9 9", b"a) b", b")))", b"a\nb", b"a) S 1\n2",
        b"\xff\xfe", b"12 (x) R 3",
    ],
)  # fmt: skip
def test_stat_is_read_when_the_name_is_anything(name: bytes) -> None:
    """A process may call itself as it likes (prctl(2))."""
    assert parse_stat(b"42 (" + name + b") " + REST) == Stat(42, "S", 1, 40, 30, 987654)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"42",
        b"42 (cat)",
        b"42 (cat) S 1 40 30",
        b"(cat) " + REST,
        b"x (cat) " + REST,
        b"-1 (cat) " + REST,
        b"42 (cat) " + REST.replace(b"987654", b"many"),
        b"42 (cat) " + REST.replace(b"S 1", b"S x"),
        b"42 (cat " + REST,
    ],
)
def test_nothing_is_read_when_the_text_is_cut_off_or_odd(data: bytes) -> None:
    """Then the process is treated as gone."""
    assert parse_stat(data) is None


def test_nothing_is_read_when_the_pid_has_too_many_digits() -> None:
    """No kernel says so; but the rest of the text is guarded against the same."""
    assert parse_stat(b"9" * 5000 + b" (cat) " + REST) is None
