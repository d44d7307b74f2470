"""Namespaces of all eight kinds, alone and together, proved from outside and from inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.namespaces import KINDS, different, namespaces, service, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

SEEN = "; ".join(f"readlink /proc/self/ns/{'mnt' if kind == 'mount' else kind}" for kind in KINDS)
# Every pair of kinds is in each of its four states in one of these at least; a pid namespace has
# a mount namespace with it.
PAIRWISE = [
    set(KINDS),
    {"user"},
    {"ipc", "uts", "pid", "mount"},
    {"ipc", "net", "cgroup"},
    {"uts", "net", "time", "mount"},
    {"user", "pid", "mount", "net", "time"},
    {"user", "ipc", "time", "cgroup", "mount"},
    {"uts", "user", "cgroup", "pid", "mount"},
    {"pid", "mount", "net", "ipc", "cgroup", "time"},
]


def _written(kinds: set[str]) -> str:
    words = {kind: "new" if kind in kinds else "shared" for kind in KINDS}
    return "namespaces = {" + ", ".join(f'{kind} = "{word}"' for kind, word in words.items()) + "}"


def _prove(box: Callable[..., Box], kinds: set[str], config: str) -> None:
    made = box(f"[sandbox]\n{config}\n{service(SEEN)}").start()
    inside = wait_for(made)
    assert different(made.pid) == kinds
    assert inside == list(namespaces(made.pid).values())


@pytest.mark.row(1, 51)
@pytest.mark.parametrize("kinds", PAIRWISE, ids=lambda kinds: "-".join(sorted(kinds)))
def test_exactly_these_namespaces_are_new_when_asked_for(
    box: Callable[..., Box], user: int, kinds: set[str]
) -> None:
    """An equal inode is the same namespace: those that are shared have it, the others have not."""
    made = kinds | {"user"} if user else kinds
    _prove(box, made, _written(made))


@pytest.mark.row(1, 32)
@pytest.mark.parametrize("kind", KINDS)
def test_one_namespace_is_new_when_alone(box: Callable[..., Box], user: int, kind: str) -> None:
    """An ordinary user has a user namespace with it; a pid namespace its own mounts."""
    kinds = {kind} | ({"user"} if user else set()) | ({"mount"} if kind == "pid" else set())
    _prove(box, kinds, _written(kinds))


@pytest.mark.row(56)
def test_namespaces_are_shared_when_not_listed(box: Callable[..., Box], user: int) -> None:
    """But for the few that a sandbox has always."""
    default = {"ipc", "uts", "pid", "mount"} | ({"user"} if user else set())
    _prove(box, default, "")
    _prove(box, default | {"net"}, 'namespaces = {net = "new"}')


@pytest.mark.row(33)
def test_only_a_loopback_is_there_and_up_when_the_network_is_new(box: Callable[..., Box]) -> None:
    """It answers; the interfaces of the host are not seen."""
    script = "ls /sys/class/net >/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1; ip -br address"
    made = box(f'[sandbox]\nnamespaces = {{net = "new"}}\n{service(script)}').start()
    name, address = wait_for(made)
    assert name == "lo"
    assert "127.0.0.1/8" in address.split()
