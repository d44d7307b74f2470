"""The files of /etc by which programs know their own name, other hosts, and who tells them more."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.mounting import put_file
from nsinit.isolation.root import Mounted
from nsinit.kernel import seam

if TYPE_CHECKING:
    from nsinit.isolation.stage import Stage

_RESOLV: Final = "/etc/resolv.conf"
_MOST: Final = 1 << 20  # bytes
_HOSTS: Final = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


class EtcFiles(Mounted):
    """/etc/hostname and /etc/hosts for a name; hosts and resolv.conf where the root has none.

    Read-only, as Docker and Podman have them. The resolv.conf is the host's, and only of use with
    the host's network. A root in which they can't be put goes without.
    """

    def __init__(self, stage: Stage, hostname: str | None, *, resolve: bool) -> None:
        self._stage, self._hostname, self._resolve = stage, hostname, resolve

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
            own = f"127.0.1.1\t{self._hostname}\n" if self._hostname is not None else ""
            self._put("/etc/hosts", _HOSTS + own)
        if self._resolve and self._is_empty(_RESOLV):
            with suppress(OSError), open(_RESOLV, "rb") as file:
                self._put(_RESOLV, file.read(_MOST).decode("utf-8", "replace"))

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
