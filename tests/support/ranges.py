"""A user who has subordinate ids, in a /etc of the test's own: the machine's is left as it is."""

from __future__ import annotations

import shutil
import subprocess
from typing import IO, TYPE_CHECKING, Final

from tests.support.boxes import Box
from tests.support.live import ORDINARY

if TYPE_CHECKING:
    import pathlib

FIRST: Final = 2_000_000_000  # of the ids that are granted; nobody has them
SIZE: Final = 65536
PASSWD: Final = f"""\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/bin/false
ann:x:{ORDINARY}:{ORDINARY}:ann:/:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP: Final = f"root:x:0:\ndaemon:x:1:\nstaff:x:50:nobody\nann:x:{ORDINARY}:\nnogroup:x:65534:\n"
GRANTED: Final = f"ann:{FIRST}:{SIZE}\n"
# The mounts are in a mount namespace of the launcher's, and the groups are left to see them gone.
_SCRIPT: Final = """
eval "$PREPARED"
for name in passwd group subuid subgid; do mount --bind "$ETC/$name" /etc/$name || exit 99; done
[ -z "$HIDDEN" ] || for name in $HIDDEN; do mount --bind "$ETC/$name" "$(command -v $name)"; done
exec setpriv --reuid "$WHO" --regid "$WHO" --clear-groups $PRIVS -- "$@"
"""


def lacking() -> str:
    """What these tests need and is not installed; "" if all is there."""
    names = ("newuidmap", "newgidmap", "setpriv", "unshare", "mount")
    return ", ".join(name for name in names if shutil.which(name) is None)


class RangedBox(Box):
    """A box of `ann`, to whom /etc/subuid and /etc/subgid grant ids; or of another user."""

    def __init__(
        self,
        directory: pathlib.Path,
        config: str,
        user: int = ORDINARY,
        granted: str = GRANTED,
        privs: str = "",
        helpers: dict[str, str] | None = None,
    ) -> None:
        """`privs` are more options of setpriv; `helpers` are scripts in the place of programs."""
        etc = directory / "etc"
        etc.mkdir(parents=True)
        directory.chmod(0o777)
        super().__init__(
            directory, config, user,
            ETC=str(etc), WHO=str(user), PRIVS=privs, HIDDEN=" ".join(helpers or {}), PREPARED="",
        )  # fmt: skip
        self.outside: list[str] = []  # words before all, which run as root
        files = {"passwd": PASSWD, "group": GROUP, "subuid": granted, "subgid": granted}
        for name, text in (files | (helpers or {})).items():
            (etc / name).write_text(text)
            (etc / name).chmod(0o755)

    def _popen(
        self,
        words: list[str],
        out: IO[bytes] | int,
        err: IO[bytes] | int,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        before = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SCRIPT, "sh"]
        return subprocess.Popen(
            [*self.outside, *before, *self.program, *words],
            env=self.env,
            cwd=self.directory,
            stdin=stdin,
            stdout=out,
            stderr=err,
            process_group=0,
        )
