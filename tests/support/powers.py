"""What a process may do, as tests read it: its sets of capabilities by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nsinit.capnames import NAMES, from_mask

if TYPE_CHECKING:
    from collections.abc import Iterable

# Prints the lines of the process's own status that `read_powers` takes.
TELL = "grep -E '^(Uid|Cap|NoNewPrivs)' /proc/self/status"
DEFAULT = {
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
    "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
}  # fmt: skip


class Powers(NamedTuple):
    """A process's five sets, no_new_privs, and its effective uid."""

    effective: set[str]
    permitted: set[str]
    inheritable: set[str]
    bounding: set[str]
    ambient: set[str]
    no_new_privs: bool
    uid: int


def read_powers(lines: Iterable[str]) -> Powers:
    """From lines of /proc/PID/status; what stands before them on a line does not matter."""
    rows: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.rpartition("| ")[2].partition(":")
        if colon:
            rows[name.strip()] = value.split()
    eff, prm, inheritable, bnd, amb = (
        {NAMES[n] for n in from_mask(int(rows[f"Cap{kind}"][0], 16))}
        for kind in ("Eff", "Prm", "Inh", "Bnd", "Amb")
    )
    return Powers(eff, prm, inheritable, bnd, amb, rows["NoNewPrivs"] == ["1"], int(rows["Uid"][1]))
