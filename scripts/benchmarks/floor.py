"""`floor.py epoll|staged UVLOOP SERVICES [LOGS]`: what an init in Python can't be faster than.

It starts the commands of the file SERVICES (each line a name and words), restarts whatever ends,
reaps whatever it is given, and on TERM sends that to all and ends with the last. With LOGS the
output of each goes to a file there, 10 MiB at most, of which five are kept. No configuration, no
control, no state: an init that has these is to be compared with what is left.

`epoll` waits by epoll(7); `staged` starts the services first, and then imports asyncio and uvloop
(from the directory UVLOOP), on which it runs. Both are for `python -I -S`; what `os` and `signal`
add to that is 4 ms, so the modules below them are used.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed has only the module above it
import posix
import sys

CHUNK = 256 * 1024
PIPE = 1024 * 1024
F_SETPIPE_SZ = 1031
SIZE = 10 * 1024 * 1024
KEEP = 5


class Output:
    """The pipe of one service, and the file that it goes to."""

    def __init__(self, path: str) -> None:
        import fcntl  # noqa: PLC0415  (only with logs)

        self.path = path
        self.reader, self.writer = posix.pipe()
        fcntl.fcntl(self.reader, F_SETPIPE_SZ, PIPE)
        self.file = -1
        self.open()

    def open(self) -> None:
        """Begin a file."""
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND
        self.file, self.size = posix.open(self.path, flags, 0o644), 0

    def drain(self, buffer: bytearray) -> None:
        """Carry all that is there."""
        posix.set_blocking(self.reader, False)
        try:
            while True:
                self.pump(buffer)
        except BlockingIOError:
            return

    def pump(self, buffer: bytearray) -> None:
        """Carry what one read gives."""
        got = posix.readv(self.reader, [buffer])
        view = memoryview(buffer)[:got]
        while view:
            done = posix.write(self.file, view)
            self.size += done
            view = view[done:]
        if self.size >= SIZE:
            self.rotate()

    def rotate(self) -> None:
        """Begin another file: this one becomes .1, .1 becomes .2, and so on."""
        posix.close(self.file)
        for number in range(KEEP, 0, -1):
            try:
                posix.rename(f"{self.path}.{number - 1}" if number > 1 else self.path,
                             f"{self.path}.{number}")  # fmt: skip
            except FileNotFoundError:
                continue
        self.open()


class Floor:
    """The services, by name and by pid."""

    def __init__(self, services: str, logs: str) -> None:
        self.argv: dict[str, list[str]] = {}
        self.outputs: dict[str, Output] = {}
        self.names: dict[int, str] = {}
        self.ends = False
        self.buffer = bytearray(CHUNK)
        with open(services) as file:
            for line in file:
                name, *words = line.split()
                self.argv[name] = words
                if logs:
                    self.outputs[name] = Output(f"{logs}/{name}.log")

    def start(self, name: str) -> None:
        """One service; posix_spawn(3) of glibc is a vfork."""
        actions = []
        if output := self.outputs.get(name):
            actions = [(posix.POSIX_SPAWN_DUP2, output.writer, fd) for fd in (1, 2)]
        argv = self.argv[name]
        pid = posix.posix_spawn(
            argv[0], argv, posix.environ, file_actions=actions, setsid=True, setsigmask=()
        )
        self.names[pid] = name

    def reap(self) -> None:
        """All that have ended."""
        while True:
            try:
                pid = posix.waitpid(-1, posix.WNOHANG)[0]
            except ChildProcessError:
                pid = 0
            if not pid:
                break
            name = self.names.pop(pid, None)
            if name is not None and not self.ends:
                self.start(name)
        if self.ends and not self.names:
            for output in self.outputs.values():
                output.drain(self.buffer)
            posix._exit(0)  # noqa: SLF001  (os has it under the same name)

    def end(self) -> None:
        """TERM came."""
        self.ends = True
        for pid in self.names:
            posix.kill(pid, _signal.SIGTERM)


def on_epoll(floor: Floor) -> None:
    """For ever; signals come as bytes of a pipe."""
    import select  # noqa: PLC0415  (staged does not need it)

    reader, writer = posix.pipe()
    for fd in (reader, writer):
        posix.set_blocking(fd, False)
    _signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (_signal.SIGTERM, _signal.SIGCHLD):
        _signal.signal(number, lambda *_: None)
    for name in floor.argv:
        floor.start(name)
    epoll = select.epoll()
    epoll.register(reader, select.EPOLLIN)
    pumps = {output.reader: output for output in floor.outputs.values()}
    for fd in pumps:
        epoll.register(fd, select.EPOLLIN)
    while True:
        for fd, _ in epoll.poll():
            if fd != reader:
                pumps[fd].pump(floor.buffer)
                continue
            if _signal.SIGTERM in posix.read(reader, 512):
                floor.end()
            floor.reap()


def on_uvloop(floor: Floor, place: str) -> None:
    """For ever; signals come by signalfd(2), since uvloop hands out no SIGCHLD."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGTERM, _signal.SIGCHLD))
    for name in floor.argv:
        floor.start(name)
    sys.path.append(place)
    import asyncio  # noqa: PLC0415  (this is the point: later)
    import ctypes  # noqa: PLC0415

    import uvloop  # noqa: PLC0415

    del asyncio  # uvloop imports it, too
    mask = 1 << (_signal.SIGTERM - 1) | 1 << (_signal.SIGCHLD - 1)
    words = ctypes.byref((ctypes.c_uint64 * 16)(mask))
    fd = ctypes.CDLL(None).signalfd(-1, words, posix.O_NONBLOCK | posix.O_CLOEXEC)

    def arrived() -> None:
        # signalfd_siginfo is of 128 bytes, and the number is its first word.
        numbers = posix.read(fd, 16 * 128)[::128]
        if _signal.SIGTERM in numbers:
            floor.end()
        floor.reap()

    loop = uvloop.new_event_loop()
    loop.add_reader(fd, arrived)
    for output in floor.outputs.values():
        loop.add_reader(output.reader, output.pump, floor.buffer)
    loop.run_forever()


def main() -> None:
    """Be one of the two."""
    kind, place, services, logs = (*sys.argv[1:], "")[:4]
    floor = Floor(services, logs)
    if kind == "epoll":
        on_epoll(floor)
    else:
        on_uvloop(floor, place)


if __name__ == "__main__":
    main()
