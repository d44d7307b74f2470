"""From `process` of a bundle to a service: what runs, as whom, with what limits. Pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

from nsinit.capnames import NUMBERS
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.bundles.read import Findings
    from nsinit.bundles.spec import Capabilities, IoPriority, Process, Rlimit, Scheduler

LIMITS: Final = (
    "as", "core", "cpu", "data", "fsize", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
    "rtprio", "rttime", "sigpending", "stack",
)  # fmt: skip
_INFINITY: Final = (1 << 64) - 1
_MOST: Final = (1 << 63) - 1
_UMASK: Final = 0o022  # where none is given, as runc has it
_AT: Final = "process"
_IO_CLASSES: Final = {
    "IOPRIO_CLASS_RT": "realtime",
    "IOPRIO_CLASS_BE": "best-effort",
    "IOPRIO_CLASS_IDLE": "idle",
}
_POLICIES: Final = {
    "SCHED_OTHER": "other",
    "SCHED_BATCH": "batch",
    "SCHED_IDLE": "idle",
    "SCHED_FIFO": "fifo",
    "SCHED_RR": "rr",
}
# What the kernel lets a set hold (capabilities(7)).
_WITHIN: Final = (
    ("inheritable", "bounding"),
    ("effective", "permitted"),
    ("ambient", "permitted"),
    ("ambient", "inheritable"),
)
_REAL_TIME: Final = ("fifo", "rr")


def service_of(process: Process, findings: Findings) -> dict[str, Any]:
    """The table of the service, as a file would have it."""
    made: dict[str, Any] = {
        "command": process.args,
        "main": True,
        "inherit_env": False,
        "environment": _environment(process.env, findings),
        "working_dir": _directory(process.cwd, findings),
        "user": process.user.uid,
        "group": process.user.gid,
        "groups": process.user.additional_gids,
        "umask": _UMASK if process.user.umask is None else process.user.umask,
        "limits": _limits(process.rlimits, findings),
        "no_new_privs": process.no_new_privileges,
        "min_uptime": 0,
    }
    if not process.args or not process.args[0]:
        findings.error((_AT, "args"), "expected a command, got nothing to run")
    made |= _capabilities(process, findings)
    if process.oom_score_adj is not None:
        made["oom_score_adj"] = process.oom_score_adj
    if process.scheduler is not None:
        made |= _scheduler(process.scheduler, findings)
    if process.io_priority is not None:
        made |= _io_priority(process.io_priority, findings)
    for key, value in (
        ("apparmorProfile", process.apparmor_profile),
        ("selinuxLabel", process.selinux_label),
    ):
        if value:
            findings.error((_AT, key), "nsinit sets no labels of security modules", "leave it out")
    if process.exec_affinity is not None:
        findings.warn((_AT, "execCPUAffinity"), "is for what is run later, and has no effect")
    return made


def _environment(env: Sequence[str], findings: Findings) -> dict[str, str]:
    made: dict[str, str] = {}
    for index, item in enumerate(env):
        name, mark, value = item.partition("=")
        if not name or not mark:
            findings.error((_AT, "env", index), f'expected "NAME=value", got {item!r}')
        made[name] = value
    return made


def _directory(cwd: str, findings: Findings) -> str:
    if not cwd.startswith("/"):
        findings.error((_AT, "cwd"), f"expected an absolute path, got {cwd!r}")
    words = [word for word in posixpath.normpath(cwd).split("/") if word]
    first, second, *_ = [*words, "", ""]
    if first == "proc" and (second.isdigit() or second in ("self", "thread-self")):
        findings.error((_AT, "cwd"), "leads out of the container")
    return posixpath.normpath(cwd)


def _limits(rlimits: Sequence[Rlimit], findings: Findings) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for index, limit in enumerate(rlimits):
        path = (_AT, "rlimits", index)
        name = limit.type.removeprefix("RLIMIT_").lower()
        if name not in LIMITS or limit.type != f"RLIMIT_{name.upper()}":
            known = [f"RLIMIT_{one.upper()}" for one in LIMITS]
            hint = did_you_mean(limit.type, known)
            findings.error((*path, "type"), f"there is no limit {limit.type!r}", hint)
        elif name in made:
            findings.error((*path, "type"), f"{limit.type} is there twice")
        elif limit.soft > limit.hard:
            findings.error((*path, "soft"), f"{limit.soft} is more than the hard {limit.hard}")
        elif any(_MOST < value != _INFINITY for value in (limit.soft, limit.hard)):
            findings.error(path, f"a limit is at most {_MOST}, or {_INFINITY} for none")
        made[name] = [_number(limit.soft), _number(limit.hard)]
    return made


def _number(value: int) -> str:
    return "unlimited" if value == _INFINITY else str(value)


def _capabilities(process: Process, findings: Findings) -> dict[str, list[str]]:
    """The bounding set is what can be had; without the key nothing can.

    What is effective does not outlive the exec, which makes it anew from the others
    (capabilities(7)).
    """
    sets = process.capabilities
    if sets is None:
        return {"capabilities": [], "ambient": [], "inheritable": []}
    found = {name: _names(sets, name, findings) for name in sets.__struct_fields__}
    path = (_AT, "capabilities")
    for name, within in _WITHIN:
        if lacking := [cap for cap in found[name] if cap not in found[within]]:
            findings.warn((*path, name), f"{', '.join(lacking)} is not in {within}: left out")
            found[name] = [cap for cap in found[name] if cap not in lacking]
    return {
        "capabilities": found["bounding"],
        "ambient": found["ambient"],
        "inheritable": found["inheritable"],
    }


def _names(sets: Capabilities, name: str, findings: Findings) -> list[str]:
    """Those that there are, without "CAP_"; others are told and left out, as the spec asks for."""
    made: list[str] = []
    for index, word in enumerate(getattr(sets, name)):
        bare = word.upper().removeprefix("CAP_")
        if bare in NUMBERS:
            made.append(bare)
        else:
            hint = did_you_mean(word, [f"CAP_{one}" for one in NUMBERS])
            path = (_AT, "capabilities", name, index)
            findings.warn(path, f"there is no capability {word!r}: left out", hint)
    return list(dict.fromkeys(made))


def _scheduler(asked: Scheduler, findings: Findings) -> dict[str, Any]:
    path = (_AT, "scheduler")
    policy = _POLICIES.get(asked.policy)
    if policy is None:
        known = ", ".join(_POLICIES)
        findings.error((*path, "policy"), f"expected one of {known}, got {asked.policy!r}")
        return {}
    for key in ("flags", "runtime", "deadline", "period"):
        if getattr(asked, key):
            findings.error((*path, key), "is not supported")
    if policy in _REAL_TIME and not 1 <= asked.priority <= 99:
        message = f"{asked.policy} has a priority from 1 to 99, not {asked.priority}"
        findings.error((*path, "priority"), message)
    elif policy not in _REAL_TIME and asked.priority:
        findings.error((*path, "priority"), f"{asked.policy} has none")
    made: dict[str, Any] = {"scheduler": policy}
    if policy in _REAL_TIME:
        made["scheduler"] = f"{policy}:{min(max(asked.priority, 1), 99)}"
    return made | ({"nice": asked.nice} if asked.nice else {})


def _io_priority(asked: IoPriority, findings: Findings) -> dict[str, str]:
    kind = _IO_CLASSES.get(asked.class_)
    if kind is None:
        known = ", ".join(_IO_CLASSES)
        message = f"expected one of {known}, got {asked.class_!r}"
        findings.error((_AT, "ioPriority", "class"), message)
        return {}
    return {"ioprio": kind if kind == "idle" else f"{kind}:{asked.priority}"}
