"""The names of the kernel's capabilities and their numbers, and sets of them as text.

The table is that of linux/capability.h up to CAP_CHECKPOINT_RESTORE (Linux 5.9); see
capabilities(7). Imports `nsinit.nearest` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

NAMES: Final = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}
ALL: Final = "ALL"


def number_of(name: str) -> int:
    """The number of a capability by its name, which the table has."""
    return NUMBERS[name]


def parse_name(text: str) -> str:
    """The name as the table has it, from any case, with or without "CAP_"; "ALL" too.

    ValueError with the nearest known name.
    """
    name = text.strip().upper().removeprefix("CAP_")
    if name == ALL or name in NUMBERS:
        return name
    hint = did_you_mean(name, (*NAMES, ALL))
    more = f" ({hint})" if hint else ""
    raise ValueError(f"there is no capability {text!r}{more}")


def format_names(caps: Collection[int]) -> str:
    """A set of numbers for people: "CHOWN, KILL"; "none" if there is nothing in it."""
    known = [NAMES[n] if n < len(NAMES) else f"number {n}" for n in sorted(caps)]
    return ", ".join(known) or "none"


def from_mask(mask: int) -> frozenset[int]:
    """The numbers of the bits of a mask, as the kernel has them."""
    return frozenset(n for n in range(mask.bit_length()) if mask >> n & 1)


def to_mask(caps: Collection[int]) -> int:
    """The mask of a set of numbers."""
    return sum(1 << n for n in set(caps))
