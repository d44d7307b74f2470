"""The TCP port of a sandbox whose root has neither Python nor a status page."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

from tests.support.live import DEADLINE, eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box


def test_port_is_served_when_the_sandbox_has_its_own_root(
    box: Callable[..., Box], rootfs: pathlib.Path
) -> None:
    """The page comes from where nsinit is, the network is that of the sandbox: here, the host's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = f'listen = "127.0.0.1:{port}"\n[sandbox]\nrootfs = "{rootfs}"\n'
    made = box(f"{config}[services.a]\ncommand = 'sleep 1000'\nmin_uptime = 0\n").start()
    eventually(made.socket.exists, "init is there")
    eventually(lambda: made.client.status()["services"][0]["state"] == "running", "it runs")
    for target, text in (("", b"<title>"), ("metrics", b'nsinit_service_up{service="a"} 1')):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{target}", timeout=DEADLINE) as got:
            assert text in got.read()
    assert "internal error" not in made.said()
    assert made.stop() == 0
