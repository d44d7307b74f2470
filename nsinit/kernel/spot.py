"""Opening by a path that others can change, without being led elsewhere by them.

What root opens for a service may lie in a directory of that service, which can put a symbolic link
there, or a second name of another's file. Rule: whoever made a link on the way owns what it leads
to; links of root, or of this process's user, lead anywhere. So the most that somebody can lead us
to is their own. The path is walked by descriptors, so that nothing can change behind our back.
For anybody but root the kernel's own checks are enough. In a user namespace owners who are not
mapped there, as the root of the machine, can't be told from each other, and are trusted.
"""

from __future__ import annotations

import errno
import os
import stat

from nsinit.kernel import seam

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from typing import Final, Self

_LINKS_MOST: Final = 40  # path_resolution(7)
_OVERFLOW: Final = 65534  # of owners who are not mapped: user_namespaces(7)
_FIRST_USER_NAMESPACE: Final = 0xEFFF_FFFD  # PROC_USER_INIT_INO of the kernel
_HOLD: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class Spot:
    """A name in a directory that is held open: what is done there is done in no other."""

    def __init__(self, path: str, *, follow: bool = False) -> None:
        """Where a path leads; with `follow` also if its last word is a link. OSError."""
        self.directory = -1
        self.name = ""
        self._path = path
        self._makers: set[int] = set()  # of links on the way, but for those who are trusted
        self._links = 0
        try:
            self._walk(path, follow=follow)
            self._refuse_anothers(seam.fstat(self.directory))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the directory."""
        if self.directory >= 0:
            os.close(self.directory)
        self.directory = -1

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the directory."""
        self.close()

    def look(self) -> os.stat_result:
        """What has the name, if only a link."""
        return seam.stat(self.name, dir_fd=self.directory, follow_symlinks=False)

    def open(self, flags: int, mode: int = 0) -> int:
        """A descriptor of what has the name, which is no link; it is closed on exec."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        fd = seam.open_fd(self.name, flags, mode, dir_fd=self.directory)
        if not flags & os.O_EXCL and os.geteuid() == 0:
            try:
                self._check(seam.fstat(fd))
            except OSError:
                os.close(fd)
                raise
        return fd

    def give_socket(self, mode: int, uid: int, gid: int) -> None:
        """Give a socket that was just bound here, with that mode, to somebody; OSError.

        Whoever may write to the directory could have put something else in its place: what is
        given away is a socket of ours, which has that mode and no other name.
        """
        from nsinit.kernel import libc  # noqa: PLC0415  (ctypes; loaded by then, if not at birth)

        fd = self.open(os.O_PATH)
        try:
            found = seam.fstat(fd)
            ours = stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid()
            if not ours or stat.S_IMODE(found.st_mode) != mode or found.st_nlink != 1:
                raise OSError(errno.EEXIST, "somebody has put something else there", self._path)
            libc.chown_fd(fd, uid, gid)
        finally:
            os.close(fd)

    def _check(self, found: os.stat_result) -> None:
        """Somebody who may write to the directory may give another's file a name there."""
        self._refuse_anothers(found)
        if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
            above = seam.fstat(self.directory)
            shared = bool(above.st_mode & 0o022) or not _is_trusted(above.st_uid)
            if shared and found.st_uid != above.st_uid:
                raise OSError(errno.EPERM, "it may be a name that others gave it", self._path)

    def _refuse_anothers(self, found: os.stat_result) -> None:
        """Whoever made a link on the way has to own what it leads to."""
        if self._makers and {found.st_uid} != self._makers:
            who = ", ".join(map(str, sorted(self._makers)))
            raise OSError(errno.EPERM, f"a link of uid {who} leads there", self._path)

    # --- The way ----------------------------------------------------------------------------------

    def _walk(self, path: str, *, follow: bool) -> None:
        self._enter("/" if path.startswith("/") else ".")
        words = _words(path)
        while words:
            word = words.pop(0)
            if words and self._go_down(word):
                continue
            link = self._hold_link(word) if words or follow else -1
            if link >= 0:
                words = _words(self._through(link)) + words
            elif words:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._path)
            else:
                self.name = word
        if not self.name:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path)

    def _go_down(self, word: str) -> bool:
        """Whether a name of the directory is another one, which may be mounted in this moment."""
        try:
            self._move(seam.open_fd(word, _HOLD | os.O_DIRECTORY, dir_fd=self.directory))
        except NotADirectoryError:
            return False
        return True

    def _hold_link(self, word: str) -> int:
        """A name of the directory if it is a link; else -1."""
        try:
            fd = seam.open_fd(word, _HOLD, dir_fd=self.directory)
        except FileNotFoundError:
            return -1
        if stat.S_ISLNK(seam.fstat(fd).st_mode):
            return fd
        os.close(fd)
        return -1

    def _through(self, link: int) -> str:
        """Where a link leads, which is closed; it is followed from now on."""
        try:
            found, target = seam.fstat(link), seam.readlink("", dir_fd=link)
        finally:
            os.close(link)
        self._links += 1
        if self._links > _LINKS_MOST:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._path)
        if os.geteuid() == 0 and not _is_trusted(found.st_uid):
            self._makers.add(found.st_uid)
        if target.startswith("/"):
            self._enter("/")
        return target

    def _enter(self, path: str) -> None:
        self._move(seam.open_fd(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))

    def _move(self, directory: int) -> None:
        self.close()
        self.directory = directory


def _is_trusted(uid: int) -> bool:
    """Whether root follows the links of a user."""
    if uid == _OVERFLOW:
        return seam.stat("/proc/self/ns/user").st_ino != _FIRST_USER_NAMESPACE
    return uid in (0, os.geteuid())


def _words(path: str) -> list[str]:
    return [word for word in path.split("/") if word not in ("", ".")]
