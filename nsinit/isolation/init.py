"""Steps that leave to the init of a sandbox no more than it needs: the last ones of the plan.

It keeps what it takes to look after processes of other users, and what its services are to get.
Services lack one capability of init's by default, CAP_SYS_PTRACE. That, or being not dumpable,
keeps them from looking into it: its program is a file of the host (CVE-2019-5736).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from nsinit.capnames import NAMES, NUMBERS, format_names, from_mask, to_mask
from nsinit.isolation.basics import Inside
from nsinit.kernel import creds
from nsinit.model.security import filters_of, grant, has_no_new_privs
from nsinit.model.spec import Service
from nsinit.model.types import Words
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Step

_EVERYTHING: Final = frozenset(range(len(NAMES)))
_PLAIN: Final = Service(command=Words(["true"]))
# For signals, for other users' ids, files and pipes, for limiting others, for finding strays.
_OWN: Final = (
    "KILL", "SETUID", "SETGID", "SETPCAP", "CHOWN", "DAC_OVERRIDE", "FOWNER", "SYS_CHROOT",
    "SYS_PTRACE",
)  # fmt: skip
# What it takes to do what keys of services ask for.
_FOR_KEYS: Final = {
    ("limits", "oom_score_adj"): ("SYS_RESOURCE",),
    ("nice", "ioprio", "scheduler", "cpu_affinity"): ("SYS_NICE",),
    ("sockets",): ("NET_BIND_SERVICE",),
    # SETFCAP for a map that has root in it, user_namespaces(7)
    ("namespaces", "mounts", "rootfs"): ("SYS_ADMIN", "NET_ADMIN", "SETFCAP", "MKNOD"),
}


class NewKeyring(Inside):
    """A session keyring of its own: else the keys of who started it are everybody's inside."""

    def describe(self) -> str:
        """For people."""
        return "join a new session keyring"

    def apply(self) -> None:
        """keyctl(2); where that is refused or unknown, nobody inside can use a key either."""
        try:
            creds.join_new_keyring()
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EPERM, errno.EACCES):
                raise

    def remedy(self, number: int) -> str:
        """A user has so many keys, keyrings(7)."""
        return "see /proc/sys/kernel/keys/maxkeys" if number == errno.EDQUOT else ""


class NotDumpable(Inside):
    """Close /proc/PID/exe, fd, root, mem and the like of init to everybody inside."""

    def describe(self) -> str:
        """For people."""
        return "make init not dumpable"

    def apply(self) -> None:
        """prctl(PR_SET_DUMPABLE)."""
        creds.set_dumpable(dumpable=False)


class _Mask(Named):
    mask: int


class KeepOnly(_Mask, Inside):
    """Keep these capabilities, as far as they are there, and give up all others for ever."""

    def describe(self) -> str:
        """For people."""
        return f"keep only the capabilities {format_names(from_mask(self.mask))}"

    def apply(self) -> None:
        """prctl(PR_CAPBSET_DROP) where that may be done, then capset(2)."""
        mine = creds.read_caps()
        if mine.effective >> NUMBERS["SETPCAP"] & 1:
            creds.drop_bounding(mine.bounding & ~self.mask)
        kept = mine.permitted & self.mask
        creds.set_caps(kept, kept, 0)  # which leaves nothing ambient


def harden(sandbox: Sandbox, services: Iterable[Service], *, as_root: bool) -> list[Step]:
    """The steps for an init with these services; `as_root`: of the host, in no new user namespace.

    An init in a user namespace stays open to the user of the host who made it, for nsenter(1) and
    for joining. `nsinit.isolation.service` closes it before any service gets CAP_SYS_PTRACE.
    """
    steps: list[Step] = [NewKeyring()]
    if as_root:
        steps.append(NotDumpable())
    return [*steps, KeepOnly(to_mask(needed(sandbox, list(services))))]


def needed(sandbox: Sandbox, services: Sequence[Service]) -> frozenset[int]:
    """What init has to keep: for itself, for what its services get, and for what their keys do."""
    names = set(_OWN)
    for keys, takes in _FOR_KEYS.items():
        if any(_uses(spec, key) for spec in services for key in keys):
            names.update(takes)
    if any(map(_limits_devices, services)):  # by files of version 1, or a program of version 2
        names |= {"SYS_ADMIN", "NET_ADMIN"}
    for spec in (_PLAIN, *services):  # without no_new_privs nobody else may load a filter
        if filters_of(spec, sandbox) != (None, None) and not has_no_new_privs(spec, sandbox):
            names.add("SYS_ADMIN")
    sets = [grant(spec, sandbox, _EVERYTHING).caps for spec in (_PLAIN, *services)]
    return frozenset(NUMBERS[name] for name in names).union(*sets)


def _limits_devices(spec: Service) -> bool:
    return spec.resources is not None and spec.resources.device_access is not None


def _uses(spec: Service, key: str) -> bool:
    """Whether a service has a key, which need not be known yet."""
    return hasattr(spec, key) and getattr(spec, key) != getattr(_PLAIN, key)
