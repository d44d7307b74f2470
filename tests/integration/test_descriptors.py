"""Descriptors that nobody has asked for, sent to init by whoever may connect."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.live import live

if TYPE_CHECKING:
    import pathlib

SO_PASSRIGHTS = 83  # of socket(7)


def test_control_answers_when_somebody_sends_a_connection_that_lingers(
    tmp_path: pathlib.Path,
) -> None:
    """It is refused: whoever throws it away would wait for as long as its sender has said."""
    config = '[services.a]\ncommand = ["sleep", "1000"]\n'
    with (
        live(tmp_path, config) as init,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client,
    ):
        init.wait_for("a", "running")
        try:
            client.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS)
        except OSError:
            pytest.skip("this kernel has no SO_PASSRIGHTS")
        client.connect(init.client.path)
        with socket.create_connection(server.getsockname()) as full:
            full.setblocking(False)
            with suppress(BlockingIOError):
                while full.send(bytes(65536)):
                    pass
            full.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))
            with pytest.raises(PermissionError):
                socket.send_fds(client, [b"GET "], [full.fileno()])
            full.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        assert init.ctl("exec", "a", "true").returncode == 0
