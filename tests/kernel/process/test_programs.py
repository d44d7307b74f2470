"""Programs of others, run by the launcher: found, fed, listened to, and given up."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import proc, seam
from nsinit.process import programs
from nsinit.process.programs import Ended, find, run

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


def _sh(script: str, text: str = "", seconds: float = 60) -> Ended:
    return run("/bin/sh", ["sh", "-c", script], text, seconds)


def test_program_is_found_when_only_another_is_in_path(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be executed, is no file or is relative does not count."""
    for name, mode in (("a", 0o644), ("b", 0o755)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").touch(mode)
    (tmp_path / "c" / "tool").mkdir(parents=True)
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"d:b::{tmp_path}/d:{tmp_path}/a:{tmp_path}/c")
    assert find("tool") == ""
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/c:{tmp_path}/b")
    assert find("tool") == f"{tmp_path}/b/tool"


def test_program_is_found_when_path_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it usually is."""
    monkeypatch.delenv("PATH")
    assert find("sh") in ("/usr/bin/sh", "/bin/sh")
    assert find("no-such-program") == ""


@pytest.mark.parametrize(
    ("script", "ended"),
    [
        ("echo a; echo b >&2", Ended(0, "a\nb\n")),
        ("exit 3", Ended(3, "")),
        ("kill -9 $$", Ended(137, "")),
        ("printf '\\377'", Ended(0, "\\xff")),
        ("cat", Ended(0, "a\nb")),
        ("echo $PATH:$LC_ALL:$#; exit 1", Ended(1, f"{programs.PATH}:C:0\n")),
        ("env | grep -c =", Ended(0, "3\n")),  # PWD is the shell's own
        ("kill -TERM $$; echo no", Ended(143, "")),
    ],
)
def test_what_it_said_is_told_when_a_program_has_ended(script: str, ended: Ended) -> None:
    """And how it ended, as a shell tells that."""
    assert _sh(script, "a\nb") == ended


def test_end_is_told_when_somebody_else_keeps_its_output_open() -> None:
    """Nobody waits for what it has left; what it said is there."""
    made = _sh("sleep 60 & echo $!")
    assert made.code == 0
    os.kill(int(made.said), signal.SIGKILL)


def test_last_words_are_there_when_it_closes_its_output_early() -> None:
    """Its end is waited for all the same."""
    assert _sh("echo a; exec >&- 2>&-; sleep 0.1; exit 7") == Ended(7, "a\n")


def test_program_is_killed_when_it_takes_too_long() -> None:
    """What it said until then is told."""
    made = _sh("echo $$; exec sleep 60", seconds=0.3)
    assert made.code is None
    assert proc.stat(int(made.said)) is None


def test_input_may_be_long_when_it_is_not_read() -> None:
    """A file, so nobody waits; output that nobody wants is left out."""
    text = "x" * 300_000
    assert _sh("wc -c", text) == Ended(0, "300000\n")
    assert _sh("true", text) == Ended(0, "")
    made = _sh("head -c 300000 /dev/zero | tr '\\0' y; exit 2")
    assert made.code == 2
    assert 1 << 16 <= len(made.said) < 1 << 17


def test_signals_are_as_usual_when_our_own_are_not() -> None:
    """Python ignores two that programs want to end by; and all are blocked in an init."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        made = _sh("grep -E 'Sig(Blk|Ign)' /proc/self/status")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    blocked, ignored = (int(line.split()[1], 16) for line in made.said.splitlines())
    assert blocked == 0
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


@pytest.mark.parametrize(
    "fault", ["memfd_create:EMFILE", "pipe:EMFILE", "fork:EAGAIN", "write:ENOSPC"]
)
def test_nothing_is_left_open_when_it_can_not_be_run(
    fault: str, failing: Callable[[str], None], descriptors: Callable[[], list[str]]
) -> None:
    """Each step may fail."""
    before = descriptors()
    failing(fault)
    with pytest.raises(OSError, match=r"."):
        _sh("true", "text")
    seam.inject(None)
    assert descriptors() == before
    with pytest.raises(FileNotFoundError):
        run("/no/such", ["x"], "", 5)
    _sh("true")
    assert descriptors() == before


def test_nothing_is_told_when_somebody_else_has_reaped_it(failing: Callable[[str], None]) -> None:
    """Its status is lost then; a KILL that fails is no trouble either."""
    real = seam.waitid

    def none(*_: object) -> None:
        real(os.P_ALL, 0, os.WEXITED)

    seam.waitid = none  # restored below
    try:
        assert _sh("echo a") == Ended(None, "a\n")
    finally:
        seam.waitid = real
    failing("kill:ESRCH")
    made = _sh("echo a; exec sleep 0.6", seconds=0.2)
    assert made == Ended(None, "a\n")
