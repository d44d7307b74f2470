"""Who a service is, and how much of the machine it may take: systemd.exec(5). Pure."""

from __future__ import annotations

import re
import zlib
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.convert.systemd import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.convert.document import Value
    from nsinit.convert.systemd.unit import Draft

_DYNAMIC: Final = (61184, 65519)  # systemd(1), the range of DynamicUser=
_POLICIES: Final = ("other", "batch", "idle", "fifo", "rr")
_CLASSES: Final = ("none", "realtime", "best-effort", "idle")
_LIMITS: Final = (
    "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NOFILE", "AS", "NPROC", "MEMLOCK",
    "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
)  # fmt: skip


def identity(draft: Draft) -> None:
    """User and groups; then how much of the machine it may take."""
    user, group = draft.text("User"), draft.text("Group")
    dynamic = draft.read("DynamicUser", values.boolean)
    draft.is_dynamic = dynamic is not None and dynamic[0]
    more = [word for word, _ in draft.words("SupplementaryGroups")]
    if dynamic is not None and dynamic[0] and not (user and draft.tree.account(user)):
        # One that nobody else has: systemd finds it by the same kind of sum.
        first, last = _DYNAMIC
        user = str(first + zlib.crc32((user or draft.name).encode()) % (last - first + 1))
        group = user
        draft.remark(dynamic[1], "an id of its own that is always the same")
    draft.user = "" if user in ("root", "0") else user
    if draft.is_privileged:
        draft.user = ""
    else:
        for key, value in (("user", user), ("group", group)):
            if value:
                draft.table.set(key, int(value) if value.isascii() and value.isdigit() else value)
        if more:
            groups = [*(draft.tree.groups_of(user) if user else ()), *more]
            draft.table.set("groups", list(dict.fromkeys(map(_id, groups))))
    draft.table.set("umask", "022")
    draft.set("umask", "UMask", _mode)
    draft.set("nice", "Nice", lambda text: values.integer(text, -20, 19))
    draft.set("oom_score_adj", "OOMScoreAdjust", lambda text: values.integer(text, -1000, 1000))
    _scheduling(draft)
    limits: dict[str, Value] = {}
    for name in _LIMITS:
        kind = name.lower()
        found = draft.read(f"Limit{name}", partial(values.rlimit, kind))
        if found is not None:
            limits[kind] = found[0]
    if limits:
        draft.table.set("limits", limits)


def _id(name: str) -> str | int:
    return int(name) if name.isascii() and name.isdigit() else name


def _mode(text: str) -> str:
    if not re.fullmatch(r"[0-7]{1,5}", text):
        raise ValueError("expected an octal mode")
    return text.zfill(3)


def _scheduling(draft: Draft) -> None:
    policy = draft.read("CPUSchedulingPolicy", _one_of(_POLICIES))
    priority = draft.read("CPUSchedulingPriority", lambda text: values.integer(text, 0, 99))
    if policy is not None and policy[0] in ("fifo", "rr"):
        level = priority[0] if priority is not None else 1
        draft.table.set("scheduler", f"{policy[0]}:{max(level, 1)}")
    elif policy is not None:
        draft.table.set("scheduler", policy[0])
    kind = draft.read("IOSchedulingClass", _one_of((*_CLASSES, "0", "1", "2", "3")))
    level_found = draft.read("IOSchedulingPriority", lambda text: values.integer(text, 0, 7))
    if kind is not None or level_found is not None:
        word = kind[0] if kind is not None else "best-effort"
        word = _CLASSES[int(word)] if word.isdigit() else word
        if word in ("realtime", "best-effort"):
            word += f":{level_found[0] if level_found is not None else 4}"
        if word != "none":
            draft.table.set("ioprio", word)
    cpus: list[str] = []
    for word, entry in draft.words("CPUAffinity"):
        for part in word.split(","):
            if re.fullmatch(r"[0-9]{1,4}(-[0-9]{1,4})?", part):
                cpus.append(part)
            elif part:
                draft.cannot(entry, f"{part!r} is no CPU")
    if cpus:
        draft.table.set("cpu_affinity", ",".join(cpus))


def _one_of(known: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return text

    return read
