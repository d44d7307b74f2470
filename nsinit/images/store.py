"""Where images are kept: their layers, each once, and what is known of them.

    DIRECTORY/           /var/lib/nsinit/images of root, else $XDG_DATA_HOME/nsinit/images
        lock             flock(2): shared by who looks, exclusive to who changes
        names.json       {"shop:1": KEY}
        images/KEY.json  a Kept; a sandbox that runs from it holds a shared lock of the file
        layers/KEY/      what a layer has, as an overlay reads it
        work/ID/         what is being unpacked or removed; its owner holds its lock

A KEY is the SHA-256 of a configuration or of an unpacked layer, so that equal layers of several
images are one directory; where all files are the caller's it ends in "-single". Whatever is in work
without an owner is removed by the next who changes something: what was killed leaves nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit.errors import ImageError, UnknownNameError
from nsinit.images.kept import Kept
from nsinit.kernel import seam
from nsinit.nearest import did_you_mean
from nsinit.sandbox.record import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nsinit.images.unpack import Ids

SYSTEM: Final = "/var/lib/nsinit/images"
VARIABLE: Final = "NSINIT_IMAGE_DIR"
LAYERS: Final = "layers"
TREE: Final = "tree"  # in tmp/ID: the layer in the making
_PATIENCE: Final = 30.0  # s that others may hold the lock: they only rename and write small files
_PAUSE_MS: Final = 10
_DIRECTORIES: Final = ("images", LAYERS, "work")
_MODE: Final = 0o600


def key_of(digest: str, ids: Ids) -> str:
    """What something is called in the store."""
    return f"{digest}-single" if ids == "single" else digest


def store_path(env: Mapping[str, str], uid: int) -> str:
    """Where the store of a user is; ImageError if nothing says so."""
    if env.get(VARIABLE, "").startswith("/"):
        return env[VARIABLE]
    if uid == 0:
        return SYSTEM
    if env.get("XDG_DATA_HOME", "").startswith("/"):
        return f"{env['XDG_DATA_HOME']}/nsinit/images"
    if env.get("HOME", "").startswith("/"):
        return f"{env['HOME']}/.local/share/nsinit/images"
    raise ImageError("there is no place for images", hint=f"set HOME, or {VARIABLE}")


class Store:
    """The images of one user."""

    def __init__(self, path: str) -> None:
        self.path = path

    # --- Locks ------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make it, if there is none. ImageError: it can't be made, or others may write there."""
        try:
            os.makedirs(self.path, 0o700, exist_ok=True)
            found = seam.stat(self.path)
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise PermissionError(errno.EPERM, "it is not yours alone")
            if found.st_mode & 0o077:  # programs in it may be set-uid
                seam.chmod(self.path, 0o700)
            for name in _DIRECTORIES:
                with contextlib.suppress(FileExistsError):
                    seam.mkdir(f"{self.path}/{name}", 0o700)
        except OSError as error:
            message = f"cannot keep images in {self.path}: {error.strerror}"
            raise ImageError(message, hint=f"set {VARIABLE} to another directory") from None

    @contextlib.contextmanager
    def locked(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock of the store; without a store there is nothing to look at, and no lock."""
        flags = os.O_CLOEXEC | (os.O_RDONLY if shared else os.O_RDWR | os.O_CREAT)
        try:
            fd = seam.open_fd(f"{self.path}/lock", flags, _MODE)
        except FileNotFoundError:
            yield
            return
        except OSError as error:
            raise ImageError(f"cannot use {self.path}: {error.strerror}") from None
        try:
            _hold(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, self.path)
            yield
        finally:
            os.close(fd)

    # --- Looking ----------------------------------------------------------------------------------

    def names(self) -> dict[str, str]:
        """All names, with the key of the image that each is of."""
        found: dict[str, str] | None = self._read("names.json", dict[str, str])
        if found is None and os.path.lexists(path := f"{self.path}/names.json"):
            # Without names nothing would be needed, and all of it be removed.
            hint = f"remove {self.path}, and import the images again"
            raise ImageError(f"cannot use {path}: it is damaged", hint=hint)
        return found or {}

    def kept(self, key: str) -> Kept | None:
        """What is known of an image; None if it is not here, or if that file is damaged."""
        found: Kept | None = self._read(f"images/{key}.json", Kept)
        return found

    def find(self, name: str) -> tuple[str, Kept]:
        """The image of that name, with its key; UnknownNameError if there is none."""
        names = self.names()
        found = self.kept(names[name]) if name in names else None
        if found is not None:
            return names[name], found
        hint = did_you_mean(name, sorted(names))
        if not hint:
            hint = "nsinit image list" if names else "see nsinit image import --help"
        raise UnknownNameError(f"there is no image {name!r}", hint=hint)

    def sizes(self) -> dict[str, int]:
        """How large the layers of all images are, by their keys."""
        made: dict[str, int] = {}
        for key in set(self.names().values()):
            if (image := self.kept(key)) is not None:
                made |= zip(image.layers, image.sizes, strict=False)
        return made

    def layer(self, key: str) -> str:
        """The directory of a layer."""
        return f"{self.path}/{LAYERS}/{key}"

    def hold(self, key: str) -> int:
        """A descriptor that keeps an image from being removed; ImageError if it is gone."""
        with self.locked(shared=True):
            try:
                fd = seam.open_fd(f"{self.path}/images/{key}.json", os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise ImageError(f"cannot use the image: {error.strerror}") from None
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return fd

    def _read(self, name: str, kind: Any) -> Any:  # noqa: ANN401  (the type that was asked for)
        try:
            with open(f"{self.path}/{name}", "rb") as file:
                return msgspec.json.decode(file.read(), type=kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ImageError(f"cannot read {self.path}/{name}: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    # --- Changing ---------------------------------------------------------------------------------

    def begin(self) -> tuple[str, int]:
        """A new directory to unpack in, and the descriptor that holds its lock."""
        with self.locked():
            for number in range(1 << 16):
                path = f"{self.path}/work/{os.getpid()}-{number}"
                try:
                    seam.mkdir(path, 0o700)
                except FileExistsError:
                    continue
                fd = seam.open_fd(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return path, fd
        raise ImageError(f"cannot unpack in {self.path}/work: {os.strerror(errno.EEXIST)}")

    def publish(self, key: str, image: Kept, names: list[str], ready: dict[str, str]) -> list[str]:
        """Keep an image, with the layers that are `ready` (their directories, by key).

        Layers that are neither there nor ready are returned, and then nothing was done.
        """
        with self.locked():
            missing = [one for one in image.layers if not self._has_layer(one) and one not in ready]
            if missing:
                return missing
            for one, path in ready.items():
                if not self._has_layer(one):
                    seam.rename(path, self.layer(one))
            if self.kept(key) is None:
                write(f"{self.path}/images/{key}.json", msgspec.json.encode(image), _MODE)
            self._write_names(self.names() | dict.fromkeys(names, key))
            self._collect()
        return []

    def has_layer(self, key: str) -> bool:
        """Whether it is here now; it may be removed unless an image needs it."""
        with self.locked(shared=True):
            return self._has_layer(key)

    def _has_layer(self, key: str) -> bool:
        return os.path.isdir(self.layer(key))

    def remove(self, name: str) -> None:
        """Take a name away, and what is needed by nobody any more. ImageError: it is in use."""
        with self.locked():
            names = self.names()
            key, _ = self.find(name)
            if list(names.values()).count(key) == 1 and (who := self._in_use(key)):
                hint = "stop it first: nsinit list"
                raise ImageError(f"cannot remove {name!r}: it is in use{who}", hint=hint)
            self._write_names({one: of for one, of in names.items() if one != name})
            self._collect()

    def _write_names(self, names: dict[str, str]) -> None:
        write(f"{self.path}/names.json", msgspec.json.encode(names, order="sorted"), _MODE)

    def _in_use(self, key: str) -> str:
        """Who holds an image: " by process ..."; "" if nobody does."""
        try:
            fd = seam.open_fd(f"{self.path}/images/{key}.json", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return ""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            from nsinit.isolation.layers import holder  # noqa: PLC0415  (only for an error)

            return holder(fd)
        finally:
            os.close(fd)
        return ""

    def _collect(self) -> None:
        """Move images without a name, and layers without an image, to work."""
        named = set(self.names().values())
        needed: set[str] = set()
        for file in seam.list_directory(f"{self.path}/images"):
            key = file.removesuffix(".json")
            if key in named or self._in_use(key):
                found = self.kept(key)
                needed |= set(found.layers if found is not None else ())
            else:
                seam.unlink(f"{self.path}/images/{file}")
        for key in seam.list_directory(f"{self.path}/{LAYERS}"):
            if key not in needed:
                with contextlib.suppress(OSError):  # then it is for the next time
                    seam.rename(self.layer(key), f"{self.path}/work/{key}.{os.getpid()}")

    def clean(self) -> None:
        """Remove what nobody is at work on; what can't be removed stays for the next time."""
        work = seam.open_fd(f"{self.path}/work", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in os.listdir(work):
                with contextlib.suppress(OSError):
                    self._clean_one(work, name)
        finally:
            os.close(work)

    def _clean_one(self, work: int, name: str) -> None:
        from nsinit.images.tree import clear_away  # noqa: PLC0415  (who runs an image has no use)

        found = seam.stat(name, dir_fd=work, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            seam.unlink(name, dir_fd=work)
            return
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        with self.locked():  # one that is being made is not yet locked
            fd = seam.open_fd(name, flags, dir_fd=work)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            clear_away(work, [name])
        finally:
            os.close(fd)


def _hold(fd: int, how: int, path: str) -> None:
    until = seam.monotonic() + _PATIENCE
    while True:
        try:
            seam.ask("flock")
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if seam.monotonic() >= until:
                raise ImageError(f"cannot use {path}: another nsinit image is at work") from None
            select.select([], [], [], _PAUSE_MS / 1000)
        else:
            return
