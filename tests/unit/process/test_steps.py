"""Steps are taken in order, and taken back in reverse where one fails."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from nsinit.process.steps import Born, Bound, Enclosure, StepError, Taken, run

if TYPE_CHECKING:
    from collections.abc import Callable

Log = list[str]


class Note:
    """A step that writes down what is done with it, and fails as it is told."""

    def __init__(self, log: Log, name: str, apply: int = 0, undo: int = 0) -> None:
        self._log, self._name, self._apply, self._undo = log, name, apply, undo

    def describe(self) -> str:
        """Its name."""
        return f"do {self._name}"

    def apply(self) -> None:
        """Note it, or fail."""
        if self._apply:
            raise OSError(self._apply, os.strerror(self._apply))
        self._log.append(f"+{self._name}")

    def undo(self) -> None:
        """Note it, or fail."""
        self._log.append(f"-{self._name}")
        if self._undo:
            raise OSError(self._undo, os.strerror(self._undo))

    def remedy(self, number: int) -> str:
        """Something for EPERM alone."""
        return "be root" if number == errno.EPERM else ""


class Attach:
    """A step that is done to an init."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def describe(self) -> str:
        """What it does."""
        return "attach"

    def apply(self, init: Born) -> None:
        """Note whom."""
        self._log.append(f"+attach {init.pid}")

    def undo(self) -> None:
        """Note it."""
        self._log.append("-attach")

    def remedy(self, number: int) -> str:
        """The errno itself."""
        return str(number)


@pytest.fixture
def note() -> tuple[Log, Callable[..., Note]]:
    """What was done, and how to make steps that write there."""
    log: Log = []
    return log, lambda *words, **errors: Note(log, *words, **errors)


def test_steps_are_undone_backwards_when_one_fails(note: tuple[Log, Callable[..., Note]]) -> None:
    """The one that failed is not undone; the error names it and says what to do."""
    log, step = note
    with pytest.raises(StepError, match=r"^cannot do c: Operation not permitted$") as caught:
        run([step("a"), step("b", undo=errno.EIO), step("c", apply=errno.EPERM), step("d")])
    assert log == ["+a", "+b", "-b", "-a"]
    assert (caught.value.errno, caught.value.remedy) == (errno.EPERM, "be root")


def test_nothing_is_undone_when_all_steps_succeed(note: tuple[Log, Callable[..., Note]]) -> None:
    """They stand."""
    log, step = note
    run([step("a"), step("b")])
    assert log == ["+a", "+b"]


def test_taken_steps_are_undone_once_when_taken_in_parts(
    note: tuple[Log, Callable[..., Note]],
) -> None:
    """The launcher takes those of the host, then those of the parent; any later failure counts."""
    log, step = note
    taken = Taken()
    taken.take([step("host")])
    attach = Bound(Attach(log), Born(7, -1))
    assert (attach.describe(), attach.remedy(5)) == ("attach", "5")
    with pytest.raises(StepError, match="cannot do x: No such file"):
        taken.take([attach, step("x", apply=errno.ENOENT)])
    taken.undo()
    taken.undo()
    assert log == ["+host", "+attach 7", "-attach", "-host"]


def test_error_is_told_when_it_has_no_number(note: tuple[Log, Callable[..., Note]]) -> None:
    """As it says itself; what is not asked for encloses nothing."""
    error = StepError(note[1]("x"), OSError("odd"))
    assert (str(error), error.errno) == ("cannot do x: odd", 0)
    assert Enclosure() == ((), (), "", (), (), (), ())
