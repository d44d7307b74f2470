"""The arithmetic of the core: how long to wait, what an end means, what init ends with. Pure."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsinit.core.state import Result
    from nsinit.model.plan import Rules

FACTOR: Final = 2.0
JITTER: Final = 0.1
KILL_RETRY: Final = 1.0  # s between KILLs to what does not go away
SHORTAGE_DELAY: Final = 0.2  # s at the least before a spawn that failed is tried again
FIRST_PROBE: Final = 0.05  # s until a readiness probe is repeated; doubles up to its interval
FIND_AGAIN: Final = 0.1  # s until a daemon is looked for once more
NOT_FOUND: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
# The host was short of something; the same command may well work a moment later.
TRANSIENT: Final = frozenset(
    {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ETXTBSY}
)


def next_delay(previous: float, first: float, longest: float) -> float:
    """The next backoff (s), without jitter: grown step by step, since a power would overflow."""
    return min(max(previous * FACTOR, first), longest)


def with_jitter(delay: float, jitter: float) -> float:
    """The delay made up to a tenth longer; `jitter` is from 0 to 1."""
    return delay * (1 + JITTER * jitter)


def succeeded(rules: Rules, status: int | None, cause: Result) -> bool:
    """Whether a run that ended with `status` did what it should."""
    return not cause and status in rules.success


def result_of(rules: Rules, status: int | None, cause: Result) -> Result:
    """The word for how a run ended."""
    if cause:
        return cause
    if status in rules.success:
        return "success"
    return "signal" if status is not None and status < 0 else "exit-code"


def restarts(rules: Rules, *, success: bool, status: int | None) -> bool:
    """Whether the restart policy wants another run after this end."""
    if rules.restart_limit == 0 or status in rules.prevent:
        return False
    wanted = {
        "no": False,
        "always": True,
        "on-failure": not success,
        "on-success": success,
    }
    return wanted[rules.restart]


def exec_status(number: int) -> int:
    """The exit code of a shell for a command that can't be run: 127 not found, else 126."""
    return 127 if number in NOT_FOUND else 126


def exit_code(status: int | None) -> int:
    """What init ends with on behalf of a service: its code, 128+n for a signal."""
    if status is None:
        return 1
    return status if status >= 0 else 128 - status


def failure_code(status: int | None) -> int:
    """The same for a service that failed: never 0."""
    return exit_code(status) or 1


def stop_scale(remaining: float, chain: float) -> float:
    """How much of each stop timeout fits into what remains of the shutdown, from 0 to 1."""
    if remaining <= 0:
        return 0.0
    return min(1.0, remaining / chain) if chain > 0 else 1.0


def how_it_ended(status: int | None, text: str) -> str:
    """Words for the end of a hook or a probe that did not go well; None is a time limit."""
    if text:
        return f"failed: {text}"
    if status is None:
        return "took too long"
    return f"was killed by signal {-status}" if status < 0 else f"failed with code {status}"
