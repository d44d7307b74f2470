"""From `[sandbox]` to the steps of its root file system. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.isolation.files import Names
from nsinit.isolation.rootfs import Root, root_steps, sysctl_steps
from nsinit.isolation.stage import Stage
from nsinit.model.mounting import Mount, at
from nsinit.model.sandboxes import NEW, origins
from nsinit.named import Named
from nsinit.sandbox.plan import RootPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nsinit.isolation.idmapped import MapMount
    from nsinit.kernel.idmaps import Which
    from nsinit.model.idmaps import Row
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Step

_QUIET: Final = (None, "none", "host", "join")  # where no other name servers are needed, or none


def plan_root(
    sandbox: Sandbox,
    kinds: Sequence[str],
    others: list[Step] | None,
    ids: Mapping[Which, Sequence[Row]] | None = None,
) -> RootPlan:
    """`kinds` are the namespaces that the sandbox does not share with the host.

    Where the mounts are `others`', those steps are all there is to do about them. The `ids` are
    those of a user namespace that root makes.
    """
    if others is not None:
        return RootPlan((), (*others, *sysctl_steps(Stage(create=False), sandbox.sysctls)))
    host: list[Step] = []
    overlay = sandbox.overlay
    upper = None
    if overlay is not None and overlay.upper is not None:
        from nsinit.isolation.layers import HoldUpper  # noqa: PLC0415  (few have a kept layer)

        upper = HoldUpper(overlay.upper, overlay.work)
        host.append(upper)
    layers = _mapped_layers(sandbox, ids) if ids is not None else []
    host += layers
    ready = {}
    for index, mount in enumerate(sandbox.mounts):
        if mount.idmap is not None:
            from nsinit.isolation.idmapped import MapMount  # noqa: PLC0415  (the same)

            mapped = MapMount(mount, slave=sandbox.propagation in ("slave", "shared"))
            host.append(mapped)
            ready[index] = mapped.opened
    root = Root(
        path=sandbox.rootfs,
        lower=overlay.lower if overlay is not None else (),
        upper=upper,
        layers=[layer.opened for layer in layers],
        readonly=sandbox.readonly
        or (overlay is not None and upper is None and not overlay.ephemeral),
        mounts=sandbox.mounts,
        ready=ready,
        devices=sandbox.devices,
        masked=sandbox.masked_paths,
        readonly_paths=sandbox.readonly_paths,
        sysctls=sandbox.sysctls,
        propagation=sandbox.propagation or "private",
        hostname=sandbox.hostname,
        names=_names(sandbox),
        connected=sandbox.network is not None and sandbox.network.way not in _QUIET,
        own=frozenset(kinds),
    )
    child = root_steps(root)
    if not (root.is_own or _hides_modules(sandbox.mounts)):
        return RootPlan(tuple(host), tuple(child))
    modules = plan_modules(sandbox)
    child = [modules.before, *child, modules.after]
    return RootPlan((*host, modules.host), tuple(child), later=modules.later)


class Modules(Named):
    """What keeps nsinit's own modules within reach, by phase."""

    host: Step
    before: Step  # by init, while it sees the root of the launcher
    after: Step  # when it no longer does
    later: Callable[[], object]  # when the first services run


def plan_modules(sandbox: Sandbox) -> Modules:
    """For a root that need have no Python."""
    from nsinit.isolation import imports  # noqa: PLC0415  (the root of most is the host's)

    others = sandbox.users is not None or origins(sandbox).get("user", NEW).joined
    host = imports.FindModules("other" if others else "same")
    return Modules(host, imports.HoldModules(), imports.ForbidImports(), imports.settle)


def _hides_modules(mounts: Sequence[Mount]) -> bool:
    """Whether something is mounted over what this program is loaded from: /tmp, /opt, /srv ..."""
    if not mounts:
        return False
    from nsinit.isolation.imports import places  # noqa: PLC0415  (the same)

    hidden = tuple(f"{at(one).rstrip('/')}/" for one in mounts)
    return any(f"{place}/".startswith(hidden) for place in places())


def _names(sandbox: Sandbox) -> Names | None:
    network = sandbox.network
    if network is None or not network.has_names:
        return None
    return Names(network.dns, network.dns_search, network.hosts)


def _mapped_layers(sandbox: Sandbox, ids: Mapping[Which, Sequence[Row]]) -> list[MapMount]:
    """The layers of an image of root for a sandbox whose root is nobody outside: as its own.

    An ordinary user's image has the ids of his range on the disk.
    """
    rows = ids["uid"]
    own = not rows or any(row.outside == 0 for row in rows)
    if sandbox.image is None or sandbox.overlay is None or own:
        return []
    from nsinit.isolation.idmapped import MapMount  # noqa: PLC0415  (few sandboxes need it)

    words = [
        f"{which[0]}:{row.inside}:{row.outside}:{row.size}"
        for which, kind in ids.items()
        for row in kind
    ]
    return [
        MapMount(Mount(target="/", source=path, options=["bind"], idmap=" ".join(words)))
        for path in sandbox.overlay.lower
    ]
