"""Which devices are made for a bundle, and where none may be."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from nsinit.bundles.read import Findings
from nsinit.bundles.translate import translate
from nsinit.model.sandboxes import Sandbox
from nsinit.sandbox.bundled import plan_bundle
from tests.support.bundles import CONFIG

DEVICES = [
    {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600},
    {"path": "/dev/fifo", "type": "p"},
    {"path": "/srv/fifo", "type": "p"},
]


def steps(mounts: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """What is done about devices, and what is told."""
    config = copy.deepcopy(CONFIG)
    config["mounts"] = mounts
    config["linux"]["devices"] = DEVICES
    findings = Findings("config.json")
    found = translate(json.dumps(config), "/pod", findings)
    assert found is not None
    plan = plan_bundle(Sandbox(rootfs="/pod/rootfs"), found.bundle, found.bundle.state("pod"))
    said = [step.describe() for step in plan.child]
    return [one for one in said if one.startswith("make ")], list(map(str, findings.warnings))


@pytest.mark.parametrize(
    "mount", [{"type": "bind", "source": "/dev"}, {"type": "devtmpfs", "source": "dev"}]
)
def test_no_device_is_made_when_dev_is_the_hosts(mount: dict[str, str]) -> None:
    """It would be there for all, and stay; and there is one devtmpfs only."""
    made, told = steps([{"destination": "/dev", **mount}])
    assert [one for one in made if "dev" in one] == ["make the device /srv/fifo (p, mode 666)"]
    assert "those below /dev are not made" in "".join(told)


def test_device_is_made_as_it_is_listed_when_it_is_one_that_all_have() -> None:
    """With the mode that is written there."""
    made, told = steps(CONFIG["mounts"])
    assert "make /dev/{zero,full,random,urandom,tty} and links" in made
    assert "make the device /dev/null (c 1:3, mode 600)" in made
    assert told == []
