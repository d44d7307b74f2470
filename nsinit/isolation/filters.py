"""Which system calls a service may make, as a step.

It holds for good and for all that the service starts. A filter is made once for each way it is
asked for, before any fork; the default one has been made with nsinit.
"""

from __future__ import annotations

import errno
from functools import lru_cache
from typing import TYPE_CHECKING

from nsinit.errors import SpawnError
from nsinit.isolation import readyfilters
from nsinit.kernel import seccomp
from nsinit.model.confinement import BY_DEFAULT
from nsinit.named import Named

if TYPE_CHECKING:
    from nsinit.model.confinement import Seccomp
    from nsinit.process.steps import Step


class Lasting:
    """A step whose effect ends with the process."""

    def undo(self) -> None:
        """Nothing to do."""

    def remedy(self, number: int) -> str:
        """What the kernel asks of those who restrict themselves."""
        if number in (errno.EACCES, errno.EPERM):
            return "without no_new_privs this needs CAP_SYS_ADMIN: leave no_new_privs on"
        return ""


class _Loaded(Named):
    program: bytes
    flags: int


class LoadFilter(_Loaded, Lasting):
    """Put the process under the filter."""

    def describe(self) -> str:
        """For people."""
        return "load the filter of system calls"

    def apply(self) -> None:
        """seccomp(2)."""
        seccomp.load(self.program, self.flags)

    def remedy(self, number: int) -> str:
        """A kernel, or a filter around us, may know no filters."""
        if number in (errno.ENOSYS, errno.EINVAL):
            return (
                'this kernel has no filters of system calls; seccomp = "unconfined" asks for none'
            )
        return super().remedy(number)


def seccomp_steps(asked: Seccomp | None, capabilities: frozenset[str]) -> list[Step]:
    """The filter for a service that has these capabilities ("SYS_ADMIN"); none if None is asked.

    SpawnError on a machine whose calls nsinit doesn't know.
    """
    if asked is None:
        return []
    try:
        loaded = _prepare(asked, capabilities)
    except KeyError:
        if asked == BY_DEFAULT:
            return []  # nobody has written it
        reason = f"nsinit does not know the system calls of {seccomp.native_arch()}"
        raise SpawnError("a service", "filter", errno.ENOSYS, reason=reason) from None
    except ValueError as error:  # the kernel takes so many instructions
        raise SpawnError("a service", "filter", errno.E2BIG, reason=str(error)) from None
    return [] if loaded is None else [loaded]


@lru_cache(maxsize=64)
def _prepare(asked: Seccomp, capabilities: frozenset[str]) -> LoadFilter | None:
    arch = seccomp.native_arch()
    if asked == BY_DEFAULT and (ready := readyfilters.find(arch, capabilities)):
        return LoadFilter(ready, 0)
    from nsinit.isolation import assembly  # noqa: PLC0415  (most services have the default one)

    made = assembly.make(asked, arch, capabilities)
    return None if made is None else LoadFilter(*made)
