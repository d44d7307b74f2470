"""Where the control sockets are, the same for init that makes them and clients that look for them.

And where the configuration is. The environment and the uid are arguments. Imports nothing of
nsinit.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

SYSTEM_ROOT: Final = "/run/nsinit"
SOCKET_NAME: Final = "control.sock"
RECORD_NAME: Final = "record.json"  # what is known of a sandbox, beside its socket
CONFIGS: Final = ("./nsinit.toml", "/etc/nsinit/nsinit.toml")
SOCKET_PATH_MAX: Final = 107  # unix(7): sun_path holds 108 bytes with its NUL


def roots(env: Mapping[str, str], uid: int) -> list[str]:
    """The directories that may hold control sockets, best first.

    The last two are for containers whose /run can't be written: they are private to the uid.
    $NSINIT_RUN_DIR names the only one instead.
    """
    if env.get("NSINIT_RUN_DIR", "").startswith("/"):
        return [env["NSINIT_RUN_DIR"].rstrip("/") or "/"]
    made = [SYSTEM_ROOT]
    if env.get("XDG_RUNTIME_DIR", "").startswith("/"):
        made.append(env["XDG_RUNTIME_DIR"] + "/nsinit")
    return [*made, f"/tmp/nsinit-{uid}", f"/dev/shm/nsinit-{uid}"]  # noqa: S108  (checked on use)


def is_private(root: str) -> bool:
    """Whether a root lies in a directory where anybody can make files."""
    return root.startswith(("/tmp/", "/dev/shm/"))  # noqa: S108


def socket_path(root: str, name: str = "") -> str:
    """The socket of the sandbox `name`, or of the one init that needs no name."""
    return f"{root}/{name}/{SOCKET_NAME}" if name else f"{root}/{SOCKET_NAME}"


def look_for(
    asked: str | None, env: Mapping[str, str], places: Sequence[str] = CONFIGS
) -> str | None:
    """The configuration: what is asked for, $NSINIT_CONFIG, or the first place that exists."""
    if asked or env.get("NSINIT_CONFIG"):
        return asked or env["NSINIT_CONFIG"]
    return next((place for place in places if os.path.lexists(place)), None)
