"""Ports as tests use them: who answers, and whom the answerer has seen; from any network."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.live import DEADLINE
from tests.support.outer import Outer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Answers "PORT PEER" on the TCP and UDP ports that are its arguments, by IPv4 and IPv6.
SERVER: Final = """\
import selectors, socket, sys
found = selectors.DefaultSelector()
for word in sys.argv[1:]:
    port, _, kind = word.partition("/")
    if kind == "udp":
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            made = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((host, int(port)))
            found.register(made, 1, port)
    else:
        made = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
        found.register(made, 1, port)
print("serving", flush=True)
while True:
    for key, _ in found.select():
        if key.fileobj.type == socket.SOCK_DGRAM:
            _, peer = key.fileobj.recvfrom(99)
            key.fileobj.sendto(f"{key.data} {peer[0]}".encode(), peer)
        else:
            made, peer = key.fileobj.accept()
            made.sendall(f"{key.data} {peer[0]}".encode().replace(b"::ffff:", b""))
            made.close()
"""

# Asks all of [KIND, HOST, PORT, own PORT or 0] at once: the answers, "refused" or "nothing".
_ASK: Final = """\
import concurrent.futures, json, socket, sys
def ask(target):
    kind, host, port, source = target
    try:
        if kind == "tcp":
            with socket.create_connection((host, port), WAIT) as made:
                return made.recv(99).decode()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as made:
            made.settimeout(WAIT)
            made.bind(("", source))
            made.connect((host, port))  # so that an answer from elsewhere is none
            made.send(b"x")
            return made.recv(99).decode()
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "nothing"
WAIT = float(sys.argv[2])
targets = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(list(pool.map(ask, targets))))
"""


def need(*programs: str) -> None:
    """Skip where Debian's packages are not installed."""
    for name in programs:
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            pytest.skip(f"EngineUnavailable: the program {name} is not installed")


def command(*ports: str) -> list[str]:
    """What runs such a server."""
    return [sys.executable, "-Sc", SERVER, *ports]


def ask(enter: Sequence[str], *targets: str, wait: float = 5.0) -> list[str]:
    """What each of "tcp 10.0.0.1 80" answers, as seen from the network that `enter` leads to.

    "udp 10.0.0.1 53 4000" is asked from port 4000.
    """
    split = [(*target.split(), "0")[:4] for target in targets]
    rows = [(kind, host, int(port), int(source)) for kind, host, port, source in split]
    words = [*enter, sys.executable, "-Sc", _ASK, json.dumps(rows), str(wait)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def inside(pid: int) -> list[str]:
    """What runs a program in the network of a process."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]


@contextlib.contextmanager
def elsewhere(host: Outer) -> Iterator[Outer]:
    """Another machine, on a cable to the host: 192.0.2.9 to 192.0.2.1, 2001:db8::9 to ::1.

    It answers at port 80, and routes for the host (from 192.0.2.254).
    """
    other = Outer()
    server = subprocess.Popen([*other.enter, *command("80", "53/udp")], stdout=subprocess.PIPE)
    try:
        pid = other.enter[1].split("/")[2]  # --net=/proc/PID/ns/net
        host.run(*f"ip link add out type veth peer name eth0 netns {pid}".split())
        for where, name, numbers in ((host, "out", ["1"]), (other, "eth0", ["9", "254"])):
            for number in numbers:
                where.run("ip", "address", "add", f"192.0.2.{number}/24", "dev", name)
            six = f"2001:db8::{numbers[0]}/64"
            where.run("ip", "address", "add", six, "dev", name, "nodad")
            where.run("ip", "link", "set", name, "up")
        host.run("ip", "route", "add", "default", "via", "192.0.2.254")
        assert server.stdout is not None
        assert server.stdout.readline() == b"serving\n"
        yield other
    finally:
        server.kill()
        server.communicate()
        host.run("ip", "link", "delete", "out", check=False)
        other.close()
