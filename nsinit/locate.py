"""The control socket of the init that is meant: by its name, or the only one that runs."""

from __future__ import annotations

import _socket
import os

from nsinit.errors import UnreachableError, UsageError
from nsinit.places import RECORD_NAME, is_private, roots, socket_path

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

CONNECT_TIMEOUT: Final = 5.0


def find_socket(name: str = "", env: Mapping[str, str] | None = None) -> str:
    """The socket of a sandbox by its name; without one, $NSINIT_SOCKET or the only one running."""
    env = os.environ if env is None else env
    if not name and env.get("NSINIT_SOCKET"):
        return env["NSINIT_SOCKET"]
    found: list[str] = []
    for root in roots(env, os.geteuid()):
        if is_private(root) and not _is_trusted(root):
            continue
        names = [name] if name else ["", *_subdirectories(root)]
        paths = {socket_path(root, n): n for n in names}
        found += [path if os.path.exists(path) else _recorded(root, n) for path, n in paths.items()]
    found = [path for path in found if path]
    alive = found if len(found) == 1 else _alive(found)
    if not alive:
        who = f"a sandbox {name!r}" if name else "an init"
        raise UnreachableError(f"cannot find {who} that is running", hint="see nsinit run --help")
    if len(alive) > 1:
        names = sorted(os.path.basename(os.path.dirname(path)) for path in alive)
        raise UsageError(f"several inits are running: {', '.join(names)}", hint="choose by -s NAME")
    return alive[0]


def _subdirectories(root: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(root) if not name.startswith("."))
    except OSError:
        return []


def _recorded(root: str, name: str) -> str:
    """The control socket that a sandbox has elsewhere, or nothing."""
    if not name:
        return ""
    import json  # noqa: PLC0415  (nearly all have it beside their record)

    try:
        with open(f"{root}/{name}/{RECORD_NAME}", "rb") as file:
            path = json.load(file)["control"]
            ours = os.fstat(file.fileno()).st_uid in (0, os.geteuid())
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return path if ours and isinstance(path, str) and os.path.exists(path) else ""


def _is_trusted(root: str) -> bool:
    """Whether a directory among everybody's is ours, so that nobody else answers in it."""
    try:
        found = os.lstat(root)
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _alive(paths: list[str]) -> list[str]:
    """Those that somebody listens on; those of others only if there are none that let us in."""
    alive: list[str] = []
    denied: list[str] = []
    for path in paths:
        probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        try:
            probe.settimeout(CONNECT_TIMEOUT)
            probe.connect(path)
            alive.append(path)
        except PermissionError:
            denied.append(path)
        except OSError:
            continue
        finally:
            probe.close()
    return alive or denied
