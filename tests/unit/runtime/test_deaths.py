"""The last ends of runs: kept per service, bounded in all, and taken along."""

from __future__ import annotations

from nsinit.kernel import seam
from nsinit.runtime import recalled
from nsinit.runtime.deaths import PER_SERVICE, Death, Deaths
from nsinit.runtime.lines import Block
from nsinit.runtime.ring import Rings


def death(service: str, run: int, output: bytes = b"") -> Death:
    """An end, at the time of its number."""
    return Death(service=service, run=run, at=float(run), seconds=1.0, output=output)


def test_newest_ends_are_kept_when_there_are_too_many() -> None:
    """So many of one service; of all together, the oldest goes first, whoever made the noise."""
    deaths = Deaths(total=100_000)
    for run in range(1, 100):
        deaths.add(death("noisy", run))
    assert [one.run for one in deaths.of("noisy")] == list(range(99, 99 - PER_SERVICE, -1))
    deaths.add(death("quiet", 200))
    for run in range(201, 230):
        deaths.add(death(f"big{run}", run, b"x" * 4000))
    assert deaths.of("noisy") == []
    assert deaths.of("quiet") == []
    assert 18 <= len(deaths.names) <= 25
    assert sum(len(one.output) for one in deaths) <= 100_000


def test_end_is_completed_when_nothing_is_left_of_its_run() -> None:
    """Its result is known then, and its last line; that of another run is left alone."""
    deaths = Deaths()
    deaths.add(death("a", 1, b"early\n"))
    assert deaths.finish("a", 1, "signal", "why", b"early\nlate\n")
    assert not deaths.finish("a", 2, "exit-code", "", b"")
    assert not deaths.finish("b", 1, "exit-code", "", b"")
    (one,) = deaths.of("a")
    assert (one.result, one.text, one.output) == ("signal", "why", b"early\nlate\n")
    rows = recalled.pack_deaths(deaths)
    assert list(recalled.unpack_deaths([*rows, b"rubbish"])) == [one]


def test_last_words_are_those_of_the_run_when_asked_for() -> None:
    """So many lines and bytes at most, and nothing of the run before."""
    rings = Rings()
    rings.limit("a", 10_000)
    for run, text in ((1, b"old\n"), (2, b"one\ntwo\n"), (2, b"three\n")):
        rings.add(seam.wall(), "a", run, "stdout", Block(text))
    assert rings.last_words("a", 2, 2, 100) == b"two\nthree\n"
    assert rings.last_words("a", 2, 9, 100) == b"one\ntwo\nthree\n"
    assert rings.last_words("a", 2, 9, 8) == b"o\nthree\n"
    assert rings.last_words("a", 3, 9, 100) == rings.last_words("b", 1, 9, 9) == b""
