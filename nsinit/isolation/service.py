"""What confines one service: all its steps in one place, in the order that the kernel wants.

The bounding set goes while init's power is there, what follows the change of user comes after it,
filters come last of all: they would stand in the way of everything before them.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from nsinit.capnames import NAMES, NUMBERS, format_names, from_mask, to_mask
from nsinit.errors import SpawnError
from nsinit.isolation import capabilities as steps
from nsinit.kernel import creds
from nsinit.model.security import Granted, Security, filters_of, grant, has_no_new_privs
from nsinit.process.steps import Enclosure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.model.spec import Service
    from nsinit.process.steps import Step

_SETPCAP: Final = NUMBERS["SETPCAP"]
_SYS_PTRACE: Final = NUMBERS["SYS_PTRACE"]
_CAP_KEYS: Final = ("capabilities", "cap_add", "cap_drop", "ambient", "inheritable")


def enclose(
    spec: Service,
    sandbox: Security | None,
    directory: str,
    variables: Mapping[str, str],
    beside: int = 0,
    tell: Callable[[str], object] = lambda _: None,
) -> Enclosure | None:
    """The steps of a service in this sandbox, or in none; None if there are none to take.

    Paths are relative to `directory`. SpawnError if it asks for more than init has; what is done
    less well than asked for is told.
    """
    space = Enclosure()
    if spec.has_space:
        from nsinit.isolation.own import own_space, space_beside  # noqa: PLC0415  (few have any)

        space = space_beside(spec, beside) if beside else own_space(spec, variables, directory)
    ids: list[Step] = []
    last: list[Step] = []
    no_new_privs = has_no_new_privs(spec, sandbox)
    granted = None
    if sandbox is not None or any(getattr(spec, key) for key in _CAP_KEYS) or _wants_none(spec):
        mine = creds.read_caps() if "user" not in space.kinds else creds.full_caps()
        granted = _add_capabilities(spec, sandbox, mine, ids, last, no_new_privs=no_new_privs)
    if sandbox is not None or spec.has_space:
        last.append(steps.BeInside())
    if no_new_privs:
        last.append(steps.NoNewPrivs())
    # Without no_new_privs only CAP_SYS_ADMIN may filter, which is there until the ids change.
    _add_filters(spec, sandbox, granted, last if no_new_privs else ids, tell)
    if not (space.kinds or space.before or ids or last):
        return None
    return space._replace(ids=tuple(ids), last=tuple(last))


def _wants_none(spec: Service) -> bool:
    """An empty list is a wish too."""
    return spec.capabilities is not None or spec.ambient is not None


def _add_capabilities(
    spec: Service,
    sandbox: Security | None,
    mine: creds.Caps,
    ids: list[Step],
    last: list[Step],
    *,
    no_new_privs: bool,
) -> Granted:
    have = from_mask(mine.permitted & mine.bounding)
    granted = grant(spec, sandbox, have)
    _refuse(spec, granted, have)
    if sandbox is not None and _SYS_PTRACE in granted.caps:
        creds.set_dumpable(dumpable=False)  # init itself: its program is a file of the host
    caps = to_mask(granted.caps)
    excess = mine.bounding & ~caps
    if excess and _SETPCAP in have:
        ids.append(steps.DropBounding(excess))
    elif excess and not no_new_privs:  # with it, an exec gives nothing of the bounding set
        raise _refusal(
            spec,
            "limit",
            "init has no CAP_SETPCAP",
            "no_new_privs = true does without it; in a container: docker run --cap-add SETPCAP",
        )
    if granted.ambient or granted.inheritable:
        ids.append(steps.KeepCaps())
    sets = (caps, to_mask(granted.ambient), to_mask(granted.inheritable))
    last.append(steps.LimitCaps(*sets))
    return granted


def _add_filters(
    spec: Service,
    sandbox: Security | None,
    granted: Granted | None,
    place: list[Step],
    tell: Callable[[str], object],
) -> None:
    """Landlock, then the filter of system calls: it may forbid what Landlock is made with."""
    calls, reach = filters_of(spec, sandbox)
    if calls is None and reach is None:
        return
    if reach is not None:
        from nsinit.isolation.reach import landlock_steps  # noqa: PLC0415  (few have any)

        place += landlock_steps(reach, tell)
    if calls is not None:
        from nsinit.isolation.filters import seccomp_steps  # noqa: PLC0415  (outside of sandboxes)

        place += seccomp_steps(calls, _capabilities(spec, sandbox, granted))


def _capabilities(
    spec: Service, sandbox: Security | None, granted: Granted | None
) -> frozenset[str]:
    """The names of what the service can have: a user that is not root gets only the ambient."""
    if granted is None:
        mine = creds.read_caps()
        granted = Granted(
            from_mask(mine.permitted & mine.bounding), *(frozenset[int]() for _ in range(3))
        )
    user = str(os.geteuid() if spec.user is None else spec.user).partition(":")[0]
    lesser = user not in ("0", "root") and has_no_new_privs(spec, sandbox)
    caps = granted.ambient if lesser else granted.caps
    return frozenset(NAMES[cap] for cap in caps if cap < len(NAMES))


def _refuse(spec: Service, granted: Granted, have: frozenset[int]) -> None:
    """No service gets what init itself has not."""
    if granted.missing:
        here = creds.last_cap()
        unknown = [cap for cap in granted.missing if cap > here]
        if unknown:
            raise _refusal(spec, "give", f"this kernel has no {format_names(unknown)}", "")
        options = " ".join(f"--cap-add {NAMES[cap]}" for cap in sorted(granted.missing))
        reason = f"init has no {format_names(granted.missing)}"
        hint = f"it has {format_names(have)}; in a container: docker run {options}"
        raise _refusal(spec, "give", reason, hint)
    if granted.outside:
        what = format_names(granted.outside)
        hint = f"name it in capabilities or cap_add too; there are {format_names(granted.caps)}"
        raise _refusal(spec, "make ambient", f"{what} is not among its capabilities", hint)


def _refusal(spec: Service, verb: str, reason: str, hint: str) -> SpawnError:
    stage = f"{verb} the capabilities of"
    return SpawnError(spec.command[0], stage, errno.EPERM, hint=hint, reason=reason)
