"""Where init keeps its sockets: found, made private, bound, and removed at the end.

The control socket is bound before the first service runs, so that a service may use it at once.
"""

from __future__ import annotations

import _socket
import errno
import os
import stat

from nsinit.kernel import seam, sockets
from nsinit.lean import suppress
from nsinit.places import SOCKET_PATH_MAX, is_private, roots, socket_path

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Mapping

BACKLOG = 128


class Listener:
    """A bound control socket, not served yet."""

    __slots__ = ("made", "notes", "path", "socket")

    def __init__(
        self,
        socket: _socket.socket | None,
        path: str,
        made: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.socket = socket
        self.path = path  # "" without a socket
        self.made = made  # directories that did not exist before
        self.notes = notes  # what could not be done as asked


def bind_asked(asked: str | None, mode: int, env: Mapping[str, str]) -> Listener:
    """Bind that of an init that no launcher has made: $NSINIT_SOCKET goes before the file."""
    if "NSINIT_SERVICE" not in env:  # else it is the socket of an init above us
        asked = env.get("NSINIT_SOCKET") or asked
    return bind_control(asked, "", mode, env)


def bind_control(asked: str | None, name: str, mode: int, env: Mapping[str, str]) -> Listener:
    """Bind the control socket where it was asked for, else at the first place that works.

    Never raises: an init without a control socket still does its work, and says so.
    """
    notes: list[str] = []
    uid = os.geteuid()
    if asked:
        try:
            return Listener(_bind(asked, mode), asked, (), ())
        except OSError as error:
            notes.append(f"cannot listen on {asked}: {error.strerror or error}")
    reasons: list[str] = []
    places = roots(env, uid)
    for root in places:
        for choice in (name, f"{name or 'init'}-{os.getpid()}"):
            path = socket_path(root, choice)
            try:
                made = _make_directories(root, os.path.dirname(path), uid)
                bound = _bind(path, mode)
            except OSError as error:
                reasons.append(f"{path}: {error.strerror or error}")
                if error.errno != errno.EADDRINUSE:
                    break
            else:
                return Listener(bound, path, tuple(made), tuple(notes))
    notes.append(f"there is no control socket ({'; '.join(reasons)})")
    return Listener(None, "", (), tuple(notes))


def make_notify_directory(control_path: str, env: Mapping[str, str]) -> str | None:
    """A directory of init's own for notify sockets, beside the control socket if there is one.

    Where others may put things they could put another in its place: elsewhere is better then.
    """
    uid = os.geteuid()
    beside = [os.path.dirname(control_path)] if control_path else []
    safe = [root for root in beside if not _is_open_to_others(root)]
    for root in dict.fromkeys((*safe, *([] if safe else roots(env, uid)), *beside)):
        path = f"{root}/.notify-{os.getpid()}"
        try:
            _make_directories(root, path, uid)
            found = seam.lstat(path)
            if found.st_uid == uid and not found.st_mode & 0o022:
                return path
        except OSError:
            continue
    return None


def _is_open_to_others(path: str) -> bool:
    """Whether somebody else may rename what is in a directory."""
    try:
        found = seam.stat(path)
    except OSError:
        return True
    others = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
    return bool(others) or found.st_uid not in (0, os.geteuid())


def _make_directories(root: str, directory: str, uid: int) -> list[str]:
    """Make both where they are missing; others may pass through them but not write there."""
    made: list[str] = []
    for path in dict.fromkeys((root, directory)):
        try:
            seam.mkdir(path, 0o711 if is_private(root) else 0o755)
            made.append(path)
        except FileExistsError:
            found = seam.lstat(path)
            foreign = is_private(root) and (found.st_uid != uid or found.st_mode & 0o022)
            if not stat.S_ISDIR(found.st_mode) or foreign:
                raise PermissionError(errno.EPERM, f"{path} is not ours alone") from None
    return made


def _bind(path: str, mode: int) -> _socket.socket:
    raw = os.fsencode(path)
    if len(raw) > SOCKET_PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, f"a socket's path has at most {SOCKET_PATH_MAX} bytes")
    sockets.free_path(path)
    seam.ask("socket")
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    sockets.let_descriptors_in(made, on=False)
    umask = os.umask(0o777 & ~mode)
    try:
        made.bind(path)
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(umask)
    return made


def remove(listener: Listener, *, inside: bool = True) -> None:
    """Remove the socket, and the directories that were made for it unless others use them.

    Where they can't be seen from `inside`, who made them removes them.
    """
    if listener.socket is None:
        return
    listener.socket.close()
    if not inside:
        return
    with suppress(OSError):
        seam.unlink(listener.path)
        for path in reversed(listener.made):
            seam.rmdir(path)
