"""From what was asked for and what is here to what has to be done, in order. Pure.

`Facts` are read once; with them the plan is a function that can be printed and tested.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.errors import SandboxError
from nsinit.isolation import basics
from nsinit.isolation.idmaps import MapIds
from nsinit.kernel import namespaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.kernel.namespaces import Kind
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import ParentStep, Step

_DEFAULT: Final[tuple[Kind, ...]] = ("ipc", "uts", "pid", "mount")


class Facts(NamedTuple):
    """Who builds the sandbox, and what the kernel has."""

    uid: int
    gid: int
    privileged: bool  # CAP_SYS_ADMIN, so that no user namespace is needed
    supported: Mapping[Kind, bool]


class SandboxPlan(NamedTuple):
    """All that makes a sandbox, in the order in which it is done; nothing of it is done yet.

    The steps of the launcher are undone in reverse when any later one fails, and at the end of the
    sandbox. Those of init end with its namespaces.
    """

    name: str
    kinds: tuple[Kind, ...]  # the new namespaces
    flags: int  # theirs, for clone3(2)
    host: tuple[Step, ...]  # by the launcher, before there is an init: directories, cgroups
    parent: tuple[ParentStep, ...]  # by the launcher, while init waits: id maps, attaching, links
    child: tuple[Step, ...]  # by init, before it is one: names, mounts, root, what it may do

    def describe(self) -> list[str]:
        """The whole plan, a line per step, with its phase."""
        phases = {
            "host": [step.describe() for step in self.host],
            "split": [f"make namespaces: {', '.join(self.kinds)}"],
            "parent": [step.describe() for step in self.parent],
            "child": [step.describe() for step in self.child],
        }
        return [f"{phase:<7} {line}" for phase, lines in phases.items() for line in lines]


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
    return SandboxPlan(
        name,
        kinds,
        flags,
        host=tuple(_host(sandbox)),
        parent=tuple(_parent(facts, kinds)),
        child=(*_names(sandbox), *_mounts(kinds), *_hardening(sandbox)),
    )


def _host(sandbox: Sandbox) -> list[Step]:
    """What the launcher does before there is an init; a child steps' descriptors are opened here.

    Init is forked from the launcher: what these leave in an object is there for a later step.
    """
    del sandbox
    return []


def _parent(facts: Facts, kinds: tuple[Kind, ...]) -> list[ParentStep]:
    """What the launcher does to init while that waits: ids first, then all that may need them."""
    return [_maps(facts)] if "user" in kinds else []


def _maps(facts: Facts) -> MapIds:
    """Root keeps all ids; anybody else becomes root and has no other id (user_namespaces(7))."""
    if facts.privileged and facts.uid == 0:
        return MapIds(namespaces.ALL_IDS, namespaces.ALL_IDS, deny_setgroups=False)
    return MapIds(f"0 {facts.uid} 1", f"0 {facts.gid} 1", deny_setgroups=True)


def _names(sandbox: Sandbox) -> list[Step]:
    """What init is in its new namespaces: ids, names, interfaces. Before anything is mounted."""
    steps: list[Step] = []
    if sandbox.hostname is not None:
        steps.append(basics.HostName(sandbox.hostname))
    if sandbox.domainname is not None:
        steps.append(basics.DomainName(sandbox.domainname))
    return steps


def _mounts(kinds: tuple[Kind, ...]) -> list[Step]:
    """What init sees: propagation before any mount, or the host would see them.

    Then the root, the mounts in it, /proc, the pivot, what is masked; see mount_namespaces(7).
    """
    steps: list[Step] = []
    if "mount" in kinds:
        steps.append(basics.PrivateMounts())
        if "pid" in kinds:
            steps.append(basics.OwnProc())
    return steps


def _hardening(sandbox: Sandbox) -> list[Step]:
    """What init may do: last of all, as every step before needs some power."""
    del sandbox
    return []
