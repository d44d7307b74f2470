"""Where services may log other than by their output: `[init] syslog` and `journal`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.places import SOCKET_PATH_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Init

    Finding = tuple[KeyPath, str, str]

USUAL: Final = {"syslog": "/dev/log", "journal": "/run/systemd/journal/socket"}


def intakes(init: Init) -> dict[str, str]:
    """The paths of the sockets that are wanted, by what is spoken there."""
    asked = {"syslog": init.syslog, "journal": init.journal}
    return {
        kind: USUAL[kind] if path is True else str(path) for kind, path in asked.items() if path
    }


def intakes_have_places(config: Config) -> Iterator[Finding]:
    """Each has an absolute path of its own, which a socket can have."""
    seen: set[str] = set()
    for kind, path in intakes(config.init).items():
        at: KeyPath = ("init", kind)
        if not path.startswith("/") or path.endswith("/"):
            yield at, f"expected an absolute path, true or false, got {path!r}", f'"{USUAL[kind]}"'
        elif len(path.encode("utf-8", "surrogateescape")) > SOCKET_PATH_MAX:
            yield at, f"a socket's path has at most {SOCKET_PATH_MAX} bytes", ""
        elif path in seen:
            yield at, "the other one is there already", ""
        seen.add(path)


STRICT: Final = (intakes_have_places,)
