"""The arithmetic of the core."""

from __future__ import annotations

import errno
import math
from typing import TYPE_CHECKING

import pytest

from nsinit.core import messages as m
from nsinit.core import policy
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Rules
from tests.unit.core.world import booted, world

if TYPE_CHECKING:
    from nsinit.core.state import Result
    from nsinit.model.spec import RestartPolicy


def test_delay_doubles_when_it_grows() -> None:
    """From the first to the longest, which it never passes."""
    delay, seen = 0.0, []
    for _ in range(9):
        delay = policy.next_delay(delay, 0.5, 30.0)
        seen.append(delay)
    assert seen == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_delay_does_not_overflow_when_a_service_crashes_for_ever() -> None:
    """A power of two would, after some thousand crashes."""
    delay = 0.0
    for _ in range(5000):
        delay = policy.next_delay(delay, 0.5, 1e300)
    assert delay == 1e300


@pytest.mark.parametrize(
    ("previous", "first", "longest", "delay"),
    [(0.0, 0.0, 30.0, 0.0), (0.0, 60.0, 30.0, 30.0), (0.25, 0.5, 30.0, 0.5), (20.0, 0.5, 0.0, 0.0)],
)
def test_delay_stays_within_its_bounds_when_they_are_odd(
    previous: float, first: float, longest: float, delay: float
) -> None:
    """The longest wins over the first."""
    assert policy.next_delay(previous, first, longest) == delay


@pytest.mark.parametrize(("jitter", "delay"), [(0.0, 10.0), (0.5, 10.5), (1.0, 11.0)])
def test_jitter_lengthens_by_a_tenth_at_most_when_added(jitter: float, delay: float) -> None:
    """It never shortens."""
    assert policy.with_jitter(10.0, jitter) == delay


@pytest.mark.parametrize(
    ("status", "cause", "good", "result"),
    [
        (0, "", True, "success"),
        (3, "", True, "success"),
        (-15, "", True, "success"),
        (1, "", False, "exit-code"),
        (-9, "", False, "signal"),
        (0, "timeout", False, "timeout"),
        (0, "exec", False, "exec"),
        (127, "exec", False, "exec"),
    ],
)
def test_end_is_classified_when_a_run_is_over(
    status: int, cause: Result, good: bool, result: str
) -> None:
    """What init did to it counts before how it ended."""
    rules = Rules(name="a", success=frozenset({0, 3, -15}))
    assert policy.succeeded(rules, status, cause) is good
    assert policy.result_of(rules, status, cause) == result


def test_end_is_no_success_when_it_never_came() -> None:
    """A run without a status did nothing."""
    assert not policy.succeeded(Rules(name="a"), None, "")
    assert policy.result_of(Rules(name="a"), None, "") == "exit-code"


@pytest.mark.parametrize(
    ("restart", "after_success", "after_failure"),
    [
        ("no", False, False),
        ("on-failure", False, True),
        ("always", True, True),
        ("on-success", True, False),
    ],
)
def test_restart_is_wanted_when_the_policy_says_so(
    restart: RestartPolicy, after_success: bool, after_failure: bool
) -> None:
    """Unless the code prevents it, or no restart is allowed at all."""
    rules = Rules(name="a", restart=restart, prevent=frozenset({4, -15}))
    assert policy.restarts(rules, success=True, status=0) is after_success
    assert policy.restarts(rules, success=False, status=1) is after_failure
    assert not policy.restarts(rules, success=False, status=4)
    assert not policy.restarts(rules, success=True, status=-15)
    none = Rules(name="a", restart=restart, restart_limit=0)
    assert not policy.restarts(none, success=True, status=0)
    assert not policy.restarts(none, success=False, status=1)


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (errno.ENOENT, 127),
        (errno.ENOTDIR, 127),
        (errno.ELOOP, 127),
        (errno.EACCES, 126),
        (errno.ENOEXEC, 126),
        (errno.EAGAIN, 126),
    ],
)
def test_exec_failure_is_a_shells_code_when_it_ends_a_run(number: int, status: int) -> None:
    """127 for a command that is not there, 126 for one that does not run."""
    assert policy.exec_status(number) == status


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [(0, 0, 1), (3, 3, 3), (255, 255, 255), (-15, 143, 143), (-9, 137, 137), (None, 1, 1)],
)
def test_init_ends_with_the_code_when_a_service_decides_it(
    status: int | None, code: int, failure: int
) -> None:
    """128+n for a signal; a failure is never 0."""
    assert policy.exit_code(status) == code
    assert policy.failure_code(status) == failure


@pytest.mark.parametrize(
    ("remaining", "chain", "scale"),
    [
        (9.0, 8.0, 1.0),
        (8.0, 16.0, 0.5),
        (0.0, 8.0, 0.0),
        (-1.0, 8.0, 0.0),
        (0.0, 0.0, 0.0),
        (5.0, 0.0, 1.0),
        (8.0, math.inf, 0.0),
        (0.5, 8.0, 0.0625),
        (0.25, 0.5, 0.5),
        (1.0, 0.0, 1.0),
    ],
)
def test_stop_is_shortened_when_the_shutdown_is_too_short_for_all(
    remaining: float, chain: float, scale: float
) -> None:
    """In proportion, and never lengthened."""
    assert policy.stop_scale(remaining, chain) == scale


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (None, "", "took too long"),
        (1, "", "failed with code 1"),
        (0, "", "failed with code 0"),
        (-1, "", "was killed by signal 1"),
        (-9, "", "was killed by signal 9"),
        (None, "no route", "failed: no route"),
        (3, "no route", "failed: no route"),
    ],
)
def test_end_of_a_hook_is_told_in_words_when_it_was_no_good_one(
    status: int | None, text: str, words: str
) -> None:
    """What it said itself counts most."""
    assert policy.how_it_ended(status, text) == words


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EAGAIN, "backoff"),
        (errno.ENOMEM, "backoff"),
        (errno.EMFILE, "backoff"),
        (errno.ENFILE, "backoff"),
        (errno.ENOSPC, "backoff"),
        (errno.ETXTBSY, "backoff"),
        (errno.ENOENT, "failed"),
        (errno.EACCES, "failed"),
    ],
)
def test_start_is_tried_again_when_the_host_was_short_of_something(number: int, state: str) -> None:
    """Not if the same command would fail in the same way."""
    core = Supervisor(world({"a": {}, "b": {}}).plan, strict=True)
    core.handle(m.Boot(), 0.0)
    core.handle(m.SpawnFailed("a", 1, "execute", number, "cannot"), 0.0)
    assert core.state.services["a"].state == state


def test_daemon_is_looked_for_ten_times_a_second_when_it_is_not_there_yet() -> None:
    """Who started it waits for it."""
    w = booted({"a": {"type": "forking"}})
    w.daemon_outcomes = ["missing"]
    w.end("a", 0)
    assert w.timer("a", "find") == 0.1
