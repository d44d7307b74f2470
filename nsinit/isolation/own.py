"""What one service sees that others do not: namespaces, a root, mounts of its own.

Made by the same steps as those of a sandbox. New namespaces come with the fork, so the process is
the first one in them; the others are entered by the child before it is anything else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from msgspec import structs

from nsinit.isolation import basics
from nsinit.isolation.idmaps import MapIds
from nsinit.isolation.joins import EnterNamespaces, Join, OpenNamespace
from nsinit.kernel import idmaps, namespaces
from nsinit.model.idmaps import Row
from nsinit.model.mounting import Mount
from nsinit.model.sandboxes import NEW, origin
from nsinit.process.steps import Enclosure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.kernel.idmaps import Which
    from nsinit.kernel.namespaces import Kind
    from nsinit.model.sandboxes import Origin
    from nsinit.model.spec import Service
    from nsinit.process.steps import Step

_NOTIFY: Final = "NOTIFY_SOCKET"


def own_space(spec: Service, variables: Mapping[str, str], directory: str) -> Enclosure:
    """The space that a new process of a service is put into; `directory` is where init began."""
    found = _origins(spec)
    if not basics.has_cap_sys_admin() and "user" not in found:
        found["user"] = NEW  # its power is needed for all others
    new = tuple(kind for kind in namespaces.FLAGS if _is(found, kind, "new"))
    joined = [kind for kind in namespaces.FLAGS if kind in found and found[kind].joined]
    opened = [OpenNamespace(_join(kind, found[kind])) for kind in joined]
    before: list[Step] = [*opened, EnterNamespaces(opened)] if opened else []
    if "net" in new:
        from nsinit.isolation.fresh import LoopbackUp  # noqa: PLC0415  (few have a network)

        before.append(LoopbackUp())
    if "mount" in new:
        before += _root(spec, variables, directory, new)
    outside = (_all_ids(),) if "user" in new else ()
    root = os.path.join(directory, spec.rootfs) if spec.rootfs is not None else ""
    return Enclosure(kinds=new, outside=outside, before=tuple(before), root=root)


def space_beside(spec: Service, pid: int) -> Enclosure:
    """The space of a process that runs beside the main process `pid` of that service.

    All but the pid namespace, which would be for its children only.
    """
    kinds = [kind for kind in namespaces.FLAGS if kind != "pid" and _differs(kind, pid)]
    opened = [
        OpenNamespace(Join(kind, namespaces.path_of(kind, pid), "its service")) for kind in kinds
    ]
    before: list[Step] = [*opened, EnterNamespaces(opened)] if opened else []
    return Enclosure(
        before=tuple(before), root=f"/proc/{pid}/root" if spec.rootfs is not None else ""
    )


def _origins(spec: Service) -> dict[Kind, Origin]:
    """Where each kind comes from; one that is not here is init's."""
    found: dict[Kind, Origin] = {}
    for kind, value in spec.namespaces.items():
        one = origin(value)
        if one is not None and one.way != "shared":
            found[kind] = one
    if spec.rootfs is not None or spec.mounts or _is(found, "pid", "new"):
        found.setdefault("mount", NEW)
    return found


def _is(found: Mapping[Kind, Origin], kind: Kind, way: str) -> bool:
    return kind in found and found[kind].way == way


def _join(kind: Kind, one: Origin) -> Join:
    if one.way == "pid":
        return Join(kind, namespaces.path_of(kind, int(one.word)), f"process {one.word}")
    return Join(kind, one.word)


def _root(
    spec: Service, variables: Mapping[str, str], directory: str, new: tuple[Kind, ...]
) -> list[Step]:
    """The steps of its mount namespace; the socket that it notifies init by is in its root too."""
    from nsinit.isolation.rootfs import Root, root_steps  # noqa: PLC0415  (few have mounts)

    mounts = [_anchored(mount, directory) for mount in spec.mounts]
    if spec.rootfs is not None and (path := variables.get(_NOTIFY)):
        mounts.append(Mount(type="bind", source=path, target=path))
    path = os.path.join(directory, spec.rootfs) if spec.rootfs is not None else None
    return root_steps(Root(path=path, mounts=mounts, own=new))


def _anchored(mount: Mount, directory: str) -> Mount:
    """With the path of what is bound, which init itself could not find by a relative one."""
    if mount.type != "bind" or mount.source is None:
        return mount
    return structs.replace(mount, source=os.path.join(directory, mount.source))


def _all_ids() -> MapIds:
    """The ids that init has; somebody without power becomes root and has no other."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and basics.has_cap_sys_admin():
        return MapIds(_same("uid"), _same("gid"))
    return MapIds((Row(0, uid, 1),), (Row(0, gid, 1),), deny_setgroups=True)


def _same(which: Which) -> tuple[Row, ...]:
    """Each id of this user namespace as itself; none without a /proc."""
    rows = [line.split() for line in idmaps.read_map("self", which).splitlines()]
    return tuple(Row(int(inside), int(inside), int(count)) for inside, _, count in rows)


def _differs(kind: Kind, pid: int) -> bool:
    """Whether a process is in another namespace than init; one that is gone is in none."""
    try:
        theirs = os.readlink(namespaces.path_of(kind, pid))
    except OSError:
        return False
    return theirs != os.readlink(namespaces.path_of(kind, "self"))
