"""Descriptors that nobody has asked for, sent to init by whoever may connect."""

from __future__ import annotations

import pathlib
import socket
import struct
from contextlib import suppress

import pytest

from tests.integration.test_readiness import python
from tests.support.live import eventually, live

# Sends what waits for 600 s at its last close(2), in the queue of a unix socket; init has the last.
NESTED = r"""
import os, signal, socket, struct, time
server = socket.create_server(("127.0.0.1", 0))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
notify.send(b"READY=1")
def nested():
    full = socket.create_connection(server.getsockname())
    full.setblocking(False)
    try:
        while full.send(bytes(65536)):
            pass
    except BlockingIOError:
        pass
    full.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [full.fileno()])
    return full, one, other
os.kill(os.getppid(), signal.SIGSTOP)
if os.fork() == 0:
    kept = []
    for text in (b"X=1", b"FDSTORE=1", b"FDSTORE=1", b"STATUS=sent"):
        kept.append(nested())
        socket.send_fds(notify, [text], [kept[-1][2].fileno()])
    os._exit(0)
os.wait()
os.kill(os.getppid(), signal.SIGCONT)
time.sleep(1000)
"""

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


def test_control_answers_when_what_lingers_is_in_the_queue_of_a_socket(
    tmp_path: pathlib.Path,
) -> None:
    """Sent to NOTIFY_SOCKET, stored and over the limit of that, and given up at the end."""
    config = f"""
        [services.a]
        type = "notify"
        command = {python(NESTED)}
        fd_store_max = 1
        """
    with live(tmp_path, config) as init:
        init.wait_for("a", "running", message="sent")
        assert init.client.livez() == {"live": True}
        init.ctl("stop", "a")
        assert init.ctl("exec", "a", "true").returncode == 0
        children = f"/proc/{init.pid}/task/{init.pid}/children"
        eventually(lambda: not pathlib.Path(children).read_text(), "no child is left")
        init.ctl("shutdown")
        assert init.wait() == 0
