"""What a child does between fork and exec because of the keys of its service, as a list.

A stage says what it does, does it, and knows what helps against some errnos: the child can tell no
more than which stage failed and with what errno. Loaded for the fork road only.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.process.program import Tuning
    from nsinit.process.steps import Step

_STDIO: Final = (0, 1, 2)


class Stage(Named):
    """One thing that the child does: "VERB ... for" or "of" the program, and how."""

    name: str
    act: Callable[[], object]
    remedy: Callable[[int], str] = lambda _: ""
    """What helps against an errno; "" if that is not known. Asked in init, not in the child."""


def limit_stage(name: str, soft: int, hard: int) -> Stage:
    """Set one resource limit by its name in the configuration."""
    which = getattr(resource, f"RLIMIT_{name.upper()}")

    def remedy(number: int) -> str:
        if number != errno.EPERM:
            return ""
        now = resource.getrlimit(which)[1]
        most = "" if now == resource.RLIM_INFINITY else f"the hard limit here is {now}: "
        return f"{most}only CAP_SYS_RESOURCE raises it"

    return Stage(f"set limits.{name} of", partial(_set_limit, which, soft, hard), remedy)


def _set_limit(which: int, soft: int, hard: int) -> None:
    """setrlimit(2); the standard library makes ValueErrors of two of its errnos."""
    seam.ask("setrlimit")
    try:
        resource.setrlimit(which, (soft, hard))
    except ValueError as error:
        number = errno.EPERM if "not allowed" in str(error) else errno.EINVAL
        raise OSError(number, os.strerror(number)) from None


def early_stages(tuning: Tuning) -> list[Stage]:
    """What needs free descriptors: before any limit is set."""
    made: list[Stage] = []
    if tuning.tty is not None:
        made += _terminal(tuning.tty)
    if tuning.oom_score_adj is not None:
        from nsinit.kernel import scheduling  # noqa: PLC0415  (most services need none of it)

        act = partial(scheduling.set_oom_score_adj, tuning.oom_score_adj)
        name = f"set oom_score_adj {tuning.oom_score_adj} of"
        made.append(Stage(name, act, _lower_score))
    return made


def rank_stages(tuning: Tuning) -> list[Stage]:
    """Priorities and CPUs: after the limits, which may allow them, and still as init's user."""
    from nsinit.kernel import scheduling  # noqa: PLC0415  (most services need none of it)
    from nsinit.model.tuning import (  # noqa: PLC0415  (the same)
        format_cpus,
        format_io_priority,
        format_scheduler,
    )

    made: list[Stage] = []
    if tuning.cpu_affinity is not None:
        act = partial(scheduling.set_cpus, tuning.cpu_affinity)
        name = f"set cpu_affinity {format_cpus(tuning.cpu_affinity)} of"
        made.append(Stage(name, act, _cpus))
    if tuning.nice is not None:
        act = partial(scheduling.set_nice, tuning.nice)
        made.append(Stage(f"set nice {tuning.nice} of", act, _needs_nice))
    if tuning.ioprio is not None:
        act = partial(scheduling.set_io_priority, *tuning.ioprio)
        made.append(Stage(f"set ioprio {format_io_priority(tuning.ioprio)} of", act, _needs_nice))
    if tuning.scheduler is not None:
        act = partial(scheduling.set_scheduler, *tuning.scheduler)
        name = f"set scheduler {format_scheduler(tuning.scheduler)} of"
        made.append(Stage(name, act, _needs_real_time))
    return made


def enclosing(steps: Sequence[Step]) -> list[Stage]:
    """The steps of an enclosure, in the order in which they are given."""
    return [Stage(f"{step.describe()} for", step.apply, step.remedy) for step in steps]


# --- A terminal of its own ------------------------------------------------------------------------


def _terminal(path: str) -> list[Stage]:
    """Open it as the first three descriptors, and take it for the session that was made before.

    Without a path it is there as stdin already.
    """
    import termios  # noqa: PLC0415  (for one number)

    take = partial(_take_terminal, termios.TIOCSCTTY)
    if not path:
        return [Stage("take the terminal for", take, _taken)]
    return [
        Stage(f"open the terminal {path} for", partial(_open_terminal, path)),
        Stage(f"take the terminal {path} for", take, _taken),
    ]


def _open_terminal(path: str) -> None:
    fd = seam.open_fd(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    seam.set_blocking(fd, True)  # only opening must not wait for a modem
    for theirs in _STDIO:
        seam.dup2(fd, theirs)
    if fd not in _STDIO:
        os.close(fd)


def _take_terminal(request: int) -> None:
    seam.ask("ioctl")
    fcntl.ioctl(0, request, 0)


# --- What helps -----------------------------------------------------------------------------------


def _taken(number: int) -> str:
    return {
        errno.ENOTTY: "it is no terminal",
        errno.EPERM: "it is the terminal of another session",
    }.get(number, "")


def _lower_score(number: int) -> str:
    refused = number in (errno.EACCES, errno.EPERM)
    return "a lower one than init's needs the host's CAP_SYS_RESOURCE" if refused else ""


def _needs_nice(number: int) -> str:
    refused = number in (errno.EACCES, errno.EPERM)
    return "this needs CAP_SYS_NICE: docker run --cap-add SYS_NICE" if refused else ""


def _needs_real_time(number: int) -> str:
    hint = _needs_nice(number)
    return f"{hint}; in some cgroups a real-time budget too" if hint else ""


def _cpus(number: int) -> str:
    if number != errno.EINVAL:
        return ""
    from nsinit.kernel.scheduling import allowed_cpus  # noqa: PLC0415  (after a failure)
    from nsinit.model.tuning import format_cpus  # noqa: PLC0415

    return f"allowed here: {format_cpus(allowed_cpus())}"
