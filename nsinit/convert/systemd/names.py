"""Names of units, and the specifiers (%i, %n ...) in what is written in them. Pure.

systemd.unit(5), "Specifiers"; systemd-escape(1).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SUFFIXES: Final = (
    "service", "socket", "timer", "path", "target", "mount", "automount", "swap", "slice",
    "device", "scope",
)  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")
_HEX: Final = re.compile(r"\\x([0-9a-fA-F]{2})")
_SPECIFIER: Final = re.compile(r"%(.?)", re.DOTALL)
_PLACES: Final = {
    "C": "/var/cache", "E": "/etc", "L": "/var/log", "S": "/var/lib", "t": "/run",
    "T": "/tmp", "V": "/var/tmp",  # noqa: S108  (what they mean)
    "u": "root", "U": "0", "g": "root", "G": "0", "h": "/root", "s": "/bin/sh",
    "%": "%",
}  # fmt: skip
# What is known only where the service runs.
_LATER: Final = {
    "a": "the architecture", "A": "the version of the image", "b": "the boot",
    "B": "the build of the system", "d": "the directory of credentials", "H": "the host name",
    "l": "the host name", "m": "the machine", "M": "the image", "o": "the system",
    "q": "the host name", "v": "the kernel", "w": "the version of the system",
    "W": "the variant of the system", "D": "the shared data",
}  # fmt: skip


class UnitName(NamedTuple):
    """A name such as "getty@tty1.service" in its parts."""

    prefix: str
    instance: str | None  # "" is that of a template
    suffix: str

    @property
    def is_template(self) -> bool:
        """Whether there is an "@" and nothing behind it."""
        return self.instance == ""

    @property
    def template(self) -> str:
        """The name of the template that an instance is made from."""
        return f"{self.prefix}@.{self.suffix}"

    def with_instance(self, instance: str) -> UnitName:
        """The same as that instance."""
        return self._replace(instance=instance)

    def __str__(self) -> str:
        at = "" if self.instance is None else f"@{self.instance}"
        return f"{self.prefix}{at}.{self.suffix}"


def parse(name: str) -> UnitName | None:
    """The parts of a unit's name; None if it is none."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix not in SUFFIXES or not stem or not _NAME.fullmatch(name):
        return None
    prefix, at, instance = stem.partition("@")
    if not prefix:
        return None
    return UnitName(prefix, instance if at else None, suffix)


def escape(text: str) -> str:
    """Text as part of a name, as `systemd-escape` has it."""
    made = []
    for index, byte in enumerate(text.encode("utf-8", "surrogateescape")):
        char = chr(byte)
        plain = char.isascii() and (char.isalnum() or char in ":_.")
        if char == "/":
            made.append("-")
        elif plain and not (char == "." and not index):
            made.append(char)
        else:
            made.append(f"\\x{byte:02x}")
    return "".join(made)


def unescape(text: str) -> str:
    """What an escaped part of a name means; ValueError if it is not UTF-8."""
    data = b""
    for index, part in enumerate(_HEX.split(text)):
        odd = index % 2
        data += bytes([int(part, 16)]) if odd else part.replace("-", "/").encode()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("the instance is not UTF-8") from None


def fill(text: str, name: UnitName, path: str) -> str:
    """Text with its specifiers; ValueError for one that is not known here. `path`: of the unit."""
    if "%" not in text:
        return text
    return _SPECIFIER.sub(lambda match: _meaning(match[1], name, path), text)


def _meaning(letter: str, name: UnitName, path: str) -> str:
    if letter in _PLACES:
        return _PLACES[letter]
    instance = name.instance or ""
    last = name.prefix.rpartition("-")[2]
    known = {
        "i": instance,
        "n": str(name),
        "N": str(name).rpartition(".")[0],
        "p": name.prefix,
        "j": last,
        "y": path,
        "Y": path.rpartition("/")[0] or "/",
    }
    if letter in known:
        return known[letter]
    if letter in ("I", "P", "J", "f"):
        whole = {"I": instance, "P": name.prefix, "J": last, "f": instance or name.prefix}
        made = unescape(whole[letter])
        return f"/{made}" if letter == "f" and not made.startswith("/") else made
    if letter in _LATER:
        raise ValueError(f"%{letter} ({_LATER[letter]}) is known only where it runs")
    return f"%{letter}"  # as systemd does
