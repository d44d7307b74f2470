"""From `[sandbox]` to the steps of its root file system. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.isolation.rootfs import Root, root_steps, sysctl_steps
from nsinit.isolation.stage import Stage
from nsinit.sandbox.plan import RootPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Step


def plan_root(sandbox: Sandbox, kinds: Sequence[str], others: list[Step] | None) -> RootPlan:
    """`kinds` are the namespaces that the sandbox does not share with the host.

    Where the mounts are `others`', those steps are all there is to do about them.
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
        own=frozenset(kinds),
    )
    child = root_steps(root)
    if root.is_own:
        from nsinit.isolation.imports import ForbidImports, ReadModules  # noqa: PLC0415  (the same)

        host.append(ReadModules())
        child.append(ForbidImports())
    return RootPlan(tuple(host), tuple(child))
