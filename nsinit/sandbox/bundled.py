"""From a bundle to the steps of its root, its devices, its terminal and its hooks. Pure.

The order is that of the runtime specification: everything is mounted, then the hooks of
createRuntime and createContainer run, then the root is changed. Until that the root is where it
lies on the host, in init's own mounts: there createContainer hooks look for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.isolation.devices import Device
from nsinit.isolation.idmapped import MapMount
from nsinit.isolation.mounting import put
from nsinit.isolation.nodes import Console, DefaultDevices, MakeNode
from nsinit.isolation.paths import Mask, ReadonlyPath
from nsinit.isolation.placed import as_mount, place
from nsinit.isolation.root import BindRoot, EnterRoot, PrepareStage, Propagation, ReadonlyRoot
from nsinit.isolation.rootfs import sysctl_steps
from nsinit.isolation.stage import Stage
from nsinit.model.mounting import Mount
from nsinit.process.environment import given_environment
from nsinit.sandbox.halfway import Halfway
from nsinit.sandbox.hooks import Created, Keeper, RunInside, RunOutside
from nsinit.sandbox.plan import RootPlan
from nsinit.sandbox.root import plan_modules

if TYPE_CHECKING:
    from nsinit.bundles.hooks import State
    from nsinit.bundles.translate import Bundle
    from nsinit.isolation.mounting import Opened
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import ParentStep, Step

_DEV = "/dev"


def plan_bundle(sandbox: Sandbox, bundle: Bundle, state: State) -> RootPlan:
    """The steps, instead of those of the keys in `[sandbox]` alone."""
    stage = Stage(create=True)
    modules = plan_modules(sandbox)
    host: list[Step] = [modules.host]
    child = [modules.before, *_begin(stage, sandbox, bundle)]
    child += [
        place(stage, one, _mapped(as_mount(one), host, below=one.map_below))
        for one in bundle.mounts
    ]
    if not bundle.shares_dev:
        child.append(DefaultDevices(stage, {node.path for node in bundle.nodes}))
    child += [MakeNode(stage, node) for node in bundle.nodes if bundle.makes(node)]
    for device in sandbox.devices:
        source, _, target = device.partition(":")
        child.append(Device(stage, source, target or source))
    for mount in sandbox.mounts:
        ready = _mapped(mount, host)
        child.append(put(stage, mount, ready))
    if bundle.cwd != "/":
        child.append(put(stage, Mount(type="directory", target=bundle.cwd)))
    console = Console(stage, bundle.size, bundle.owner) if bundle.terminal else None
    child += [console] if console is not None else []
    child += sysctl_steps(stage, sandbox.sysctls)
    halfway, keeper = _hooks(bundle, state)
    child += [Halfway()] if halfway else []
    given = given_environment()
    root = sandbox.rootfs or ""
    child += [RunInside(hook, state, given, root) for hook in bundle.hooks["createContainer"]]
    child += [*_end(stage, sandbox, bundle), modules.after]
    if keeper is not None:
        host.insert(0, keeper)
    started = keeper.started if keeper is not None and bundle.hooks["poststart"] else None
    return RootPlan(tuple(host), tuple(child), tuple(halfway), started, console, modules.later)


def _mapped(mount: Mount, host: list[Step], *, below: bool | None = None) -> Opened | None:
    """Where a mount whose ids are mapped comes from: a step of the launcher makes it."""
    if mount.idmap is None:
        return None
    mapped = MapMount(mount, below=below)
    host.append(mapped)
    return mapped.opened


def _propagation(sandbox: Sandbox, bundle: Bundle) -> str:
    """That of the file, else that of the bundle; "r" for the root and all below it."""
    return f"r{sandbox.propagation}" if sandbox.propagation else bundle.propagation


def _begin(stage: Stage, sandbox: Sandbox, bundle: Bundle) -> list[Step]:
    """What the host mounts later shows in the container, unless it says "private": as in runc."""
    path = sandbox.rootfs or ""
    word = _propagation(sandbox, bundle)
    first = "private" if word.removeprefix("r") == "private" else "slave"
    has_dev = any(one.target == _DEV for one in bundle.mounts)
    return [
        Propagation(first),
        BindRoot(stage, path, nodev=has_dev),
        PrepareStage(stage, path),
    ]


def _hooks(bundle: Bundle, state: State) -> tuple[list[ParentStep], Keeper | None]:
    """Those of the launcher."""
    if not bundle.has_hooks:
        return [], None
    given = given_environment()
    halfway: list[ParentStep] = []
    keeper = None
    if bundle.hooks["poststart"] or bundle.hooks["poststop"]:
        keeper = Keeper(bundle.hooks["poststart"], bundle.hooks["poststop"], state, given)
        halfway.append(Created(keeper))
    for time in ("prestart", "createRuntime"):
        halfway += [RunOutside(hook, state, given) for hook in bundle.hooks[time]]
    return halfway, keeper


def _end(stage: Stage, sandbox: Sandbox, bundle: Bundle) -> list[Step]:
    steps: list[Step] = [Mask(stage, path) for path in sandbox.masked_paths or ()]
    steps += [ReadonlyPath(stage, path) for path in sandbox.readonly_paths or ()]
    if sandbox.readonly:
        steps.append(ReadonlyRoot(stage))
    steps.append(EnterRoot(stage))
    word = _propagation(sandbox, bundle)
    last = word.removeprefix("r")
    if last in ("shared", "unbindable"):
        recursive = word != last
        steps.append(Propagation(last, recursive=recursive))
    return steps
