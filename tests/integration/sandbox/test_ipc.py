"""System V objects and POSIX queues: a sandbox's own, the same names for other things."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.namespaces import different, joining, service, wait_for

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box

# One key for a queue, a memory segment and a semaphore, and one name for a queue of POSIX: put a
# word there, or tell what is there.
SCRIPT = r"""
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for name in ("shmat", "mq_open"):
    getattr(libc, name).restype = ctypes.c_long
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.mq_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint]
libc.mq_receive.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
KEY, CREAT, word = 0x0C2BC06D, 0o1000, sys.argv[2].encode()
class Message(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_long), ("text", ctypes.c_char * 8)]
class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("flags", "many", "size", "now")]
    _fields_ += [("rest", ctypes.c_long * 4)]
def make():
    queue, memory, semaphore = (
        libc.msgget(KEY, CREAT | 0o600), libc.shmget(KEY, 64, CREAT | 0o600),
        libc.semget(KEY, 1, CREAT | 0o600))
    libc.msgsnd(queue, ctypes.byref(Message(1, word)), 8, 0)
    ctypes.memmove(libc.shmat(memory, None, 0), word + b"\0", len(word) + 1)
    libc.semctl(semaphore, 0, 16, len(word))
    attributes = Attributes(0, 4, 8, 0)
    posix = libc.mq_open(b"/nsinit-test", 0o102, 0o600, ctypes.byref(attributes))
    libc.mq_send(posix, word, len(word), 0)
def look():
    queue, memory, semaphore = (
        libc.msgget(KEY, 0), libc.shmget(KEY, 0, 0), libc.semget(KEY, 0, 0))
    message, data = Message(), ctypes.create_string_buffer(8)
    if queue >= 0:
        libc.msgrcv(queue, ctypes.byref(message), 8, 0, 0o4000)
    found = ctypes.string_at(libc.shmat(memory, None, 0)) if memory >= 0 else b""
    value = libc.semctl(semaphore, 0, 12) if semaphore >= 0 else -1
    posix = libc.mq_open(b"/nsinit-test", 0o4002)
    if posix >= 0:
        libc.mq_receive(posix, data, 8, None)
    print(*(part.decode() or "-" for part in (message.text, found, data.value)), value)
make() if sys.argv[1] == "make" else look()
"""
NOTHING = "- - - -1"


@pytest.fixture
def script(tmp_path: pathlib.Path) -> str:
    """The command that runs the script, for sh."""
    path = tmp_path / "ipc.py"
    path.write_text(SCRIPT)
    path.chmod(0o644)
    return f"{sys.executable} -IS {path}"


def _look_here(script: str) -> str:
    done = subprocess.run(
        ["sh", "-c", f"{script} look -"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.row(9, 10)
def test_same_key_is_another_object_when_the_namespace_is_another(
    box: Callable[..., Box], script: str
) -> None:
    """Two sandboxes use one key and one name for all four kinds; each finds its own, we nothing."""
    look = f"{script} look -"
    one = box(f"[sandbox]\n{service(f'{look}; {script} make first; ipcs -q; {look}')}").start()
    two = box(f"[sandbox]\n{service(f'{look}; {script} make other1; {look}')}").start()
    first, second = wait_for(one), wait_for(two)
    assert (first[0], second[0]) == (NOTHING, NOTHING)
    assert any(line.startswith("0x0c2bc06d") for line in first)
    assert first[-1] == "first first first 5"
    assert second[-1] == "other1 other1 other1 6"
    assert "ipc" in different(one.pid) & different(two.pid)
    assert _look_here(script) == NOTHING


@pytest.mark.row(10)
def test_objects_are_common_when_the_namespace_is_joined(
    box: Callable[..., Box], script: str
) -> None:
    """Both directions: what one has put there the other takes, and the other way round."""
    answered = "until [ -e $HERE/go ]; do sleep 0.02; done"
    owner = service(f"{script} make there; echo put; {answered}; {script} look -")
    one = box(f"[sandbox]\n{owner}").start()
    wait_for(one, "put")
    guest = service(f"{script} look -; {script} make back")
    two = box(f"[sandbox]\n{joining(one, 'ipc')}\n{guest}").start()
    assert wait_for(two) == ["there there there 5"]
    (one.directory / "go").touch()
    assert wait_for(one) == ["put", "back back back 4"]


@pytest.mark.row(9)
def test_queue_of_the_host_is_not_seen_when_sandboxed(box: Callable[..., Box]) -> None:
    """`ipcs -q` lists it outside and nothing inside."""
    made = subprocess.run(["ipcmk", "-Q"], capture_output=True, text=True, check=True)
    number = made.stdout.split()[-1]
    try:
        outside = subprocess.run(["ipcs", "-q"], capture_output=True, text=True, check=True).stdout
        assert number in [line.split()[1] for line in outside.splitlines() if line[:2] == "0x"]
        inside = box(f"[sandbox]\n{service('ipcs -q')}").start()
        assert not [line for line in wait_for(inside) if line.startswith("0x")]
    finally:
        subprocess.run(["ipcrm", "-q", number], check=True)
