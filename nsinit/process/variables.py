"""The environment of a service, put together at each of its starts.

Later ones win: what nsinit was given, `[init].environment`, the account's variables when the user
changes, nsinit's own, `env_file`, `environment`. Files are read by init, so with its rights, at
each start: a changed file counts from the next one on.
"""

from __future__ import annotations

import errno
import os

from nsinit.errors import SpawnError

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final, Protocol

    class Spec(Protocol):
        """What a service says of its variables."""

        @property
        def inherit_env(self) -> bool:
            """Whether it gets those of init."""

        @property
        def env_file(self) -> Sequence[str]:
            """The files that have some."""

        @property
        def environment(self) -> Mapping[str, str | dict[str, str]]:
            """Its own."""

    class Around(Protocol):
        """What init says of them; see `Surroundings`."""

        @property
        def directory(self) -> str:
            """Where init was started."""

        @property
        def env(self) -> dict[str, str]:
            """What it was given."""

        @property
        def shared(self) -> Mapping[str, str | dict[str, str]]:
            """`[init].environment`."""


# What somebody told init itself, by the names under which init tells its services.
OF_INIT: Final = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENV_FILE_MAX: Final = 256 << 10
_OPTIONAL: Final = "?"


def own_variables(service: str, shared: Mapping[str, str]) -> dict[str, str]:
    """What a service is told by init itself; `shared` is what each is told."""
    replica = service.rpartition("@")[2] if "@" in service else "1"
    return {"NSINIT_SERVICE": service, "NSINIT_REPLICA": replica, **shared}


def service_variables(
    spec: Spec, around: Around, account: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a service; SpawnError names the file that can't be used."""
    env: dict[str, str] = {}
    if spec.inherit_env:
        env |= {name: value for name, value in around.env.items() if name not in OF_INIT}
        env |= _resolved(around.shared, around.directory)
    env |= account
    env |= own
    for path in spec.env_file:
        env |= _env_file(os.path.join(around.directory, path), around.env | env)
    env |= _resolved(spec.environment, around.directory)
    env.setdefault("PATH", DEFAULT_PATH)
    return env


def _resolved(written: Mapping[str, str | dict[str, str]], directory: str) -> dict[str, str]:
    """Variables with those filled in whose values are in files."""
    made: dict[str, str] = {}
    for name, value in written.items():
        if isinstance(value, str):
            made[name] = value
        elif (secret := _secret(name, os.path.join(directory, value["file"]))) is not None:
            made[name] = secret
    return made


def _secret(name: str, path: str) -> str | None:
    """The text of a file without the newlines at its end, as a shell's $(cat FILE) has it."""
    from nsinit.model.envfile import LONGEST  # noqa: PLC0415  (only where files are named)

    data = _read(path, LONGEST, f"read the value of {name} from")
    if data is None:
        return None
    value = data.rstrip(b"\r\n")
    if b"\0" in value:
        path = path.removesuffix(_OPTIONAL)
        stage = f"take the value of {name} from"
        raise SpawnError(path, stage, errno.EINVAL, reason="it has a NUL")
    return os.fsdecode(value)


def _env_file(path: str, scope: Mapping[str, str]) -> dict[str, str]:
    from nsinit.model.envfile import BadLineError, parse  # noqa: PLC0415  (the same)

    data = _read(path, ENV_FILE_MAX, "read the env_file")
    if data is None:
        return {}
    try:
        return parse(os.fsdecode(data), scope)
    except BadLineError as error:
        what = f"{path.removesuffix(_OPTIONAL)}:{error.line}"
        raise SpawnError(what, "use the env_file", errno.EINVAL, reason=str(error)) from None


def _read(path: str, limit: int, stage: str) -> bytes | None:
    """The bytes of a file; None if it is missing and may be."""
    from nsinit.process.smallfile import read_small  # noqa: PLC0415  (the same)

    optional = path.endswith(_OPTIONAL)
    path = path.removesuffix(_OPTIONAL)
    try:
        return read_small(path, limit)
    except OSError as error:
        number = error.errno or errno.EIO
        missing = number in (errno.ENOENT, errno.ENOTDIR)
        if optional and missing:
            return None
        hint = 'a "?" after its name says that it may be missing' if missing else ""
        raise SpawnError(path, stage, number, hint=hint, reason=error.strerror or "") from None
