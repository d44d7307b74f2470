"""What a message of sd_notify(3) means, and who may send it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan, Rules
from nsinit.runtime.hearing import Hearing, understand
from nsinit.runtime.notify import Message, parse

GONE = 1 << 22  # a pid that no process can have


def said(data: bytes) -> m.Notified:
    """What the core hears of a datagram."""
    return understand("a", 1, parse(data))


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"", {}),
        (b"READY=1", {"ready": True}),
        (b"READY=2", {}),
        (b"READY=1\nSTOPPING=1", {"ready": True, "stopping": True}),
        (b"RELOADING=1", {"reloading": True}),
        (b"RELOADING=1\nMONOTONIC_USEC=1500000", {"reloading": True, "reloading_at": 1.5}),
        (b"RELOADING=1\nMONOTONIC_USEC=-1", {"reloading": True}),
        (b"MONOTONIC_USEC=1500000", {}),
        (b"STATUS=up", {"status": "up"}),
        (b"STATUS=", {"status": ""}),
        (b"STATUS=a\x1b[2Jb\tc\xff", {"status": "a?[2Jb?c\ufffd"}),
        (b"STATUS=" + b"x" * 4000, {"status": "x" * 256}),
        (b"ERRNO=2", {"errno": 2}),
        (b"ERRNO=-2\nMAINPID=1\nWATCHDOG_USEC=x", {}),
        (b"ERRNO=99999\nMAINPID=99999999999999999999999", {}),
        (b"MAINPID=4711", {"main_pid": 4711}),
        (b"MAINPID=\xd9\xa3", {}),  # digits of another script
        (b"EXTEND_TIMEOUT_USEC=1500000", {"extend": 1.5}),
        (b"EXTEND_TIMEOUT_USEC=18446744073709551615", {"extend": 315360000.0}),
        (b"WATCHDOG=1", {"watchdog": "1"}),
        (b"WATCHDOG=trigger", {"watchdog": "trigger"}),
        (b"WATCHDOG=0\nWATCHDOG_USEC=0", {"watchdog_span": 0.0}),
        (b"BARRIER=1", {}),
    ],
)  # fmt: skip
def test_fields_mean_something_when_they_are_known(data: bytes, fields: dict[str, Any]) -> None:
    """Numbers in bounds, text that a terminal can show; the rest is passed over."""
    assert said(data) == m.Notified("a", 1, **fields)


class World:
    """A service with a main process, and what its Hearing does."""

    def __init__(self, owners: dict[int, str], ended: int = 0) -> None:
        self.posted: list[m.Event] = []
        self.warnings: list[str] = []
        self.adopted: list[int] = []
        core = Supervisor(Plan(services={"a": Rules(name="a", says_ready=True)}))
        core.state.services["a"].run, core.state.services["a"].pid = 1, 10
        runs: Any = SimpleNamespace(
            owner=owners.get,
            refresh=lambda: None,
            has_ended=lambda pid: pid == ended,
            adopt_main=lambda *args: self.adopted.append(args[2]),
        )
        say: Any = SimpleNamespace(warning=self.warnings.append)
        self.hearing = Hearing(core, runs, say, self.posted.append)

    def hear(self, data: bytes, pid: int = 10, *, own_user: bool = True) -> bool:
        """One datagram, with a descriptor."""
        return self.hearing.heard(Message("a", 1, pid, own_user, parse(data), (99,)))


@pytest.mark.parametrize(
    ("pid", "own_user", "refusal"),
    [
        (10, True, ""),
        (GONE, True, ""),
        (GONE, False, f"pid {GONE}, which had another user and is gone"),
        (11, True, "b (pid 11)"),
        (0, True, "another pid namespace"),
        (-1, True, "another pid namespace"),
        (1, True, "pid 1, which is no process of it"),
    ],
)
def test_sender_is_refused_when_it_is_no_process_of_the_service(
    pid: int, own_user: bool, refusal: str
) -> None:
    """What it says changes nothing, and is told once."""
    world = World({10: "a", 11: "b"})
    for _ in range(3):
        world.hear(b"READY=1", pid, own_user=own_user)
    assert bool(world.posted) == (not refusal)
    assert world.warnings == ([f"a: ignored a notification from {refusal}"] if refusal else [])


def test_main_process_is_adopted_when_it_is_news_and_its_own() -> None:
    """Another's is refused, and the rest of the message counts."""
    world = World({10: "a", 12: "a", 11: "b"})
    for pid in (10, 11, 12):
        world.hear(b"READY=1\nMAINPID=%d" % pid)
    assert world.adopted == [12]
    assert world.posted == [
        m.Notified("a", 1, ready=True),
        m.Notified("a", 1, ready=True),
        m.Notified("a", 1, ready=True, main_pid=12),
    ]
    assert world.warnings == ["a: ignored MAINPID=11, which is no process of it"]


def test_nothing_is_ready_when_the_main_process_is_reaped() -> None:
    """Unless it has named another that goes on."""
    world = World({10: "a", 12: "a"}, ended=10)
    world.hear(b"READY=1")
    world.hear(b"READY=1\nSTATUS=x")
    world.hear(b"READY=1\nMAINPID=12")
    assert world.posted == [
        m.Notified("a", 1, status="x"),
        m.Notified("a", 1, ready=True, main_pid=12),
    ]


def test_descriptors_are_handed_over_when_they_are_to_be_stored() -> None:
    """And else given back, so that they are closed."""
    world = World({10: "a", 11: "b"})
    stored: list[Message] = []
    world.hearing.store = lambda message: not stored.append(message)  # type: ignore[func-returns-value]  # append is None
    assert world.hear(b"FDSTORE=1\nFDNAME=x")
    assert stored[0].fds == (99,)
    assert stored[0].fields["FDNAME"] == "x"
    assert not world.hear(b"READY=1")
    assert not world.hear(b"FDSTORE=1", 11)
    assert len(stored) == 1
