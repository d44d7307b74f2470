"""From what was asked for and what is here to what has to be done, in order. Pure.

`Facts` are read once; with them the plan is a function that can be printed and tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.errors import SandboxError
from nsinit.isolation import basics
from nsinit.isolation.idmaps import DropGroups, NoMoreUsers
from nsinit.isolation.init import harden
from nsinit.kernel import creds, namespaces
from nsinit.model.mounting import ROOT_KEYS
from nsinit.model.sandboxes import Origin, origins
from nsinit.named import Named
from nsinit.sandbox.callers import read_caller, read_subordinate
from nsinit.sandbox.users import make_maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nsinit.bundles.translate import Bundle
    from nsinit.cgroups.steps import MakeGroup
    from nsinit.isolation.joins import Join
    from nsinit.isolation.nodes import Console
    from nsinit.kernel.idmaps import Which
    from nsinit.kernel.namespaces import Kind
    from nsinit.model.idmaps import Row
    from nsinit.model.sandboxes import Sandbox
    from nsinit.model.spec import Service
    from nsinit.process.steps import ParentStep, Step
    from nsinit.sandbox.network import NetworkPlan
    from nsinit.sandbox.state import Registration
    from nsinit.sandbox.users import Caller, Decided, Subordinate

_CAP_NET_ADMIN: Final = 12
# Not made by the clone itself: init makes it when it has been attached.
_LATER: Final = frozenset({"cgroup"})


def _no_sandbox(name: str) -> int:
    raise SandboxError(f"there is no sandbox {name!r}")


class Facts(Named):
    """Who builds the sandbox, what the kernel has, and who else is there."""

    caller: Caller
    privileged: bool  # CAP_SYS_ADMIN, so that no user namespace is needed
    supported: Mapping[Kind, bool]
    find_sandbox: Callable[[str], int] = _no_sandbox  # the pid of the init of that name
    subordinate: Callable[[str | int | None], Subordinate] = read_subordinate
    net_admin: bool = False  # CAP_NET_ADMIN, to make interfaces
    entry: Registration | None = None  # where it is noted what the sandbox has; for making it


class RootPlan(Named):
    """What makes the root file system of a sandbox: by the launcher, and by init."""

    host: tuple[Step, ...]
    child: tuple[Step, ...]
    halfway: tuple[ParentStep, ...] = ()
    started: Callable[[], object] | None = None
    console: Console | None = None
    later: Callable[[], object] = lambda: None


class SandboxPlan(Named):
    """All that makes a sandbox, in the order in which it is done; nothing of it is done yet.

    The steps of the launcher are undone in reverse when any later one fails, and at the end of the
    sandbox. Those of init end with its namespaces.
    """

    name: str
    kinds: tuple[Kind, ...]  # the new namespaces
    flags: int  # of those that the clone makes
    host: tuple[Step, ...]  # by the launcher, before there is an init: directories, cgroups
    split: tuple[Step, ...]  # by a process between launcher and init: joined namespaces, clocks
    parent: tuple[ParentStep, ...]  # by the launcher, while init waits: id maps, attaching, links
    child: tuple[Step, ...]  # by init, before it is one: names, mounts, root, what it may do
    group: MakeGroup | None = None  # among the steps of the host
    settled: tuple[Step, ...] = ()  # by the launcher, when init has taken its: waiting for helpers
    halfway: tuple[ParentStep, ...] = ()  # by the launcher, while init waits for it on its way
    started: Callable[[], object] | None = None  # by init: the main service runs, for who waits
    console: Console | None = None  # makes the terminal of the main service, if told for whom
    later: Callable[[], object] = lambda: None  # by init: what its first services don't wait for

    def describe(self) -> list[str]:
        """The whole plan, a line per step, with its phase."""
        made = [kind for kind, flag in namespaces.FLAGS.items() if self.flags & flag]
        phases = {
            "host": [step.describe() for step in self.host],
            "split": [
                *(step.describe() for step in self.split),
                f"make namespaces: {', '.join(made) or 'none'}",
            ],
            "parent": [step.describe() for step in self.parent],
            "child": [step.describe() for step in self.child],
            "halfway": [step.describe() for step in self.halfway],
            "settled": [step.describe() for step in self.settled],
        }
        return [f"{phase:<7} {line}" for phase, lines in phases.items() for line in lines]


def read_facts(entry: Registration | None = None) -> Facts:
    """What is true here and now; with the entry of a sandbox it can be made, not only planned."""
    from nsinit.sandbox.state import find_sandbox_pid  # noqa: PLC0415  (who makes a plan has it)

    kinds = namespaces.FLAGS
    return Facts(
        read_caller(),
        basics.has_cap_sys_admin(),
        {kind: namespaces.is_supported(kind) for kind in kinds},
        find_sandbox_pid,
        net_admin=creds.has_cap(_CAP_NET_ADMIN),
        entry=entry,
    )


def make_plan(
    sandbox: Sandbox,
    name: str,
    facts: Facts,
    services: Iterable[Service] = (),
    bundle: Bundle | None = None,
) -> SandboxPlan:
    """Decide everything; SandboxError before anything is done if it can't work here.

    What init may do depends on its `services`.
    """
    found = origins(sandbox)
    if not facts.privileged or sandbox.users is not None:
        found.setdefault("user", Origin("new"))
    used = [kind for kind in namespaces.FLAGS if kind in found and found[kind].way != "shared"]
    _refuse_missing(used, facts)
    kinds = tuple(kind for kind in used if not found[kind].joined)
    joins = [_join(kind, found[kind], facts) for kind in used if found[kind].joined]
    if joins and not facts.privileged and not found["user"].joined:
        message = f"cannot join {joins[0].words()} without CAP_SYS_ADMIN"
        raise SandboxError(message, hint="join the user namespace that it belongs to as well")
    host, split = _ways(sandbox, kinds, joins)
    done = {"time", "user"} if sandbox.time_offsets is not None else set()
    flags = namespaces.flags_of(kind for kind in kinds if kind not in done | _LATER)
    users = make_maps(sandbox.users, facts.caller, facts.subordinate) if "user" in kinds else None
    services = tuple(services)
    group = _group(sandbox, name, services, facts, users)
    network = _network(sandbox, facts) if sandbox.network is not None else None
    theirs = users.maps.rows if users is not None and facts.caller.uid == 0 else None
    root = _bundled(sandbox, bundle, name) if bundle else _root(sandbox, used, kinds, theirs)
    return SandboxPlan(
        name,
        kinds,
        flags,
        host=(
            *_sealed(sandbox),
            *host,
            *(network.host if network else ()),
            *_host(users),
            *root.host,
            *([group] if group else []),
        ),
        split=tuple(split),
        parent=(*_parent(users, group), *(network.parent if network else ())),
        child=(
            *_ids(sandbox, users),
            *_names(sandbox, kinds, joins),
            *(network.before if network else ()),
            *root.child,
            *(network.child if network else ()),
            *harden(sandbox, services, as_root=facts.caller.uid == 0 and "user" not in used),
        ),
        group=group,
        settled=network.settled if network else (),
        halfway=root.halfway,
        started=root.started,
        console=root.console,
        later=root.later,
    )


def _refuse_missing(used: list[Kind], facts: Facts) -> None:
    if not any(facts.supported.values()):  # they are files of it
        message = "cannot make the sandbox: there is no /proc here"
        raise SandboxError(message, hint="mount -t proc proc /proc")
    missing = [kind for kind in used if not facts.supported[kind]]
    if missing:
        raise SandboxError(f"cannot make the sandbox: this kernel has no {missing[0]} namespaces")


def _bundled(sandbox: Sandbox, bundle: Bundle, name: str) -> RootPlan:
    """What a bundle lists, and nothing else."""
    from nsinit.sandbox.bundled import plan_bundle  # noqa: PLC0415  (few have one)

    return plan_bundle(sandbox, bundle, bundle.state(name))


def _network(sandbox: Sandbox, facts: Facts) -> NetworkPlan:
    """Interfaces other than lo; made beside all the rest, which they are waited for after."""
    from nsinit.sandbox.network import plan_network  # noqa: PLC0415  (most have none)

    return plan_network(sandbox, facts)


def _sealed(sandbox: Sandbox) -> list[Step]:
    """Before anything is made that the old program could be reached by."""
    if not sandbox.sealed:
        return []
    from nsinit.sandbox.seal import Sealed  # noqa: PLC0415  (few sandboxes ask for it)

    return [Sealed()]


def _join(kind: Kind, found: Origin, facts: Facts) -> Join:
    from nsinit.isolation.joins import Join  # noqa: PLC0415  (few sandboxes join others)

    if found.way == "path":
        return Join(kind, found.word)
    pid = facts.find_sandbox(found.word) if found.way == "sandbox" else int(found.word)
    owner = f"the sandbox {found.word}" if found.way == "sandbox" else f"process {pid}"
    return Join(kind, namespaces.path_of(kind, pid), owner)


def _ways(
    sandbox: Sandbox, kinds: tuple[Kind, ...], joins: list[Join]
) -> tuple[list[Step], list[Step]]:
    """What the launcher opens and tries first of all, and what is done on the way to init.

    Only a child of whoever enters a pid namespace, or sets the clocks of a time namespace, is in
    it: with any of these there is a process between launcher and init.
    """
    host: list[Step] = []
    split: list[Step] = []
    if joins:
        from nsinit.isolation.joins import (  # noqa: PLC0415  (few sandboxes join others)
            EnterNamespaces,
            OpenNamespace,
            TryNamespaces,
        )

        if any(join.kind == "mount" for join in joins):
            from nsinit.isolation.imports import ReadModules  # noqa: PLC0415  (the same)

            host.append(ReadModules())
        opened = [OpenNamespace(join) for join in joins]
        host += [*opened, TryNamespaces(opened)]
        split += [EnterNamespaces(opened)]
    if sandbox.time_offsets is not None:
        from nsinit.isolation.fresh import KeptProc, TimeNamespace  # noqa: PLC0415  (rare)

        offsets = sandbox.time_offsets
        clocks = {"monotonic": offsets.monotonic, "boottime": offsets.boottime}
        proc = KeptProc()
        host.append(proc)
        split.append(TimeNamespace(clocks, proc, user="user" in kinds))
    return host, split


def _host(users: Decided | None) -> list[Step]:
    """What the launcher does before there is an init; a child steps' descriptors are opened here.

    Init is forked from the launcher: what these leave in an object is there for a later step.
    """
    return [DropGroups()] if users is not None and users.drop_groups_before else []


def _group(
    sandbox: Sandbox,
    name: str,
    services: Sequence[Service],
    facts: Facts,
    users: Decided | None,
) -> MakeGroup | None:
    """The cgroup of all that is in the sandbox, if anything is to have one.

    It is for root inside to make more of them in it: where that is another than the launcher, it
    is given to them.
    """
    if sandbox.resources is None and not any(spec.has_group for spec in services):
        return None
    from nsinit.cgroups.steps import plan_group  # noqa: PLC0415  (most sandboxes have no limits)

    inside = users.root if users is not None else None
    owner = inside if inside is not None and inside[0] != facts.caller.uid else None
    return plan_group(sandbox, name, services, owner)


def _parent(users: Decided | None, group: MakeGroup | None) -> list[ParentStep]:
    """What the launcher does to init while that waits: ids first, then all that may need them."""
    steps: list[ParentStep] = [users.maps] if users is not None else []
    if group is not None:
        from nsinit.cgroups.steps import AttachInit  # noqa: PLC0415  (loaded by then)

        steps.append(AttachInit(group))
    return steps


def _ids(sandbox: Sandbox, users: Decided | None) -> list[Step]:
    """Who init is: before anything that it makes, which would belong to somebody else."""
    steps: list[Step] = []
    if users is not None and users.ids is not None:
        steps.append(users.ids)
    if sandbox.users is not None and not sandbox.users.nested:
        steps.append(NoMoreUsers())
    return steps


def _names(sandbox: Sandbox, kinds: tuple[Kind, ...], joins: list[Join]) -> list[Step]:
    """What init is in its new namespaces: names, interfaces. Before anything is mounted.

    The launcher has attached it by now: its cgroup is the root of the new cgroup namespace.
    """
    steps: list[Step] = []
    if any(join.kind == "user" for join in joins):
        from nsinit.isolation.joins import BeRoot  # noqa: PLC0415  (few sandboxes join others)

        steps.append(BeRoot())
    if {"cgroup", "net"} & set(kinds):
        from nsinit.isolation.fresh import CgroupNamespace, LoopbackUp  # noqa: PLC0415  (as there)

        steps += [CgroupNamespace()] if "cgroup" in kinds else []
        steps += [LoopbackUp()] if "net" in kinds else []
    if sandbox.hostname is not None:
        steps.append(basics.HostName(sandbox.hostname))
    if sandbox.domainname is not None:
        steps.append(basics.DomainName(sandbox.domainname))
    return steps


def _root(
    sandbox: Sandbox,
    used: list[Kind],
    kinds: tuple[Kind, ...],
    ids: Mapping[Which, Sequence[Row]] | None,
) -> RootPlan:
    """What init sees: propagation before any mount, or the host would see them.

    Then the root, the mounts in it, /proc, the pivot, what is masked; see mount_namespaces(7).
    """
    steps: list[Step] = []
    if "mount" in used and "mount" not in kinds:
        from nsinit.isolation.joins import FitProc  # noqa: PLC0415  (few sandboxes join others)

        steps.append(FitProc())
    names = sandbox.network is not None and sandbox.network.has_names
    if names or any(getattr(sandbox, key) for key in ROOT_KEYS):
        from nsinit.sandbox.root import plan_root  # noqa: PLC0415  (the root of most is the host's)

        return plan_root(sandbox, used, steps if "mount" not in kinds else None, ids)
    if "mount" in kinds:
        steps.append(basics.PrivateMounts())
        steps += [basics.OwnProc()] if "pid" in used else []
    return RootPlan((), tuple(steps))
