"""/dev/log in a root of its own, as syslog(3) of the C library looks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.client import Client
from nsinit.errors import ControlError
from tests.support.live import eventually
from tests.support.roots import PROGRAMS, make_root

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from typing import Any

    from tests.support.boxes import Box

CONFIG = """syslog = true
keep_running = true
[sandbox]
rootfs = "{root}"
[services.old]
shell = true
command = "logger -t old -p local0.warning from inside; exec sleep 1000"
"""


def test_line_is_heard_when_a_sandbox_has_its_own_root(
    box: Callable[..., Box], tmp_path: pathlib.Path, user: int
) -> None:
    """The C library's place for it; nothing of it is left in the root."""
    root = make_root(tmp_path / "root", user, (*PROGRAMS, "logger"))
    made = box(CONFIG.format(root=root))
    made.start()
    client = Client(str(made.socket))

    def heard() -> list[dict[str, Any]]:
        try:
            return [dict(row) for row in client.logs(stream="syslog")]
        except ControlError:
            return []

    (row,) = eventually(heard, "the line")
    assert (row["service"], row["line"]) == ("old", "from inside")
    assert (row["priority"], row["facility"], row["identifier"]) == (4, 16, "old")
    client.shutdown()
    assert made.wait() == 0
    assert not (root / "dev" / "log").exists()
