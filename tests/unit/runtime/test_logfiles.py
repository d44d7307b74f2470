"""Packing of rotated log files: the right one, once, whatever happens to the files meanwhile."""

from __future__ import annotations

import errno
import gzip
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from nsinit.errors import SpawnError
from nsinit.model.logs import FileRules
from nsinit.runtime.handover import pack, unpack
from nsinit.runtime.logfiles import LogFiles
from nsinit.runtime.logstate import FilesState, JobState
from nsinit.runtime.tally import Tallies

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from nsinit.process.program import Program


class Packer:
    """Stands in for the child: packs when the test says so."""

    def __init__(self, path: pathlib.Path, error: SpawnError | None = None) -> None:
        self.path = path
        self.error = error
        self.told: list[str] = []
        self.begun: list[tuple[Callable[[int], None], int, int]] = []
        rules = FileRules(str(path), max_size=10, keep=3, line_limit=5)
        self.files = self._make()
        self.tap = self.files.tap("a", rules, shared=False)

    def _make(self) -> LogFiles:
        null = os.open(os.devnull, os.O_RDWR)
        return LogFiles(lambda _, text: self.told.append(text), self._start, null)

    def _start(self, program: Program, ended: Callable[[int], None]) -> int:
        if self.error is not None:
            raise self.error
        self.begun.append((ended, os.dup(program.fds[0]), os.dup(program.fds[1])))
        return 2**22 + 1  # no process: its priority can't be set

    def work(self) -> Callable[[int], None]:
        """One child does its work and ends; init hears of that when it is called."""
        ended, reader, writer = self.begun.pop(0)
        with open(reader, "rb") as source, open(writer, "wb") as made:
            made.write(gzip.compress(source.read()))
        return ended

    def end(self, code: int = 0) -> None:
        """One child ends."""
        self.work()(code)

    def replace(self, **changed: object) -> None:
        """Let another init go on, with another state of the job; the child stays the same."""
        state = self.files.export([self.tap], lambda fd: fd)
        assert state.job is not None
        job = msgspec.to_builtins(state.job)
        job = {key: value for key, value in (job | changed).items() if value is not None}
        state = msgspec.structs.replace(state, job=unpack(pack(job), JobState))
        ((_, *ends),) = self.begun
        self.files = self._make()

        def watch(_: int, ended: Callable[[int], None]) -> None:
            self.begun[:] = [(ended, ends[0], ends[1])]

        (self.tap,) = self.files.adopt(unpack(pack(state), FilesState), watch, Tallies())

    def names(self) -> list[str]:
        return sorted(name.removeprefix("x.log") for name in os.listdir(self.path.parent))


@pytest.fixture
def packer(tmp_path: pathlib.Path) -> Packer:
    """Four lines, each in its file; the oldest is being packed."""
    made = Packer(tmp_path / "x.log")
    for number in range(3):
        made.tap.write(f"number {number}\n".encode())
    assert made.names() == ["", ".1", ".2", ".gz-new"]
    return made


def test_second_newest_is_packed_when_files_rotate(packer: Packer) -> None:
    """The newest stays readable; time and mode are those of what was packed."""
    before = packer.path.with_name("x.log.2").stat()
    packer.end()
    assert packer.names() == ["", ".1", ".2.gz"]
    packed = packer.path.with_name("x.log.2.gz")
    assert gzip.decompress(packed.read_bytes()) == b"number 0\n"
    after = packed.stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)


def test_right_file_is_replaced_when_it_was_rotated_meanwhile(packer: Packer) -> None:
    """One child at a time; it is found by its inode, wherever it is."""
    packer.tap.write(b"number 3\n")
    assert packer.names() == ["", ".1", ".2", ".3", ".gz-new"]
    assert len(packer.begun) == 1
    packer.end()
    packer.end()
    assert packer.names() == ["", ".1", ".2.gz", ".3.gz"]
    for number in (2, 3):
        data = packer.path.with_name(f"x.log.{number}.gz").read_bytes()
        assert gzip.decompress(data) == f"number {3 - number}\n".encode()


def test_work_is_thrown_away_when_its_file_is_gone(packer: Packer) -> None:
    """Rotated out of existence while it was packed."""
    for number in (3, 4):
        packer.tap.write(f"number {number}\n".encode())
    packer.end()
    assert packer.names() == ["", ".1", ".2", ".3", ".gz-new"]


def test_new_file_stays_when_it_has_the_number_of_the_packed_one(packer: Packer) -> None:
    """Between the end of the child and init's hearing of it a number may be given once more."""
    if not _gives_numbers_again(packer.path.parent):
        pytest.skip("this file system does not give the number of a deleted file to a new one")
    ended = packer.work()
    for number in (3, 4, 5, 6):
        packer.tap.write(f"number {number}\n".encode())
    ended(0)
    assert packer.names() == ["", ".1", ".2", ".3", ".gz-new"]
    for number in (0, 1, 2, 3):
        path = packer.path.with_name(f"x.log.{number}" if number else "x.log")
        assert path.read_text() == f"number {6 - number}\n"


