"""What a command in a sandbox gets: kept beside the record, for when its init can't be asked.

Only who started the sandbox can read it, as the environment may hold secrets.
"""

from __future__ import annotations

import errno
import os
from typing import Final

import msgspec
from msgspec import Struct

from nsinit import jsontext
from nsinit.errors import DeniedError, UnreachableError
from nsinit.kernel import seam
from nsinit.model.security import Security
from nsinit.model.types import decode_hook, encode_hook
from nsinit.sandbox import record

_NAME: Final = "place.json"
_MODE: Final = 0o600
_SIZE_MAX: Final = 16 << 20  # bytes


class Place(Struct, frozen=True, kw_only=True):
    """Directory and environment of an init, and what confines those it starts."""

    directory: str
    env: dict[str, str]  # what init was given; values may hold any bytes (os.fsdecode)
    shared: dict[str, str | dict[str, str]]  # [init].environment
    own: dict[str, str]  # what init adds
    security: Security

    def encode(self) -> bytes:
        """As the file has it; text that is no Unicode is escaped."""
        return jsontext.encode(msgspec.to_builtins(self, enc_hook=encode_hook))


def decode(data: bytes) -> Place:
    """What `encode` made; ValueError for anything else."""
    return msgspec.convert(jsontext.decode(data), Place, dec_hook=decode_hook)


def keep(directory: str, place: Place) -> None:
    """Write it into the directory of a sandbox; OSError if that can't be."""
    record.write(f"{directory}/{_NAME}", place.encode(), _MODE)


def find(directory: str) -> Place:
    """That of the sandbox in a directory; UnreachableError says why there is none."""
    path = f"{directory}/{_NAME}"
    try:
        return decode(_read(path))
    except PermissionError:
        raise DeniedError(f"cannot read {path}: permission denied") from None
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise UnreachableError(f"cannot tell what a command gets inside: {path}: {reason}")


def _read(path: str) -> bytes:
    """A file that is ours or root's."""
    fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(fd, "rb") as file:
        if os.fstat(fd).st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return file.read(_SIZE_MAX)
