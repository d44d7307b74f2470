"""From what was asked for and what is here to what has to be done, in order. Pure.

`Facts` are read once; with them the plan is a function that can be printed and tested.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.errors import SandboxError
from nsinit.isolation import basics
from nsinit.kernel import namespaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.kernel.namespaces import Kind
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Step

_DEFAULT: Final[tuple[Kind, ...]] = ("ipc", "uts", "pid", "mount")


class Facts(NamedTuple):
    """Who builds the sandbox, and what the kernel has."""

    uid: int
    gid: int
    privileged: bool  # CAP_SYS_ADMIN, so that no user namespace is needed
    supported: Mapping[Kind, bool]


class IdMaps(NamedTuple):
    """The maps of a new user namespace, as /proc/PID/uid_map takes them."""

    uids: str
    gids: str
    deny_setgroups: bool


class SandboxPlan(NamedTuple):
    """All that makes a sandbox."""

    name: str
    kinds: tuple[Kind, ...]
    flags: int
    maps: IdMaps | None
    steps: tuple[Step, ...]  # inside, by init, before it is init

    def describe(self) -> list[str]:
        """The whole plan, a line per step."""
        lines = [f"make namespaces: {', '.join(self.kinds)}"]
        if self.maps is not None:
            lines.append(f"map uids: {self.maps.uids}; gids: {self.maps.gids}")
        return [*lines, *(step.describe() for step in self.steps)]


def read_facts() -> Facts:
    """What is true here and now."""
    kinds = namespaces.FLAGS
    return Facts(
        os.geteuid(),
        os.getegid(),
        basics.has_cap_sys_admin(),
        {kind: namespaces.is_supported(kind) for kind in kinds},
    )


def make_plan(sandbox: Sandbox, name: str, facts: Facts) -> SandboxPlan:
    """Decide everything; SandboxError before anything is done if it can't work here."""
    wanted = dict.fromkeys(_DEFAULT, "new") | sandbox.namespaces
    if not facts.privileged and "user" not in sandbox.namespaces:
        wanted["user"] = "new"
    kinds = tuple(kind for kind in namespaces.FLAGS if wanted.get(kind) == "new")
    missing = [kind for kind in kinds if not facts.supported[kind]]
    if missing:
        raise SandboxError(f"cannot make the sandbox: this kernel has no {missing[0]} namespaces")
    flags = 0
    for kind in kinds:
        flags |= namespaces.FLAGS[kind]
    maps = _maps(facts) if "user" in kinds else None
    return SandboxPlan(name, kinds, flags, maps, tuple(_steps(sandbox, kinds)))


def _maps(facts: Facts) -> IdMaps:
    """Root keeps all ids; anybody else becomes root and has no other id (user_namespaces(7))."""
    if facts.privileged and facts.uid == 0:
        return IdMaps(namespaces.ALL_IDS, namespaces.ALL_IDS, deny_setgroups=False)
    return IdMaps(f"0 {facts.uid} 1", f"0 {facts.gid} 1", deny_setgroups=True)


def _steps(sandbox: Sandbox, kinds: tuple[Kind, ...]) -> list[Step]:
    """Propagation before any mount, or the host would see them (mount_namespaces(7))."""
    steps: list[Step] = []
    if "mount" in kinds:
        steps.append(basics.PrivateMounts())
        if "pid" in kinds:
            steps.append(basics.OwnProc())
    if sandbox.hostname is not None:
        steps.append(basics.HostName(sandbox.hostname))
    if sandbox.domainname is not None:
        steps.append(basics.DomainName(sandbox.domainname))
    return steps
