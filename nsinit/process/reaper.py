"""The only place that reaps. What anybody else reaped would be a status lost for ever."""

from __future__ import annotations

from typing import Final

from nsinit.kernel import proc

BATCH: Final = 256  # ends per call, so that a storm of orphans does not keep init from all else


def drain(limit: int = BATCH, into: list[proc.End] | None = None) -> list[proc.End]:
    """Reap what has ended, at most `limit`; fewer than that means that nothing is left to reap.

    One SIGCHLD stands for any number of deaths, so this loops until the kernel has no more. `into`
    has what was reaped also when an error ended that: nobody else will ever hear of it.
    """
    made = [] if into is None else into
    while len(made) < limit:
        end = proc.reap()
        if end is None:
            break
        made.append(end)
    return made
