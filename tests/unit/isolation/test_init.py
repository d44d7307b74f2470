"""What the init of a sandbox keeps, for all sorts of services."""

from __future__ import annotations

import pytest

from nsinit.capnames import NAMES
from nsinit.isolation.init import KeepOnly, NotDumpable, harden, needed
from nsinit.model.confinement import NO_FILTER, Landlock
from nsinit.model.sandboxes import Sandbox
from nsinit.model.security import CapNames, CapWords
from nsinit.model.spec import Service
from nsinit.model.tuning import Nice, OomScore
from nsinit.model.types import Rlimit, Words

COMMAND = Words(["true"])
PLAIN = Service(command=COMMAND)


def _more(*services: Service, sandbox: Sandbox | None = None) -> set[str]:
    """What is kept beyond that for a sandbox in which nothing is asked for."""
    kept = needed(sandbox or Sandbox(), services)
    assert kept >= needed(Sandbox(capabilities=CapWords([])), [])
    return {NAMES[cap] for cap in kept - needed(Sandbox(), [PLAIN])}


@pytest.mark.parametrize(
    ("service", "more"),
    [
        (PLAIN, set()),
        (Service(command=COMMAND, cap_add=CapNames(["SYS_TIME"])), {"SYS_TIME"}),
        (Service(command=COMMAND, nice=Nice(0)), {"SYS_NICE"}),
        (Service(command=COMMAND, oom_score_adj=OomScore(5)), {"SYS_RESOURCE"}),
        (Service(command=COMMAND, limits={"core": Rlimit([0, 0])}), {"SYS_RESOURCE"}),
    ],
)
def test_init_keeps_what_it_takes_when_a_service_wants_it(service: Service, more: set[str]) -> None:
    """Nothing else: not the power over the whole host."""
    assert _more(service) == more
    assert _more(PLAIN, service) == more


def test_init_may_load_filters_when_services_keep_new_privileges() -> None:
    """Nobody else may then; who has no filter needs nobody to load it."""
    setuid = Service(command=COMMAND, no_new_privs=False)
    assert _more(setuid) == {"SYS_ADMIN"}
    assert _more(setuid, sandbox=Sandbox(seccomp=NO_FILTER)) == set()
    assert _more(setuid, sandbox=Sandbox(seccomp=NO_FILTER, landlock=Landlock())) == {"SYS_ADMIN"}


def test_init_keeps_all_there_is_when_a_service_gets_all() -> None:
    """What it gave up could not be passed on."""
    everything = Service(command=COMMAND, cap_add=CapNames(["ALL"]))
    assert needed(Sandbox(), [everything]) == set(range(len(NAMES)))


def test_init_has_more_than_services_by_default() -> None:
    """CAP_SYS_PTRACE, so that they can't look into it."""
    kept = {NAMES[cap] for cap in needed(Sandbox(capabilities=CapWords([])), [PLAIN])}
    assert "SYS_PTRACE" in kept
    assert not kept & {"SYS_ADMIN", "SYS_MODULE", "SYS_TIME", "NET_ADMIN", "BPF"}


@pytest.mark.parametrize("as_root", [True, False])
def test_capabilities_go_last_when_init_is_hardened(*, as_root: bool) -> None:
    """Every step before may need them."""
    steps = harden(Sandbox(), [PLAIN], as_root=as_root)
    assert isinstance(steps[-1], KeepOnly)
    assert any(isinstance(step, NotDumpable) for step in steps) is as_root