def _gives_numbers_again(directory: pathlib.Path) -> bool:
    """Whether the next file gets the inode of one that was deleted."""
    seen = set()
    for _ in range(3):
        path = directory / "probe"
        path.touch()
        seen.add(path.stat().st_ino)
        path.unlink()
    return len(seen) < 3


def test_packing_goes_on_when_init_is_replaced(packer: Packer) -> None:
    """What the child makes takes the place of the same file, for the next init too."""
    packer.replace()
    packer.tap.write(b"number 3\n")
    packer.end()
    packer.end()
    assert packer.names() == ["", ".1", ".2.gz", ".3.gz"]
    for number in (2, 3):
        data = packer.path.with_name(f"x.log.{number}.gz").read_bytes()
        assert gzip.decompress(data) == f"number {3 - number}\n".encode()


def test_file_is_packed_once_more_when_an_older_init_has_not_kept_it(packer: Packer) -> None:
    """Its state names no descriptor: nobody knows which file has that number by now."""
    packer.replace(fd=None)
    packer.end()
    assert packer.names() == ["", ".1", ".2", ".gz-new"]
    packer.end()
    assert packer.names() == ["", ".1", ".2.gz"]


def test_descriptors_are_as_many_as_before_when_packing_is_over(
    packer: Packer, fail: Callable[[str], None]
) -> None:
    """Packed, failed, or gone."""
    packer.end()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(3, 12):
        packer.tap.write(f"number {number}\n".encode())
        while packer.begun:
            fail("rename:EACCES" if number == 7 else "")
            packer.end(code=number % 2)
        fail("")
    assert len(os.listdir("/proc/self/fd")) == before


def test_file_stays_plain_when_packing_fails(packer: Packer) -> None:
    """The disk is full, or somebody killed it: the next rotation tries again."""
    packer.end(code=1)
    assert packer.names() == ["", ".1", ".2"]
    packer.tap.write(b"number 3\n")
    packer.end()
    packer.end()
    assert packer.names() == ["", ".1", ".2.gz", ".3.gz"]


def test_packing_ends_when_its_work_cannot_be_renamed(
    packer: Packer, fail: Callable[[str], None]
) -> None:
    """Until the next rotation: no child after child that does the same in vain."""
    fail("rename:EACCES")
    packer.end()
    assert packer.begun == []
    assert packer.names() == ["", ".1", ".2"]


def test_files_stay_plain_when_there_is_no_packer(tmp_path: pathlib.Path) -> None:
    """It is said once."""
    packer = Packer(tmp_path / "x.log", SpawnError("gzip", "find", errno.ENOENT))
    for number in range(6):
        packer.tap.write(f"number {number}\n".encode())
    assert packer.names() == ["", ".1", ".2", ".3"]
    (told,) = packer.told
    assert told.startswith("rotated log files stay unpacked: cannot find gzip")


def test_leftover_is_deleted_when_an_init_before_was_killed(tmp_path: pathlib.Path) -> None:
    """A half-packed file is nobody's."""
    (tmp_path / "x.log.gz-new").write_bytes(b"half")
    assert Packer(tmp_path / "x.log").names() == [""]


def test_every_byte_is_in_one_file_when_rules_change_under_an_old_run(
    tmp_path: pathlib.Path,
) -> None:
    """What the run before has left writes on, through rotations, beside the new run."""
    packer = Packer(tmp_path / "x.log")
    other = FileRules(str(packer.path), max_size=40, keep=50, line_limit=10, compress=False)
    new = packer.files.tap("a", other, shared=False)
    for n in range(20):
        packer.tap.write(b"old%d\n" % n)
        new.write(b"new%d\n" % n)
    packer.tap.end()
    paths = [packer.path, *packer.path.parent.glob(packer.path.name + ".*")]
    assert all(path.stat().st_size <= 40 for path in paths)
    lines = b"".join(path.read_bytes() for path in paths).split()
    assert sorted(lines) == sorted(
        b"%b%d" % (who, n) for who in (b"old", b"new") for n in range(20)
    )


def test_file_is_closed_when_nobody_writes_to_it(packer: Packer) -> None:
    """However many paths there were; and it is opened again by the next run."""
    before = len(os.listdir("/proc/self/fd"))
    for n in range(5):
        rules = FileRules(f"{packer.path}-{n}")
        tap = packer.files.tap("a", rules, shared=False)
        tap.write(b"x\n")
        tap.end()
    assert len(os.listdir("/proc/self/fd")) == before
    assert packer.files.reopen() == 1
    tap = packer.files.tap("a", rules, shared=False)
    tap.write(b"y\n")
    tap.end()
    with open(rules.path, "rb") as file:
        assert file.read() == b"x\ny\n"
