"""The default profile of system calls: what a service in a sandbox may not do to its kernel. Pure.

It names what is refused, not what is allowed: of the calls in nsinit's tables all have been looked
at, and what came to the kernel after them is answered with ENOSYS, so that nothing unknown passes.
A list of what is allowed would need a line for each harmless call, and would break the program that
needs the one that was forgotten. The effect is that of docker's profile but for a few calls, which
a test names. What a capability is for is allowed to whoever has it.

Refusals are EPERM; clone3 is ENOSYS, as its flags can't be looked at: the C library then uses
clone, whose flags can. Arguments that the kernel cuts to 32 bits are compared as 32 bits, or the
upper half would be a way around. Programs of 32 bits on x86-64 are under the same rules, but for
sockets that they make by socketcall, whose arguments can't be looked at either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.callfilter import ALLOWED, REFUSED, UNKNOWN, CallFilter, Comparison, Entry
from nsinit.model.callgroups import calls

if TYPE_CHECKING:
    from nsinit.model.callfilter import Machine

_ADMIN: Final = "SYS_ADMIN"
# What is refused, and the capabilities of which one is enough to be allowed it.
_REFUSED: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    # No capability helps: keys and swap belong to no namespace, the others are doors into the
    # kernel that opened too often, or that nobody has used for decades.
    (("@keyring", "@swap", "kexec_load", "kexec_file_load", "userfaultfd", "@io-uring"), ()),
    (("@obsolete", "vm86", "vm86old"), ()),
    (("@mount", "@namespace", "@accounting", "fanotify_init"), (_ADMIN,)),
    (("acct",), ("SYS_PACCT",)),
    (("bpf",), (_ADMIN, "BPF")),
    (("perf_event_open",), (_ADMIN, "PERFMON")),
    (("syslog",), (_ADMIN, "SYSLOG")),
    (("chroot",), ("SYS_CHROOT",)),
    (("reboot",), ("SYS_BOOT",)),
    (("@module",), ("SYS_MODULE",)),
    (("settimeofday", "stime", "clock_settime", "clock_settime64"), ("SYS_TIME",)),
    (("iopl", "ioperm"), ("SYS_RAWIO",)),
    (("vhangup",), ("SYS_TTY_CONFIG",)),
    (("@numa",), ("SYS_NICE",)),
    (("open_by_handle_at",), ("DAC_READ_SEARCH",)),
    (("kcmp", "pidfd_getfd", "process_madvise"), ("SYS_PTRACE",)),
)
# All whose holders are allowed more than others.
CAPABILITIES: Final = frozenset(name for _, enough in _REFUSED for name in enough)
# These are in groups above, and have rules of their own.
_APART: Final = frozenset({"chroot", "acct", "unshare"})

_32_BITS: Final = 0xFFFF_FFFF
_NEW_NAMESPACES: Final = (  # flags of clone(2)
    0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
)  # fmt: skip
_NEW_TIME: Final = 0x80  # of unshare(2) only: in clone(2) it is part of the exit signal
_FAMILIES: Final = (38, 40)  # AF_ALG: the kernel's ciphers; AF_VSOCK: the hypervisor
_TERMINAL: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into a terminal for its owner
# Of personality(2): what it is, Linux, and as other machines and versions call themselves.
_PERSONALITIES: Final = (0, 8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF)


def default_filter(machine: Machine) -> CallFilter:
    """The profile for a service with these capabilities."""
    entries = []
    for words, enough in _REFUSED:
        if machine.capabilities.isdisjoint(enough):
            names = calls(words)
            entries.append(Entry(names - _APART if len(names) > 1 else names, REFUSED))
    if _ADMIN not in machine.capabilities:
        entries.append(Entry(frozenset({"clone3"}), UNKNOWN))
        entries += _with_bits("clone", _NEW_NAMESPACES)
        entries += _with_bits("unshare", (*_NEW_NAMESPACES, _NEW_TIME))
    entries += _equal("socket", 0, _FAMILIES)
    entries += _equal("ioctl", 1, _TERMINAL)
    others: tuple[Comparison, ...] = tuple((0, "NE", known, 0) for known in _PERSONALITIES)
    entries.append(Entry(frozenset({"personality"}), REFUSED, others))
    arches = ("x86_64", "i386") if machine.arch == "x86_64" else (machine.arch,)
    return CallFilter(tuple(entries), ALLOWED, arches, "table")


def _with_bits(name: str, flags: tuple[int, ...]) -> list[Entry]:
    """Refused with any of these flags in the first argument."""
    return [Entry(frozenset({name}), REFUSED, ((0, "MASKED_EQ", bit, bit),)) for bit in flags]


def _equal(name: str, index: int, values: tuple[int, ...]) -> list[Entry]:
    """Refused with any of these values, as far as 32 bits go."""
    return [
        Entry(frozenset({name}), REFUSED, ((index, "MASKED_EQ", _32_BITS, value),))
        for value in values
    ]
