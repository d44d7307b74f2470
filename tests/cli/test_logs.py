"""`nsinit ctl logs` as an operator types it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import DEADLINE, NSINIT, Live, eventually
from tests.support.replacing import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = r"""
[init]
keep_running = true
[services.talker]
command = ["sh", "-c", "echo one; echo two >&2; printf 'caf\\351\\n'; exec sleep 1000"]
min_uptime = 0
[services.worker]
command = ["sh", "-c", "echo hello from {{index}}; exec sleep 1000"]
replicas = 2
min_uptime = 0
[services.long]
command = ["sh", "-c", "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!; exec sleep 1000"]
log = { line_limit = 16 }
min_uptime = 0
"""


@contextlib.contextmanager
def _told() -> Iterator[Live]:
    """One talker that has run twice, two workers, and lines that are cut; all is said."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        made = Live(pathlib.Path(directory), SERVICES, "subreaper")
        try:
            made.start()
            for name in ("talker", "worker@1", "worker@2", "long"):
                made.wait_for(name, "running")
            eventually(lambda: len(rows(made, "talker")) == 3, "the first run")
            made.ctl("restart", "talker")
            eventually(lambda: len(rows(made)) == 11, "all lines")
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """For all tests that change nothing."""
    with _told() as made:
        yield made


@pytest.fixture
def fresh() -> Iterator[Live]:
    """For one that does."""
    with _told() as made:
        yield made


def rows(init: Live, *words: str) -> list[dict[str, Any]]:
    """The rows of JSON that are told."""
    return [json.loads(row) for row in init.ctl("logs", "--json", *words).stdout.splitlines()]


def shown(init: Live, *words: str) -> list[str]:
    """The lines that are shown, in the order of their services and runs."""
    done = subprocess.run(
        [*NSINIT, "ctl", "logs", *words], env=init.env, capture_output=True, check=True
    )
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()


def test_lines_have_names_when_there_may_be_several(init: Live) -> None:
    """The only service that is named needs none; a piece of a line is told from a whole one."""
    assert sorted(shown(init, "worker")) == [
        "worker@1 | hello from 1",
        "worker@2 | hello from 2",
    ]
    assert shown(init, "worker@2") == ["hello from 2"]
    assert sorted(shown(init, "talker"))[:4] == ["caf\udce9", "caf\udce9", "one", "one"]
    assert shown(init, "long") == ["a" * 16, "+ " + "a" * 16, "+ aaaaaaaa!"]
    assert shown(init, "lo*") == [
        "long   | " + "a" * 16,
        *["long   + " + "a" * 16],
        "long   + aaaaaaaa!",
    ]
    assert {line[:11] for line in shown(init)} >= {"talker   | ", "long     | ", "worker@1 | "}


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["--run", "previous"], ["caf\udce9", "one", "two"]),
        (["--run", "1", "--stream", "stdout"], ["caf\udce9", "one"]),
        (["--run", "current", "--stream", "stderr"], ["two"]),
        (["--run", "99"], []),
        (["--stream", "journal"], []),
        (["--since", "1h", "--until", "30m"], []),
        (["--since", "1h", "--stream", "stderr"], ["two", "two"]),
        (["--since", "1970-01-01T00:00:00Z", "--until", "now", "--run", "2"],
         ["caf\udce9", "one", "two"]),
        (["--grep", "^o|t"], ["one", "one", "two", "two"]),
        (["--grep", "(?i)CAF\udce9"], ["caf\udce9", "caf\udce9"]),
        (["-v", "--grep", "o"], ["caf\udce9", "caf\udce9"]),
        (["-n", "1", "--grep", "one"], ["one"]),
        (["-f", "--until", "now", "--grep", "one"], ["one", "one"]),
        (["-n", "0"], []),
    ],
)  # fmt: skip
def test_only_those_lines_are_shown_that_were_asked_for(
    init: Live, words: list[str], lines: list[str]
) -> None:
    """By run, stream, time and pattern; the last of those that fit."""
    assert sorted(shown(init, "talker", *words)) == lines


def test_last_lines_are_those_of_all_services_when_several_are_meant(init: Live) -> None:
    """In the order in which they came; numbers tell where to go on, time stamps when it was."""
    every = rows(init)
    assert [row["seq"] for row in every] == sorted(row["seq"] for row in every)
    assert rows(init, "-n", "4") == every[-4:]
    assert rows(init, "--since-seq", str(every[5]["seq"])) == every[6:]
    replica = rows(init, "worker@2")[0]
    assert replica | {"seq": 0, "time": 0} == {
        "seq": 0, "time": 0, "service": "worker@2", "replica": 2, "run": 1, "stream": "stdout",
        "line": "hello from 2",
    }  # fmt: skip
    (line,) = shown(init, "-t", "worker@2")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d hello from 2", line)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--grep", "("], 2, "cannot read the pattern '('"),
        (["--since", "soon"], 2, "expected a time such as"),
        (["--until", "2026-02-30"], 2, "there is no such time"),
        (["--run", "last"], 2, "expected a run"),
        (["--stream", "x"], 2, "invalid choice"),
        (["-v"], 2, "--invert-match goes with --grep"),
        (["nobody"], 4, "no service is called 'nobody'"),
    ],
)
def test_mistake_is_told_when_a_question_makes_no_sense(
    init: Live, words: list[str], code: int, said: str
) -> None:
    """As one of usage, before anything is shown."""
    done = init.ctl("logs", *words, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_init_goes_on_when_a_pattern_takes_for_ever(init: Live) -> None:
    """Whoever typed it waits, and can end it."""
    asked = subprocess.Popen(
        [*NSINIT, "ctl", "logs", "--grep", "(a|aa)+(a|aa)+(a|aa)+$", "long"],
        env=init.env,
        stdout=subprocess.PIPE,
    )
    try:
        assert init.client.status()["services"]
    finally:
        asked.send_signal(signal.SIGKILL)
        asked.communicate()


def test_followers_hear_what_comes_later_when_services_change(
    fresh: Live, tmp_path: pathlib.Path
) -> None:
    """New replicas, later runs, another init; what is gone can still be asked for."""
    path = tmp_path / "followed"
    with path.open("wb") as out:
        words = [
            "logs",
            "-f",
            "-n",
            "1",
            "--grep",
            "hello|one",
            "--run",
            "current",
            "worker",
            "talker",
        ]
        asked = subprocess.Popen([*NSINIT, "ctl", *words], env=fresh.env, stdout=out)
        try:
            eventually(path.read_bytes, "the past")
            fresh.ctl("scale", "worker=3")
            eventually(lambda: b"worker@3 | hello from 3" in path.read_bytes(), "a new replica")
            replace(fresh)
            fresh.ctl("scale", "worker=2")
            fresh.ctl("restart", "talker")
            eventually(lambda: b"talker   | one" in path.read_bytes(), "another run", DEADLINE)
        finally:
            asked.send_signal(signal.SIGINT)
            assert asked.wait() == 130
    assert shown(fresh, "worker@3") == ["hello from 3"]
    assert len(shown(fresh, "worker")) == 3
