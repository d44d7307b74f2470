"""An image as the root of a sandbox: found by its name, held while that runs.

Over its layers lies an overlay, whose upper layer is thrown away unless the configuration keeps
one. An ordinary user's sandbox has the ids that the image was unpacked with.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from nsinit.errors import ImageError, SandboxError
from nsinit.images.store import Store, store_path
from nsinit.model.images import ImageDefaults, image_name
from nsinit.model.mounting import Mount, Overlay, at
from nsinit.model.sandboxes import Users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.images.kept import Kept
    from nsinit.model.load import Loaded
    from nsinit.model.sandboxes import Sandbox

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_ON: Final = ("TERM", "NO_COLOR")  # of what nsinit was started with
_LONGEST: Final = 255  # bytes of the path of a layer: of a string for fsconfig(2)


class Chosen(NamedTuple):
    """An image that a sandbox is going to have."""

    name: str
    key: str
    store: Store
    kept: Kept

    def hold(self) -> int:
        """Keep it from being removed, as long as the descriptor is open anywhere."""
        try:
            return self.store.hold(self.key)
        except ImageError as error:
            raise SandboxError(error.message, hint=error.hint) from None

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """What its services begin with, in the place of what nsinit was started with.

        Values may be any bytes; a word without "=" is no variable.
        """
        made = {"PATH": _PATH, "HOME": "/root"}
        made |= {name: env[name] for name in _PASSED_ON if name in env}
        for word in self.kept.config.Env or ():
            name, mark, value = word.partition("=")
            if mark and name and "\0" not in word:
                made[name] = value
        return made


class Finder:
    """Finds images for `nsinit.model.find`, and remembers which."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def choose(self, name: str) -> Chosen:
        """The image of that name; UnknownNameError if there is none."""
        try:
            store = Store(store_path(self._env, os.geteuid()))
            with store.locked(shared=True):
                key, kept = store.find(name)
        except ImageError as error:
            raise SandboxError(error.message, hint=error.hint) from None
        return Chosen(name, key, store, kept)

    def __call__(self, name: str) -> ImageDefaults:
        """What it says of how it is run."""
        config = self.choose(name).kept.config
        return ImageDefaults(
            tuple(config.Entrypoint or ()),
            tuple(config.Cmd or ()),
            config.WorkingDir,
            config.User,
            config.StopSignal,
        )

    def applied(self, loaded: Loaded) -> tuple[Loaded, Chosen | None]:
        """The configuration with the image's layers in it."""
        sandbox = loaded.config.sandbox
        if sandbox is None or sandbox.image is None:
            return loaded, None
        chosen = self.choose(image_name(sandbox.image))
        config = structs.replace(loaded.config, sandbox=_with_layers(sandbox, chosen))
        return structs.replace(loaded, config=config), chosen


def _with_layers(sandbox: Sandbox, chosen: Chosen) -> Sandbox:
    kept = chosen.kept
    lower = [chosen.store.layer(key) for key in reversed(kept.layers)]
    if longest := max((path for path in lower if len(os.fsencode(path)) > _LONGEST), default=""):
        message = f"cannot use the image: the path of a layer has over {_LONGEST} bytes: {longest}"
        raise SandboxError(message, hint="keep images in a directory with a shorter path")
    given = sandbox.overlay or Overlay()
    ephemeral = given.upper is None and not sandbox.readonly
    made = structs.replace(given, lower=lower, ephemeral=ephemeral)
    users = sandbox.users
    if os.geteuid() != 0 and users is None and kept.ids == "mapped":
        users = Users(map="auto")
    mounts = sandbox.mounts
    place = kept.config.WorkingDir
    if place.startswith("/") and ".." not in place.split("/") and place.strip("/"):
        made_there = Mount(type="directory", target=place)  # as docker does
        if at(made_there) not in map(at, mounts):
            mounts = [*mounts, made_there]
    return structs.replace(sandbox, overlay=made, users=users, mounts=mounts)
