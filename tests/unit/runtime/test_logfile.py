"""One log file against what people and programs do to files."""

from __future__ import annotations

import errno
import json
import os
import stat
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam
from nsinit.model.logs import FileRules
from nsinit.runtime.logfile import LogFile

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


class Told:
    """A log file in a directory, and what it has told."""

    def __init__(self, path: pathlib.Path, **rules: object) -> None:
        self.path = path
        self.told: list[str] = []
        made = FileRules(str(path), **rules)  # type: ignore[arg-type]  # of the test's own choice
        self.file = LogFile(made, "a", lambda level, text: self.told.append(f"{level}: {text}"))

    def write(self, text: str, who: str = "me") -> None:
        """As if some time had passed."""
        self.file._retry_at = self.file._look_at = 0.0
        self.file.write(text.encode(), who)

    @property
    def text(self) -> str:
        return self.path.read_text()


@pytest.fixture
def log(tmp_path: pathlib.Path) -> Told:
    """With the default rules."""
    return Told(tmp_path / "x.log")


def test_mode_and_owner_are_as_asked_when_a_file_is_made(tmp_path: pathlib.Path) -> None:
    """The umask has no say; what is there already keeps its mode."""
    me = os.geteuid()
    before = os.umask(0o077)
    try:
        made = Told(tmp_path / "x", mode=0o664, owner=f"{me}:{os.getegid()}")
        made.write("x\n")
        (tmp_path / "y").touch(0o600)
        Told(tmp_path / "y", mode=0o664).write("x\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o664
    assert stat.S_IMODE((tmp_path / "y").stat().st_mode) == 0o600
    assert made.told == []


def test_file_is_written_when_its_owner_does_not_exist(tmp_path: pathlib.Path) -> None:
    """A warning, once."""
    made = Told(tmp_path / "x", owner="no-such-user", max_size=4, line_limit=1)
    for _ in range(3):
        made.write("abc\n")
    assert made.text == "abc\n"
    assert len(made.told) == 1
    assert "cannot set the owner and mode" in made.told[0]
    assert "no-such-user" in made.told[0]


def test_directory_is_asked_for_when_it_is_missing(tmp_path: pathlib.Path) -> None:
    """Once; everything is counted; it goes on when the directory is there."""
    made = Told(tmp_path / "d" / "x.log")
    for _ in range(3):
        made.write("lost\n")
    assert made.file.dropped == 15
    (warning,) = made.told
    assert warning == (
        f"warning: a: cannot open {made.path}: No such file or directory (make the directory); "
        "what it should take is dropped and counted"
    )
    made.path.parent.mkdir()
    made.write("kept\n")
    assert made.text == "nsinit | 15 bytes were dropped here: they could not be written\nkept\n"
    assert made.told[1:] == [
        f"info: a: {made.path} can be written again; 15 bytes of it were dropped so far"
    ]
    made.write("more\n")
    assert made.text.endswith("\nkept\nmore\n")


@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EIO", "EDQUOT"])
def test_loss_is_told_once_when_writes_fail(
    log: Told, fail: Callable[[str], None], error: str
) -> None:
    """The rest of a line that was lost is lost too: what is in the file is whole lines."""
    log.write("one\nbegun ")
    fail(f"write:{error}")
    log.write("and lost\n")
    log.write("lost\nlost ")
    fail("")
    log.write("its end\n")
    log.write("two\n")
    assert log.text == (
        "one\nbegun \nnsinit | 27 bytes were dropped here: they could not be written\ntwo\n"
    )
    assert log.file.dropped == len("and lost\nlost\nlost its end\n")
    warning, info = log.told
    assert f"cannot write to {log.path}: {os.strerror(getattr(errno, error))}" in warning
    assert "27 bytes of it were dropped" in info


def test_complaints_are_rare_when_a_disk_is_full_again_and_again(
    log: Told, fail: Callable[[str], None]
) -> None:
    """One warning in half a minute, whatever happens."""
    for _ in range(10):
        fail("write:ENOSPC")
        log.write("lost\n")
        fail("")
        log.write("kept\n")
    assert [text.split(":")[0] for text in log.told] == ["warning", "info"]


def test_nothing_is_tried_when_it_has_just_failed(log: Told, fail: Callable[[str], None]) -> None:
    """A full disk costs a noisy service no system calls."""
    fail("write:ENOSPC")
    log.write("lost\n")
    fail("")
    log.file.write(b"lost too\n", "me")
    assert log.file.dropped == 14
    assert log.text == ""


def test_link_is_refused_when_it_stands_for_a_log(log: Told) -> None:
    """Who may write to the directory must not choose what root appends to."""
    target = log.path.with_name("target")
    target.touch()
    log.path.symlink_to(target)
    log.write("x\n")
    assert target.read_text() == ""
    assert "symbolic link" in log.told[0]


@pytest.mark.parametrize("kind", ["fifo", "directory"])
def test_reason_is_told_when_it_is_no_file(log: Told, kind: str) -> None:
    """And opening it does not wait."""
    if kind == "fifo":
        os.mkfifo(log.path)
    else:
        log.path.mkdir()
    log.write("x\n")
    assert len(log.told) == 1
    assert log.file.dropped == 2


def test_file_comes_back_when_it_is_deleted(log: Told) -> None:
    """Without a signal: nobody could read what goes to a deleted file."""
    log.write("one\n")
    log.path.unlink()
    log.write("two\n")
    assert log.text == "two\n"
    assert log.told == []


def test_new_file_is_written_when_reopened_after_a_move(log: Told) -> None:
    """What logrotate does by default: rename, create, signal."""
    log.write("one\n")
    log.path.rename(moved := log.path.with_suffix(".old"))
    log.write("two\n")
    log.path.touch()
    assert log.file.reopen()
    log.write("three\n")
    assert moved.read_text() == "one\ntwo\n"
    assert log.text == "three\n"


def test_writing_goes_on_at_the_start_when_a_file_is_truncated(tmp_path: pathlib.Path) -> None:
    """Logrotate's copytruncate leaves no hole, and the size that counts is the real one."""
    log = Told(tmp_path / "x.log", max_size=20, line_limit=5)
    log.write("123456789\n")
    os.truncate(log.path, 0)
    log.file._retry_at = 0.0
    log.file.write(b"abcdefghi\njklmnopqr\n", "me")
    assert log.text == "abcdefghi\njklmnopqr\n"
    assert os.listdir(tmp_path) == ["x.log"]


def test_file_of_others_stays_when_it_has_our_name(tmp_path: pathlib.Path) -> None:
    """Moved and made anew without a signal: no rotation of what is not ours."""
    log = Told(tmp_path / "x.log", max_size=20, line_limit=5)
    log.write("1234567890123456\n")
    log.path.rename(tmp_path / "moved")
    log.path.write_text("theirs\n")
    log.write("next\n")
    assert log.text == "theirs\nnext\n"
    assert sorted(os.listdir(tmp_path)) == ["moved", "x.log"]


def test_line_gets_its_end_when_another_begins(log: Told) -> None:
    """Also after an init that was killed in the middle of a line."""
    log.path.write_text("torn")
    log.write("one\nbegun ")
    log.write("and ended\nleft", "me")
    log.write("two\n", "other")
    assert log.text == "torn\none\nbegun and ended\nleft\ntwo\n"


def test_size_is_bounded_when_renaming_fails(
    tmp_path: pathlib.Path, fail: Callable[[str], None]
) -> None:
    """A directory that init may not write to: nothing is destroyed, nothing grows."""
    log = Told(tmp_path / "x.log", max_size=100, line_limit=5)
    line = "x" * 49 + "\n"
    fail("rename:EACCES")
    for _ in range(10):
        log.write(line)
    assert log.text == line * 2
    assert log.file.dropped == 400
    assert "cannot rotate" in log.told[0]
    fail("")
    log.write("next\n")
    assert log.path.with_name("x.log.1").read_text() == line * 2
    assert log.text.endswith("written\nnext\n")


@pytest.mark.parametrize(("keep", "names"), [(0, []), (1, ["1"]), (2, ["1", "2"])])
def test_number_of_files_is_bounded_when_they_rotate(
    tmp_path: pathlib.Path, keep: int, names: list[str]
) -> None:
    """`keep` of them beside the file itself."""
    log = Told(tmp_path / "x.log", max_size=10, keep=keep, line_limit=5)
    for number in range(6):
        log.write(f"number {number}\n")
    assert log.text == "number 5\n"
    assert sorted(os.listdir(tmp_path)) == ["x.log", *(f"x.log.{name}" for name in names)]
    for name in names:
        assert (tmp_path / f"x.log.{name}").read_text() == f"number {5 - int(name)}\n"


def test_oldest_go_when_a_total_is_reached(tmp_path: pathlib.Path) -> None:
    """All together stay below it."""
    log = Told(tmp_path / "x.log", max_size=10, keep=9, total=35, line_limit=5)
    for number in range(9):
        log.write(f"number {number}\n")
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 35
    assert sorted(os.listdir(tmp_path)) == ["x.log", "x.log.1", "x.log.2"]


def test_loss_is_told_as_json_when_the_file_has_json(
    tmp_path: pathlib.Path, fail: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the file reads every line."""
    monkeypatch.setattr("nsinit.runtime.logfile._PAUSE", 0.0)
    file = LogFile(FileRules(str(tmp_path / "x"), form="json"), "a", lambda *_: None)
    fail("write:ENOSPC")
    file.write(b'{"a":1}\n', "who")
    fail("")
    file.write(b'{"a":2}\n', "who")
    file.close()
    first, second = map(json.loads, (tmp_path / "x").read_text().splitlines())
    assert first["message"].startswith("8 bytes were dropped here")
    assert second == {"a": 2}


@pytest.mark.parametrize("step", [365 * 86_400, -365 * 86_400])
def test_file_is_rotated_by_the_hour_when_the_clock_has_jumped_by_a_year(
    tmp_path: pathlib.Path, step: int
) -> None:
    """There and back: each jump ends one file at most, and each hour after it does."""
    log = Told(tmp_path / "x.log", max_size=0, keep=100, rotate="hourly")
    at = 1_767_225_600 + 60
    counts: list[int] = []
    try:
        for change in (0, 3600, step, 0, 3600, 3600, -step, 0, 3600, 3600):
            at += change
            seam.set_clock(seam.Clock(str(at)))
            log.write("x\n")
            counts.append(len(log.file.slots()))
    finally:
        seam.set_clock(None)
    there, back = (1, 0) if step > 0 else (0, 1)
    steps = [after - before for before, after in pairwise(counts)]
    assert steps == [1, there, 0, 1, 1, back, 0, 1, 1]
