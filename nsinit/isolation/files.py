"""The files of /etc by which programs know their own name, other hosts, and who tells them more."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.mounting import put_file
from nsinit.isolation.root import Mounted
from nsinit.kernel import seam
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.isolation.stage import Stage

_RESOLV: Final = "/etc/resolv.conf"
# Where the servers are that systemd-resolved asks, who himself answers on a loopback address only.
_UPSTREAM: Final = "/run/systemd/resolve/resolv.conf"
_MOST: Final = 1 << 20  # bytes
_HOSTS: Final = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


class Names(Named):
    """What was asked for: who is asked for names, what comes after short ones, and some answers."""

    dns: Sequence[str] = ()
    search: Sequence[str] = ()
    hosts: Mapping[str, Sequence[str]] = {}


class EtcFiles(Mounted):
    """/etc/hostname and /etc/hosts for a name; hosts and resolv.conf where the root has none.

    Read-only, as Docker and Podman have them. What was not asked for is left out of a root in which
    it can't be put. `resolve`: whether a resolv.conf is of use: the host's, without servers that
    answer on the host itself only, if the network is not the host's (`apart`).
    """

    def __init__(
        self, stage: Stage, hostname: str | None, *, resolve: bool, apart: bool = False
    ) -> None:
        self._stage, self._hostname, self._resolve = stage, hostname, resolve
        self._apart = apart

    def describe(self) -> str:
        """For people."""
        names = ["hostname"] if self._hostname is not None else []
        names += ["hosts", *(["resolv.conf"] if self._resolve else [])]
        return f"put {', '.join(names)} into /etc where they are needed"

    def apply(self) -> None:
        """Inline files."""
        if self._hostname is not None:
            self._put("/etc/hostname", f"{self._hostname}\n")
        if self._hostname is not None or self._is_empty("/etc/hosts"):
            self._put("/etc/hosts", own_hosts(self._hostname))
        if self._resolve and self._is_empty(_RESOLV):
            with suppress(OSError):
                self._put(_RESOLV, host_servers(apart=self._apart))

    def _is_empty(self, path: str) -> bool:
        """Whether there is nothing, or only what an earlier sandbox was mounted on."""
        try:
            fd = self._stage.find(path)
        except OSError:
            return True
        try:
            return seam.fstat(fd).st_size == 0
        finally:
            os.close(fd)

    def _put(self, path: str, text: str) -> None:
        with suppress(OSError):
            put_file(self._stage, path, text.encode("utf-8", "surrogateescape"))


class NameFiles(Mounted):
    """/etc/resolv.conf and /etc/hosts as they were asked for, over those that there are."""

    def __init__(self, stage: Stage, names: Names, hostname: str | None, *, own: bool) -> None:
        """`own`: the root is the sandbox's; else the lines of the host's /etc/hosts stay."""
        self._stage, self._names, self._hostname, self._own = stage, names, hostname, own

    def describe(self) -> str:
        """For people."""
        names, parts = self._names, []
        if names.dns or names.search:
            words = [*names.dns, *(["search", *names.search] if names.search else [])]
            parts.append(f"/etc/resolv.conf ({' '.join(words)})")
        parts += [f"/etc/hosts ({', '.join(names.hosts)})"] if names.hosts else []
        return f"write {' and '.join(parts)}"

    def apply(self) -> None:
        """Inline files; OSError where they can't be put."""
        names = self._names
        if names.dns or names.search:
            text = "".join(f"nameserver {ip}\n" for ip in names.dns) or host_servers(apart=True)
            text += f"search {' '.join(names.search)}\n" if names.search else ""
            put_file(self._stage, _RESOLV, text.encode())
        if names.hosts:
            lines = own_hosts(self._hostname) if self._own else host_lines()
            text = lines + write_rows(names.hosts)
            put_file(self._stage, "/etc/hosts", text.encode("utf-8", "surrogateescape"))


def own_hosts(hostname: str | None) -> str:
    """What is in /etc/hosts without being asked for."""
    return _HOSTS + (f"127.0.1.1\t{hostname}\n" if hostname is not None else "")


def write_rows(hosts: Mapping[str, Sequence[str]]) -> str:
    """As hosts(5) has it."""
    return "".join(f"{ip}\t{name}\n" for name, ips in hosts.items() for ip in ips)


def host_lines() -> str:
    """Those of the host."""
    try:
        with open("/etc/hosts", encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(_MOST)
    except OSError:
        return _HOSTS
    return text if text.endswith("\n") or not text else f"{text}\n"


def host_servers(*, apart: bool) -> str:
    """The host's resolv.conf; `apart`: without servers that can't be reached from elsewhere."""
    with open(_RESOLV, encoding="utf-8", errors="replace") as file:
        text = file.read(_MOST)
    if not apart:
        return text
    kept = _reachable(text)
    if "nameserver" not in kept:
        with suppress(OSError), open(_UPSTREAM, encoding="utf-8", errors="replace") as file:
            kept = _reachable(file.read(_MOST))
    return kept


def _reachable(text: str) -> str:
    lines = (line for line in text.splitlines() if not line.startswith(("#", ";")))
    return "".join(f"{line}\n" for line in lines if not _is_loopback(line.split()))


def _is_loopback(words: list[str]) -> bool:
    server = words[1] if len(words) > 1 and words[0] == "nameserver" else ""
    return server.startswith("127.") or server == "::1"
