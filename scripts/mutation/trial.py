"""Tries mutants in forks of one process that has loaded the tests, as long as a test passes.

A first fork runs all tests and notes which lines each of them runs; a mutant then meets only those
that run its lines, the quick ones first. What a module does at its import is tried in a fork of a
process that has not loaded it.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings

from . import plant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType, FunctionType

    from .made import Made, Module

_MEMORY: Final = 4 << 30  # bytes; a mutant may eat all there is
_UNSEEN: Final = 9  # exit status of a child: no test runs the place
_OPTIONS: Final = [
    "-s", "-x", "-W", "ignore::pytest.PytestAssertRewriteWarning", "-o",
    "addopts=--strict-markers --import-mode=importlib",
    *(word for name in ("terminal", "cacheprovider", "randomly", "xdist", "cov")
      for word in ("-p", f"no:{name}")),
]  # fmt: skip
Changed = tuple["Module", "Made", dict[plant.Key, "CodeType"]]

# The same random lives for each mutant; the shortest one that shows it is not looked for.
settings.register_profile(
    "mutants", max_examples=60, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


class Verdict(NamedTuple):
    """What became of a mutant: "killed", "timeout", "survived" or "unseen"; after how long (s)."""

    mutant: Made
    word: str
    seconds: float


Job = tuple["Made", "Callable[[], int]", float]  # what to do in a fork, and its limit (s)


class _Running(NamedTuple):
    mutant: Made
    pid: int
    began: float
    end: float


def wait_for(jobs: Iterator[Job], most: int) -> Iterator[Verdict]:
    """Do the jobs in forks, `most` at once; what they return is their exit status."""
    running: dict[int, _Running] = {}  # by pidfd
    poll = select.poll()
    try:
        while True:
            while len(running) < most and (job := next(jobs, None)) is not None:
                mutant, work, limit = job
                pid, now = _fork(work), time.monotonic()
                fd = os.pidfd_open(pid)
                poll.register(fd, select.POLLIN)
                running[fd] = _Running(mutant, pid, now, now + limit)
            if not running:
                return
            ready = {fd for fd, _ in poll.poll(200)}
            for fd, one in list(running.items()):
                now = time.monotonic()
                if fd in ready or now >= one.end:
                    poll.unregister(fd)
                    os.close(fd)
                    del running[fd]
                    word = _word(_end(one.pid), late=fd not in ready)
                    yield Verdict(one.mutant, word, now - one.began)
    finally:
        for fd, one in running.items():
            os.close(fd)
            _end(one.pid)


def _end(pid: int) -> int:
    """Whatever it has started, too; its wait status."""
    for kill in (os.killpg, os.kill):  # it may have had no time to make a group of its own
        with suppress(OSError):
            kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _word(status: int, *, late: bool) -> str:
    if late:
        return "timeout"
    return {0: "survived", _UNSEEN: "unseen"}.get(os.waitstatus_to_exitcode(status), "killed")


def _fork(work: Callable[[], int]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(quiet, fd)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        status = work()
    finally:
        os._exit(status)


# --- What is in functions: one load of the tests for all ------------------------------------------


class Trial:
    """A plugin of pytest that tries mutants in the place of running the tests once."""

    def __init__(
        self,
        mutants: list[Changed],
        *,
        jobs: int,
        limit: float,
        hear: Callable[[Verdict], bool],
    ) -> None:
        """`hear` is told each verdict, and says whether to go on."""
        self._mutants = mutants
        self._jobs = jobs
        self._limit = limit
        self._hear = hear
        self._living: dict[str, dict[plant.Key, list[FunctionType]]] = {}
        self._seen: list[Seen] = []
        self._status = 2

    def run(self, tests: list[str]) -> int:
        """Load the tests and use them; not 0 if that can't be, or one fails by itself."""
        return int(pytest.main([*_OPTIONS, *tests], plugins=[self])) or self._status

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Everything is collected and loaded by now."""
        modules = {module.file: module for module, _, _ in self._mutants}.values()
        files = {str(module.path) for module in modules}
        for module in modules:
            importlib.import_module(_name(module))
        self._living = {path: plant.living(path) for path in files}
        self._seen = _trace(session, files)
        if self._seen:
            self._status = 0
            jobs = (self._job(session, one) for one in self._mutants)
            for verdict in wait_for(jobs, self._jobs):
                if not self._hear(verdict):
                    break
        return True

    def _job(self, session: pytest.Session, one: Changed) -> Job:
        module, mutant, changed = one
        path = str(module.path)
        chosen = _choose(self._seen, path, mutant, changed)

        def work() -> int:
            for key, code in changed.items():
                for function in self._living[path].get(key, ()):
                    function.__code__ = code
            for place, index in enumerate(chosen):
                item = session.items[index]
                after = session.items[chosen[place + 1]] if place + 1 < len(chosen) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                if session.testsfailed:
                    return 1
            return 0 if chosen else _UNSEEN

        return mutant, work, self._limit + 3 * sum(self._seen[index].seconds for index in chosen)


def _trace(session: pytest.Session, files: set[str]) -> list[Seen]:
    """Run all tests in a fork that notes what each runs; nothing if one fails."""
    reader, writer = os.pipe()

    def work() -> int:
        os.close(reader)
        made = [_traced(session, index, files) for index in range(len(session.items))]
        with os.fdopen(writer, "w") as file:
            json.dump(made, file)
        return session.testsfailed

    pid = _fork(work)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    _, status = os.waitpid(pid, 0)
    made = json.loads(text) if text and not status else []
    return [
        Seen(seconds, {path: set(lines) for path, lines in ran.items()}) for seconds, ran in made
    ]


class Seen(NamedTuple):
    """How long a test takes (s, traced), and the lines it runs, by file."""

    seconds: float
    lines: dict[str, set[int]]


def _traced(
    session: pytest.Session, index: int, files: set[str]
) -> tuple[float, dict[str, list[int]]]:
    """Also what its forked children run, up to their exec: they share the memory of these marks."""
    ran = {path: mmap.mmap(-1, Path(path).read_bytes().count(b"\n") + 2) for path in files}

    def line(frame: FrameType, _what: str, _: object) -> Any:  # noqa: ANN401  (itself)
        ran[frame.f_code.co_filename][frame.f_lineno] = 1
        return line

    def call(frame: FrameType, _what: str, _: object) -> Any:  # noqa: ANN401  (the one above)
        return line if frame.f_code.co_filename in files else None

    items = session.items
    after = items[index + 1] if index + 1 < len(items) else None
    began = time.monotonic()
    sys.settrace(call)
    items[index].config.hook.pytest_runtest_protocol(item=items[index], nextitem=after)
    sys.settrace(None)
    seconds = time.monotonic() - began
    lines = {path: [n for n, mark in enumerate(marks[:]) if mark] for path, marks in ran.items()}
    return seconds, {path: numbers for path, numbers in lines.items() if numbers}


def _choose(
    seen: list[Seen], path: str, mutant: Made, changed: dict[plant.Key, CodeType]
) -> list[int]:
    """The tests that run the place, or else the function that it is in; quick ones first."""
    wanted = set(range(mutant.line, mutant.last + 1))
    whole = {
        line
        for code in changed.values()
        for _, _, line in code.co_lines()
        if line is not None and line != code.co_firstlineno
    }
    for lines in (wanted, whole):
        made = [index for index, one in enumerate(seen) if lines & one.lines.get(path, set())]
        if made:
            return sorted(made, key=lambda index: seen[index].seconds)
    return []


# --- What runs at import: a load of the tests for each --------------------------------------------


def at_import(module: Module, mutant: Made, tests: list[str]) -> Callable[[], int]:
    """For a fork of a process that has not imported nsinit: the tests with that mistake."""
    code = module.changed(mutant)

    def work() -> int:
        plant.Planted(_name(module), str(module.path), code).plant()
        return int(pytest.main([*_OPTIONS, *tests]))

    return work


def _name(module: Module) -> str:
    return f"nsinit.{module.file[:-3].replace('/', '.')}".removesuffix(".__init__")
