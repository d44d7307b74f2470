"""What a service may do: capabilities, system calls, namespaces. Pure. See `mounts` for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit import syscalls
from nsinit.capnames import ALL, parse_name
from nsinit.convert.systemd import values
from nsinit.convert.systemd.words import words
from nsinit.model.callgroups import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.convert.document import Value
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft

# The capabilities that these keys take away; what else they do is in `mounts`.
_TAKEN: Final = {
    "ProtectKernelModules": ("SYS_MODULE",),
    "ProtectKernelLogs": ("SYSLOG",),
    "ProtectClock": ("SYS_TIME", "WAKE_ALARM"),
    "PrivateDevices": ("MKNOD", "SYS_RAWIO"),
}
_NAMESPACES: Final = {
    "PrivateNetwork": "net",
    "PrivateIPC": "ipc",
    "PrivateMounts": "mount",
    "PrivatePIDs": "pid",
    "ProtectHostname": "uts",
}
_JOINED: Final = {"NetworkNamespacePath": "net", "IPCNamespacePath": "ipc"}
# Groups of systemd that nsinit has by another name, has not, or of which it has less or more: what
# is allowed is at least as much, what is refused at most.
_GROUPS: Final = {
    "@system-service": "@service @keyring process_madvise setns unshare userfaultfd",
    "@memlock": "mlock mlock2 mlockall munlock munlockall",
    "@process": "@process setns unshare",
    "@ipc": "@ipc process_madvise",
}
_REFUSED: Final = {
    "@debug": "perf_event_open pidfd_getfd ptrace rtas s390_runtime_instr sys_debug_setcontext",
    "@privileged": """
        @chown @clock @module @raw-io @reboot @swap acct bpf capset chroot fanotify_init
        fanotify_mark open_by_handle_at pivot_root quotactl quotactl_fd setdomainname setfsuid
        setfsuid32 setgroups setgroups32 sethostname setresuid setresuid32 setreuid setreuid32
        setuid setuid32 vhangup
    """,
    "@raw-io": "ioperm iopl",
    "@resources": """
        ioprio_set mbind migrate_pages move_pages nice sched_setaffinity sched_setattr
        sched_setparam sched_setscheduler set_mempolicy set_mempolicy_home_node setpriority
        setrlimit
    """,
    "@setuid": """
        setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid
        setresuid32 setreuid setreuid32 setuid setuid32
    """,
}
_REASON: Final = "filters do not look at the arguments of calls"
ARGUMENTS: Final = dict.fromkeys(
    ("LockPersonality", "MemoryDenyWriteExecute", "RestrictAddressFamilies", "RestrictNamespaces",
     "RestrictRealtime", "RestrictSUIDSGID"), _REASON,
)  # fmt: skip


def security(draft: Draft) -> None:
    """All of it; see `mounts` for files."""
    _capabilities(draft)
    _namespaces(draft)
    privileges = draft.set("no_new_privs", "NoNewPrivileges", values.boolean)
    if draft.is_dynamic:
        draft.table.set("no_new_privs", value=True)
    made = _filter(draft)
    if made is not None:
        draft.table.set("seccomp", made)
        if privileges is None and not draft.user:
            text = "a filter alone does not set it"
            draft.table.set("no_new_privs", value=False, remark=text)


# --- Capabilities ---------------------------------------------------------------------------------


def _capabilities(draft: Draft) -> None:
    bounding = _bounding(draft)
    if bounding is not None:
        draft.table.set("capabilities", list(bounding))
    taken: list[str] = []
    for key, names in _TAKEN.items():
        found = draft.read(key, values.boolean)
        if found is not None and found[0]:
            taken += names
            if key == "PrivateDevices":
                draft.cannot(found[1], "/dev is the one of nsinit; it only can't make devices")
    left = [name for name in taken if bounding is None or {name, ALL} & set(bounding)]
    if left:
        draft.table.set("cap_drop", list(dict.fromkeys(left)))
    ambient: dict[str, Entry] = {}
    for entry in draft.unit.take("Service", "AmbientCapabilities"):
        if entry.value.startswith("~"):
            draft.cannot(entry, "nsinit has no list of what is not ambient")
            continue
        for name in _caps(draft, entry, entry.value):
            ambient[name] = entry
    for name, entry in list(ambient.items()):
        lost = bounding is not None and not _has(bounding, name)
        if lost or name in left:
            draft.cannot(entry, f"{name} is not in the bounding set")
            del ambient[name]
    if ambient:
        draft.table.set("ambient", list(ambient))


def _bounding(draft: Draft) -> list[str] | None:
    """The words of `capabilities`; None if nothing is said."""
    entries = draft.unit.take_all("Service", "CapabilityBoundingSet")
    made: list[str] | None = None
    for entry in entries:
        inverted = entry.value.startswith("~")
        names = list(_caps(draft, entry, entry.value.removeprefix("~")))
        if not names:
            made = [ALL] if inverted else []
        elif inverted:
            made = [ALL] if made is None else made
            made = [one for one in made if one not in names]
            made += [f"-{name}" for name in names] if ALL in made else []
        else:
            made = [one for one in made or () if one.removeprefix("-") not in names] + (
                [] if ALL in (made or ()) else names
            )
    return made


def _has(words_: list[str], name: str) -> bool:
    return name in words_ or (ALL in words_ and f"-{name}" not in words_)


def _caps(draft: Draft, entry: Entry, text: str) -> Iterator[str]:
    for word in text.split():
        try:
            yield parse_name(word)
        except ValueError as error:
            draft.cannot(entry, str(error))


# --- Namespaces -----------------------------------------------------------------------------------


def _namespaces(draft: Draft) -> None:
    made: dict[str, Value] = {}
    for key, kind in _NAMESPACES.items():
        found = draft.read(key, _switch)
        if found is not None and found[0]:
            made[kind] = "new"
    for key, kind in _JOINED.items():
        path = draft.text(key)
        if path:
            made[kind] = path
    if made:
        draft.table.set("namespaces", made)


def _switch(text: str) -> bool:
    """A switch of which later versions know more positions (ProtectHostname=private)."""
    return text == "private" or values.boolean(text)


# --- System calls ---------------------------------------------------------------------------------


def _filter(draft: Draft) -> dict[str, Value] | None:
    number = draft.read("SystemCallErrorNumber", str)
    entries = draft.unit.take("Service", "SystemCallFilter")
    native = draft.last("SystemCallArchitectures")
    if not entries:
        if native is not None:
            draft.cannot(native, "without a filter all architectures are allowed")
        return None
    if native is not None and native.value != "native":
        draft.cannot(native, "a filter allows the architecture of the machine alone")
    refusing = entries[0].value.startswith("~")
    same: dict[str, None] = {}
    other: dict[str, None] = {}
    for entry in entries:
        inverted = entry.value.startswith("~")
        for name in _calls(draft, entry, entry.value.removeprefix("~"), refused=inverted):
            into, out = (same, other) if inverted == refusing else (other, same)
            into[name] = None
            out.pop(name, None)
    if not same:
        return None
    made: dict[str, Value] = {"deny" if refusing else "allow": list(same)}
    if other:
        made["allow" if refusing else "deny"] = list(other)
        made["default"] = "allow" if refusing else "errno"
    if number is None or number[0] == "kill":
        made["action"] = "kill"
    elif number[0] not in ("EPERM", "1"):
        draft.cannot(number[1], "a call that is refused gets EPERM")
    return made


def _calls(draft: Draft, entry: Entry, text: str, *, refused: bool) -> Iterator[str]:
    known = syscalls.names()
    groups = _GROUPS | (_REFUSED if refused else {})
    try:
        items = words(text, escapes=False)
    except ValueError as error:
        draft.cannot(entry, str(error))
        return
    for item in items:
        name, colon, _ = item.partition(":")
        if colon:
            draft.cannot(entry, "all calls that are refused are refused alike")
        if name in groups:
            yield from (one for one in groups[name].split() if one in GROUPS or one in known)
        elif name in known or name in GROUPS:
            yield name
        else:
            kind = "group of calls" if name.startswith("@") else "system call"
            draft.cannot(entry, f"nsinit knows no {kind} {name}")
