"""The steps of a bundle, in the order that the runtime specification wants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nsinit.model.find import load_asked
from nsinit.sandbox.plan import Facts, make_plan
from nsinit.sandbox.users import Caller
from tests.support.bundles import CONFIG, hooks_of

if TYPE_CHECKING:
    import pathlib

KINDS = ("user", "ipc", "uts", "net", "pid", "mount", "cgroup", "time")
FACTS = Facts(Caller(0, 0, may_map=True), privileged=True, supported=dict.fromkeys(KINDS, True))  # type: ignore[arg-type]  # the names of the kinds


def test_steps_are_in_their_order_when_a_bundle_is_planned(tmp_path: pathlib.Path) -> None:
    """The keeper of hooks first of all; hooks between the mounts and the change of root."""
    hooks = hooks_of(tmp_path, tmp_path, 0)
    config = {**CONFIG, "hooks": hooks, "process": {**CONFIG["process"], "terminal": True}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = load_asked(None, {}, (), options={"bundle": str(tmp_path)})
    sandbox = loaded.config.sandbox
    assert sandbox is not None
    plan = make_plan(sandbox, "pod", FACTS, loaded.config.services.values(), loaded.bundle)
    lines = plan.describe()
    hook = tmp_path / "hook.sh"
    later = f"the poststart hook {hook}, the poststop hook {hook}"
    assert lines[0] == f"host    begin a process that will run {later}"
    child = [line.removeprefix("child   ") for line in lines if line.startswith("child")]
    expected = [
        "set the host name to box",
        "make all mounts slave",
        f"take {tmp_path}/rootfs as the root",
        "mount proc on /proc",
        "make /dev/{null,zero,full,random,urandom,tty} and links",
        "make a terminal, and have it as /dev/console",
        "wait for the launcher to go halfway",
        f"run the createContainer hook {hook}",
        "mask /proc/keys",
        "make /proc/sys read-only",
        "make the root read-only",
        "change into the new root, and detach the old one",
        "load nothing from the root",
        "make init not dumpable",
    ]
    assert [line for line in child if line in expected] == expected
    assert [line for line in lines if line.startswith("halfway")] == [
        "halfway have the poststop hooks run at the end, come what may",
        f"halfway run the prestart hook {hook}",
        f"halfway run the createRuntime hook {hook}",
    ]
    assert plan.console is not None
    assert plan.started is not None
