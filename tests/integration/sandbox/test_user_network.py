"""Networks without power over the host's: pasta and slirp4netns, for real and as impostors."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import proc
from nsinit.model.publish import Publish
from nsinit.network import usermode
from nsinit.process.steps import Born
from nsinit.sandbox.usermode import UserNetwork, UserNetworkReady
from tests.support.live import DEADLINE, ORDINARY, eventually
from tests.support.namespaces import toml
from tests.support.outer import Outer, outer
from tests.support.ports import ask, command, elsewhere, inside, need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

    Make = Callable[..., Box]

# The launcher is made an ordinary user's here: what comes before that needs root.
ROOT_ONLY = pytest.mark.parametrize("user", ["rootful"], indirect=True)
_DEVICE = 'mount -t tmpfs none /dev/net && mknod -m "$0" /dev/net/tun c 10 200 && exec "$@"'


@pytest.fixture
def host(nothing_left: None) -> Iterator[Outer]:
    """The host, with another machine on a cable, to which it has a default route."""
    need("pasta", "slirp4netns")
    with outer() as made:
        yield made


@pytest.fixture
def client(host: Outer) -> Iterator[Outer]:
    """The other machine."""
    with elsewhere(host) as made:
        yield made


def config(mode: str, publish: str, *ports: str) -> str:
    """A sandbox that serves some ports."""
    network = f'{{mode = "{mode}", publish = [{publish}]}}'
    service = "[services.a]\nmin_uptime = 0\nready = {log = 'serving'}\n"
    head = f'[sandbox]\nname = "one"\nnetwork = {network}\n'
    return f"{head}{service}command = {toml(command(*ports))}\n"


def of_user(host: Outer, box: Box, device: str = "0666") -> Box:
    """Let an ordinary user start it, where /dev/net/tun has that mode."""
    for path in (box.directory, box.directory / "run"):
        os.chown(path, ORDINARY, ORDINARY)
    user = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--"]
    box.program = ["unshare", "--mount", "sh", "-c", _DEVICE, device, *user, *box.program]
    return host.holds(box)


def helpers(box: Box) -> list[str]:
    """The programs that make its network."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0") if path.exists() else []
        if words[0] in (b"pasta", b"slirp4netns") and str(box.pid).encode() in words:
            found.append(path.parent.name)
    return found


@ROOT_ONLY
@pytest.mark.row(41, 42)
def test_ports_lead_in_when_a_user_has_pasta(host: Outer, client: Outer, box: Make) -> None:
    """On loopback, and from elsewhere; it goes with the sandbox, whatever ends that."""
    one = of_user(host, box(config("pasta", '"8080:80", "5353:53/udp"', "80", "53/udp"))).start()
    one.wait_for_line("serving")
    assert ask(host.enter, "tcp 127.0.0.1 8080", "tcp 127.0.0.1 80") == ["80 127.0.0.1", "refused"]
    assert ask(client.enter, "udp 192.0.2.1 5353") == ["53 192.0.2.9"]
    # The address of the gateway is not one of the host's own 127.0.0.1.
    assert ask(inside(one.pid), "tcp 192.0.2.9 80") == ["80 192.0.2.1"]
    assert ask(inside(one.pid), "tcp 192.0.2.254 8080", wait=0.5)[0] in ("nothing", "refused")
    told = json.loads(one.run("inspect", "one").stdout)
    assert told["published"] == ["8080:80/tcp", "5353:53/udp"]
    found = helpers(one)
    assert len(found) == 1
    assert one.process is not None
    os.kill(one.process.pid, signal.SIGKILL)
    eventually(lambda: not pathlib.Path(f"/proc/{found[0]}").exists(), "pasta is gone")
    assert ask(host.enter, "tcp 127.0.0.1 8080") == ["refused"]


@ROOT_ONLY
@pytest.mark.row(41, 42)
def test_ports_lead_in_when_there_is_slirp4netns(host: Outer, client: Outer, box: Make) -> None:
    """For a user and for root; what it can't publish is told, and so is what ends it."""
    published = config("slirp4netns", '"8080-8081:80-81", "5353:53/udp"', "80", "81", "53/udp")
    for make in (of_user, lambda host, box: host.holds(box)):
        one = make(host, box(published)).start()
        one.wait_for_line("serving")
        targets = ("tcp 192.0.2.1 8080", "tcp 192.0.2.1 8081", "udp 192.0.2.1 5353")
        expected = ["80 192.0.2.9", "81 192.0.2.9", "53 192.0.2.9"]
        assert ask(client.enter, *targets) == expected
        assert ask(host.enter, "tcp 127.0.0.1 8081") == ["81 10.0.2.2"]
        assert ask(inside(one.pid), "tcp 192.0.2.9 80") == ["80 192.0.2.1"]
        (found,) = helpers(one)
        if make is of_user:
            assert one.stop() == 0
            continue
        os.kill(int(found), signal.SIGTERM)
        one.wait_for_line("the sandbox has no network any more: slirp4netns has ended")
    done = of_user(host, box(config("slirp4netns", '"80:80"', "80"))).run()
    assert done.returncode == 125
    assert "slirp4netns can't publish 0.0.0.0:80/tcp" in done.stderr


@ROOT_ONLY
def test_sandbox_is_refused_when_the_device_is_closed(host: Outer, box: Make) -> None:
    """At once, and with what helps: a pasta of 2022 would hang."""
    began = time.monotonic()
    done = of_user(host, box(config("pasta", "", "80")), "0600").run()
    assert done.returncode == 125
    assert "/dev/net/tun: Permission denied" in done.stderr
    assert "chmod 0666 /dev/net/tun" in done.stderr
    assert time.monotonic() - began < DEADLINE / 4


# --- The guard, with programs that behave in other ways -------------------------------------------

_IMPOSTORS = {
    "hangs": ("pasta", "echo slow >&2; sleep 1000 & sleep 1000", "was not ready within 0 s: slow"),
    "fails": ("pasta", "echo 'no such bus' >&2; exit 3", "ended with 3: no such bus"),
    "leaves": ("pasta", "exit 0", "ended with 0"),
    "is silent": ("slirp4netns", "exec sleep 1000", "was not ready within 0 s"),
    "ends": ("slirp4netns", "exit 1", "ended with 1"),
    "is deaf": ("slirp4netns", "echo 1 >&3; exec sleep 1000", "does not take ports"),
}


@pytest.mark.parametrize("how", [*_IMPOSTORS])
def test_failure_is_told_when_the_program(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Does not do what it should: nothing of it is left."""
    name, script, expected = _IMPOSTORS[how]
    (tmp_path / name).write_text(f"#!/bin/sh\n: {tmp_path}\n{script}\n")
    (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(usermode, "SECONDS", 0.3)
    monkeypatch.setattr(usermode, "TUN", os.devnull)
    before = set(proc.children() or ())
    ports = Publish(Publish.read("8080:80")) if how == "is deaf" else Publish()
    step = UserNetwork(name, ports, _Entry(str(tmp_path)))  # type: ignore[arg-type]  # what is used of one
    step.apply(Born(os.getpid(), -1))
    with pytest.raises(OSError, match=expected):
        UserNetworkReady(step).apply()
    step.undo()
    assert set(proc.children() or ()) == before


class _Entry:
    """An entry without a file."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def update(self, **_: object) -> str:
        """Nothing."""
        return ""
