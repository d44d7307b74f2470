"""Each name at the seam, and each errno of its manual page that can happen to a call of nsinit's.

Left out is what only a mistake of the caller brings (EFAULT, EBADF, EINVAL of constant arguments),
and EINTR where Python itself makes the call again (PEP 475). Sources: the pages of section 2.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """What a call can fail with; where else that is shown when a life of init has no such call."""

    errnos: tuple[str, ...]
    elsewhere: str = ""


_PATH: Final = "EACCES ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EIO"  # path_resolution(7)
_BOX: Final = "tests/kernel, tests/integration/sandbox: a step of a sandbox"
_NET: Final = "tests/kernel, tests/unit/network: a network of a sandbox"


def _row(errnos: str, elsewhere: str = "") -> Row:
    return Row(tuple(errnos.split()), elsewhere)


CALLS: Final[dict[str, Row]] = {
    "accept": _row("EAGAIN ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPERM EPROTO"),
    "bind": _row(f"EADDRINUSE EADDRNOTAVAIL EROFS {_PATH}"),
    "bpf": _row("EPERM ENOMEM EINVAL E2BIG ENOSPC", "tests/kernel/test_devicefilter.py"),
    "capget": _row("EPERM ESRCH", "tests/kernel/test_creds.py"),
    "capset": _row("EPERM", "tests/kernel/test_creds.py"),
    "chdir": _row(_PATH),
    "chmod": _row(f"EPERM EROFS {_PATH}"),
    "chown": _row(f"EPERM EROFS {_PATH}"),
    "chroot": _row(f"EPERM {_PATH}", _BOX),
    "clone3": _row("EAGAIN ENOMEM ENOSPC EPERM EUSERS ENOSYS EACCES EBUSY", _BOX),
    "close": _row("EIO ENOSPC EDQUOT"),
    "close_range": _row("EMFILE ENOMEM ENOSYS EPERM EINVAL", "before init is told of faults"),
    "connect": _row(
        "EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAGAIN ECONNREFUSED EHOSTUNREACH ENETUNREACH ENOENT"
        " EPROTOTYPE ETIMEDOUT"
    ),
    "creds": _row("EPERM EINVAL", "tests/kernel/test_creds.py"),
    "dlopen": _row("ENOENT ENOMEM EACCES", _BOX),
    "dup2": _row("EMFILE EBUSY"),
    "epoll_create": _row("EMFILE ENFILE ENOMEM"),
    "epoll_ctl": _row("ENOMEM ENOSPC"),
    "epoll_wait": _row("EINTR ENOMEM"),
    "execve": _row(
        "E2BIG EACCES EAGAIN EIO ELIBBAD ELOOP EMFILE ENFILE ENOENT ENOEXEC ENOMEM ENOTDIR EPERM"
        " ETXTBSY"
    ),
    "fchmod": _row("EIO EPERM EROFS ENOMEM"),
    "fchown": _row("EIO EPERM EROFS ENOMEM"),
    "fcntl": _row("EMFILE EPERM EBUSY EAGAIN"),
    "flock": _row("EWOULDBLOCK ENOLCK EINTR", "tests/unit/sandbox/test_state.py"),
    "fork": _row("EAGAIN ENOMEM ENOSYS"),
    "fsmount": _row("EPERM EBUSY ENOMEM ENOSPC EMFILE", _BOX),
    "fsopen": _row("EPERM ENODEV EMFILE ENFILE ENOMEM", _BOX),
    "ftruncate": _row("EIO EPERM EROFS EFBIG"),
    "getcwd": _row("ENOENT EACCES ENOMEM", _BOX),
    "getrandom": _row("ENOSYS", "no errno that happens since Linux 3.17: the images alone ask"),
    "inotify_add_watch": _row("EACCES ENAMETOOLONG ENOENT ENOMEM ENOSPC"),
    "inotify_init": _row("EMFILE ENFILE ENOMEM"),
    "inotify_rm_watch": _row("EINVAL"),
    "ioctl": _row("ENOTTY EIO EPERM"),
    "ioprio_set": _row("EPERM ESRCH"),
    "keyctl": _row("EDQUOT ENOMEM EACCES ENOSYS EPERM", _BOX),
    "kill": _row("EPERM ESRCH"),
    "landlock_add_rule": _row("ENOMSG EPERM EBADFD", "tests/kernel/test_landlock.py"),
    "landlock_create_ruleset": _row("EOPNOTSUPP ENOSYS ENOMEM", "tests/kernel/test_landlock.py"),
    "landlock_restrict_self": _row("EPERM E2BIG", "tests/kernel/test_landlock.py"),
    "link": _row(f"EDQUOT EEXIST EMLINK ENOSPC EPERM EROFS EXDEV {_PATH}", "the images alone"),
    "map_ids": _row("EPERM EINVAL ENOENT", _BOX),
    "memfd_create": _row("EMFILE ENFILE ENOMEM EPERM ENOSYS"),
    "mkdir": _row(f"EDQUOT EEXIST EMLINK ENOSPC EPERM EROFS {_PATH}"),
    "mknod": _row(f"EDQUOT EEXIST ENOSPC EPERM EROFS {_PATH}", _BOX),
    "mount": _row(f"EBUSY EINVAL ENODEV ENOTBLK ENXIO EPERM EROFS {_PATH}", _BOX),
    "mount_setattr": _row("EBUSY EINVAL ENOMEM ENOSPC EPERM", _BOX),
    "move_mount": _row(f"EPERM EINVAL EBUSY {_PATH}", _BOX),
    "netlink": _row("EPERM ENOBUFS ENOMEM EMFILE ENFILE EPROTONOSUPPORT EBUSY"),
    "open": _row(
        f"EBUSY EDQUOT EEXIST EFBIG EISDIR EMFILE ENFILE ENODEV ENOSPC ENXIO EOVERFLOW EPERM EROFS"
        f" ETXTBSY EAGAIN {_PATH}"
    ),
    "open_tree": _row(f"EMFILE ENFILE EPERM {_PATH}", _BOX),
    "openpty": _row("EMFILE ENFILE ENOMEM ENOSPC EIO EPERM"),
    "pidfd_open": _row("EMFILE ENFILE ENODEV ENOMEM ESRCH ENOSYS"),
    "pidfd_send_signal": _row("EPERM ESRCH"),
    "pipe": _row("EMFILE ENFILE"),
    "pivot_root": _row(f"EBUSY EINVAL EPERM {_PATH}", _BOX),
    "poll": _row("ENOMEM EINTR"),
    "prctl": _row("EPERM EINVAL", _BOX),
    "read": _row("EAGAIN EIO EISDIR ENOMEM"),
    "readlink": _row(_PATH, "the warden alone, outside of init"),
    "recv": _row("EAGAIN ECONNREFUSED ECONNRESET ENOMEM"),
    "recvmsg": _row("EAGAIN ENOMEM ENOBUFS"),
    "rename": _row(f"EBUSY EDQUOT EEXIST EISDIR EMLINK ENOSPC EPERM EROFS EXDEV {_PATH}"),
    "rmdir": _row(f"EBUSY ENOTEMPTY EPERM EROFS {_PATH}"),
    "sched_setaffinity": _row("EINVAL EPERM ESRCH"),
    "sched_setscheduler": _row("EPERM ESRCH", "tests/kernel/test_scheduling.py"),
    "seccomp": _row("EACCES ENOMEM EINVAL ESRCH", "tests/kernel/test_seccomp.py"),
    "send": _row("EAGAIN ECONNRESET EPIPE ENOBUFS ENOMEM"),
    "sendmsg": _row("EAGAIN ECONNRESET EPIPE ENOBUFS ENOMEM ETOOMANYREFS", "nsinit ctl and run"),
    "setdomainname": _row("EPERM ENAMETOOLONG", _BOX),
    "setgroups": _row("ENOMEM EPERM"),
    "sethostname": _row("EPERM ENAMETOOLONG", _BOX),
    "setns": _row("EINVAL ENOMEM EPERM ESRCH", _BOX),
    "setpriority": _row("EACCES EPERM ESRCH"),
    "setresgid": _row("EAGAIN EPERM EINVAL"),
    "setresuid": _row("EAGAIN EPERM EINVAL"),
    "setrlimit": _row("EPERM"),
    "setsid": _row("EPERM"),
    "setxattr": _row("EDQUOT ENOSPC ENOTSUP EPERM", "the images alone"),
    "signalfd": _row("EMFILE ENFILE ENODEV ENOMEM"),
    "socket": _row("EACCES EAFNOSUPPORT EMFILE ENFILE ENOBUFS ENOMEM"),
    "stat": _row(f"EOVERFLOW {_PATH}"),
    "symlink": _row(f"EDQUOT EEXIST ENOSPC EPERM EROFS {_PATH}", "the images alone"),
    "timerfd_create": _row("EMFILE ENFILE ENODEV ENOMEM EPERM"),
    "timerfd_settime": _row("ECANCELED"),
    "umount": _row(f"EAGAIN EBUSY EPERM {_PATH}", _BOX),
    "unlink": _row(f"EBUSY EISDIR EPERM EROFS {_PATH}"),
    "unshare": _row("EINVAL ENOMEM ENOSPC EPERM EUSERS", _BOX),
    "utime": _row("EACCES EPERM EROFS ENOENT"),
    "waitid": _row("ECHILD"),
    "write": _row("EAGAIN EDQUOT EFBIG EIO ENOSPC EPERM EPIPE"),
}

# What stands at the seam beside calls of the kernel: the core, and the loop.
OWN: Final = ("core", "loop")
ACTIONS: Final = (
    "Spawn", "RunTask", "KillTask", "FindMain", "Signal", "Freeze", "Sweep", "Release", "Arm",
    "Disarm", "Changed", "Noted", "Remark", "Finish",
)  # fmt: skip
_UNIT: Final = "its own tests: no service of the lives here has it"
# What the reactor calls back, by its title; see `nsinit.kernel.seam.title`.
CALLBACKS: Final = {
    "Again._try": "only after an error",
    "Chronicle._tell_counts": "",
    "Connections._accept": "",
    "Connections._go_on": "after an error of accept(2)",
    "Connections._hear_exec": _UNIT,
    "Connections.adopt.<locals>.hear": _UNIT,
    "Driver._alarm": "",
    "Driver._tell_again": "after an error of the core",
    "Execution._read": _UNIT,
    "FdStore._look": _UNIT,
    "Intake._look_again": _UNIT,
    "Intake._read": _UNIT,
    "Logs._look_again": _UNIT,
    "Logs._look_for_drops": _UNIT,
    "Stream": "",
    "Logs._watch": "",
    "Pipes._end": "",
    "Mains._await_status": _UNIT,
    "Mains._hear_end_of.<locals>.ended": _UNIT,
    "Mains._hear_exec": "",
    "Notify.drain": "",
    "Outlet.flush": "",
    "Probes._told": "",
    "Readiness._listen": "",
    "Readiness._read": _UNIT,
    "Readiness._tell": "",
    "Reexec._ask.<locals>.late": "",
    "Reexec._go_by": "",
    "Reexec._stuck": "after an error of what waits",
    "Reexec._wait": "",
    "Runs._end_of_another.<locals>.helper": "LogFiles._packed: the title of what it is",
    "Runs.reap": "after more deaths than are reaped at once",
    "Schedules._set": "after an error of its timer",
    "Schedules._set.<locals>.<lambda>": "",
    "SignalDesk.read": "",
    "Sockets._readable": "",
    "Syslog._call": _UNIT,
    "Syslog._heard": _UNIT,
    "Syslog._look": _UNIT,
    "Syslog.flush": _UNIT,
    "Terminal._write_on": _UNIT,
    "Trees._walk": "",
    "Watches._hear": "",
    "Watches._on_timer": "",
    "_Connection._guarded": "",
    "_Request._guarded": _UNIT,
}
# What one's own code can raise anywhere; interrupts are no Exception in Python's words.
ERRORS: Final = ("RuntimeError", "MemoryError", "EIO", "RecursionError", "KeyboardInterrupt")
