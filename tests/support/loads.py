"""Loads of output on a real nsinit, of any size, with every byte looked at.

Tests run them small; `scripts/loadlogs` runs them in full and prints a table.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support.live import Live, eventually
from tests.support.logfiles import SLEEPER, paths_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

LINE: Final = b"0123456789" * 9 + b"abcdefghi\n"  # 100 bytes
_TEXT: Final = LINE.decode().strip()
_PIECE: Final = 1 << 18
_PATIENCE: Final = 600.0  # s, for the largest of them on a busy machine
_STAMP: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
_HEAD: Final = rb'\{"time":"' + _STAMP + rb'","service":"b","replica":1,"run":1,"stream":"stdout"'
_BODY: Final = LINE[:-1]
# What one line becomes in each form.
_FORMS: Final = {
    "text": rb"b      \| " + LINE,
    "time": _STAMP + rb" b      \| " + LINE,
    "file-time": _STAMP + rb" " + LINE,
    "json": _HEAD + rb',"message":"' + _BODY + rb'"\}' + b"\n",
    "rfc5424": rb"<30>1 " + _STAMP + rb" \S+ b \S+ stdout - " + _BODY,
    "bsd": rb"<30>\w{3} [ \d]\d \d\d:\d\d:\d\d b(\[\d+\])?: " + _BODY,
}
_NOTE: Final = (
    rb"(nsinit \| warning: \d+ bytes were dropped here[^\n]*|\{[^\n]*were dropped here[^\n]*)\n"
)


class Result(NamedTuple):
    """What became of the bytes that a sink was handed; `odd` is what should not be there."""

    name: str
    read: int
    handed: int
    arrived: int
    dropped: int
    seconds: float
    odd: bytes = b""

    @property
    def is_right(self) -> bool:
        """Whether each byte is there or counted, and nothing else is."""
        return not self.odd and self.arrived + self.dropped == self.handed


class Heard:
    """Takes a stream as it comes, and counts the bytes of lines that are as they should be."""

    def __init__(self, form: str) -> None:
        self.arrived = 0
        self.odd = b""
        self._line = re.compile(_FORMS[form])
        self._counted = re.compile(rb"\d+ (?=<)" if form == "rfc5424" else rb"(?!)")
        self._end = b"\n" if _FORMS[form].endswith(b"\n") else b"\0"
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """A piece of it."""
        data = self._rest + data
        if self._counted.match(data):
            self._feed_counted(data)
            return
        end = data.rfind(self._end) + 1
        whole, self._rest = data[:end], data[end:]
        left = re.sub(_NOTE, b"", self._line.sub(b"", whole))
        notes = b"".join(found.group() for found in re.finditer(_NOTE, whole))
        self.arrived += len(whole) - len(left) - len(notes)
        self.odd = (self.odd + left)[:1000]

    def _feed_counted(self, data: bytes) -> None:
        at = 0
        while (space := data.find(b" ", at)) >= 0:
            end = space + 1 + int(data[at:space])
            if end > len(data):
                break
            self.message(data[space + 1 : end])
            at = end
        self._rest = data[at:]

    def message(self, message: bytes) -> None:
        """One message of syslog."""
        if self._line.fullmatch(message):
            self.arrived += len(message)
        elif b"were dropped here" not in message:
            self.odd = (self.odd + message)[:1000]


def _counts(init: Live, sink: str) -> tuple[int, int, int]:
    """Bytes read, handed to a sink, and dropped there."""
    logs = init.client.status(names=["b"])["services"][0]["logs"]
    (row,) = (s for s in logs["sinks"] if (s["stream"], s["sink"]) == ("stdout", sink))
    return logs["bytes"], row["bytes"], row["dropped"]


def _config(size: int, log: str) -> str:
    script = f"yes {_TEXT} | head -c {size // len(LINE) * len(LINE)}"
    return (
        f'{SLEEPER}[services.b]\ntype = "oneshot"\ncommand = ["sh", "-c", "{script}"]\n'
        f"log = {log}\n"
    )


# --- Sinks ----------------------------------------------------------------------------------------


def through_file(directory: pathlib.Path, size: int, form: str) -> Result:
    """Into rotated files; raw bytes are compared by their sum."""
    log = f'{{file = "${{HERE}}/x.log", max_size = "64MiB", keep = 1000, compress = false, \
file_format = "{form}"}}'
    made = Live(directory, _config(size, log), "subreaper")
    try:
        begun = time.monotonic()
        made.start()
        eventually(lambda: made.status().get("b", {}).get("state") == "exited", "end", _PATIENCE)
        seconds = time.monotonic() - begun
        read, handed, dropped = _counts(made, "file")
        paths = paths_of(made)
        if form != "raw":
            heard = Heard("file-time" if form == "time" else form)
            for path in paths:
                with path.open("rb") as file:
                    while data := file.read(_PIECE):
                        heard.feed(data)
            return Result(f"file, {form}", read, handed, heard.arrived, dropped, seconds, heard.odd)
        there, wanted = hashlib.sha256(), hashlib.sha256()
        arrived = 0
        for path in paths:
            with path.open("rb") as file:
                while data := file.read(_PIECE):
                    there.update(data)
                    arrived += len(data)
        for _ in range(size // len(LINE)):
            wanted.update(LINE)
        odd = b"" if there.digest() == wanted.digest() else b"another sum"
        return Result("file, raw", read, handed, arrived, dropped, seconds, odd)
    finally:
        made.close()


def through_console(directory: pathlib.Path, size: int, form: str) -> Result:
    """To stdout, read by a thread as fast as it can."""
    made = Live(directory, _config(size, f'{{format = "{form}"}}'), "subreaper")
    reader, writer = os.pipe()
    heard = Heard(form)

    def read_all() -> None:
        while data := os.read(reader, _PIECE):
            heard.feed(data)

    thread = threading.Thread(target=read_all)
    thread.start()
    return _through(made, "console", form, heard, thread, writer)


def through_syslog(directory: pathlib.Path, size: int, kind: str) -> Result:
    """To a daemon on a datagram socket or TCP."""
    if kind == "tcp":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
    else:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(str(directory / "log"))
        address = str(directory / "log")
    log = f'{{to = "syslog", syslog = "{address}"}}'
    made = Live(directory, _config(size, log), "subreaper")
    form = "rfc5424" if kind == "tcp" else "bsd"
    heard = Heard(form)

    def read_all() -> None:
        with listener, contextlib.suppress(TimeoutError):
            listener.settimeout(60)
            connection = listener.accept()[0] if kind == "tcp" else listener
            while data := connection.recv(_PIECE):
                if kind == "tcp":
                    heard.feed(data)
                elif data == b"end":
                    return
                else:
                    heard.message(data)
            connection.close()

    thread = threading.Thread(target=read_all)
    thread.start()
    result = _through(made, "syslog", kind, heard, thread, None)
    if kind != "tcp":
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(b"end", address)
    thread.join()
    return result


def _through(
    made: Live, sink: str, form: str, heard: Heard, thread: threading.Thread, writer: int | None
) -> Result:
    try:
        begun = time.monotonic()
        made.start(stdout=writer)
        if writer is not None:
            os.close(writer)
        eventually(lambda: made.status().get("b", {}).get("state") == "exited", "end", _PATIENCE)

        def settled() -> bool:
            _, handed, dropped = _counts(made, sink)
            return bool(heard.odd) or heard.arrived + dropped == handed

        with contextlib.suppress(AssertionError):
            eventually(settled, "all has arrived", 60.0)
        seconds = time.monotonic() - begun
        read, handed, dropped = _counts(made, sink)
        name = f"{sink}, {form}"
        return Result(name, read, handed, heard.arrived, dropped, seconds, heard.odd)
    finally:
        made.close()
        if writer is not None:
            thread.join()


# --- Two that talk at once, and one whom nobody hears ---------------------------------------------

_CHATTY: Final = """
import os, sys, time
end, n = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    n += 1
    os.write(1, b"%s-" % sys.argv[1].encode())
    os.write(1, b"%d-end\\n" % n)
open(sys.argv[1] + ".count", "w").write(str(n))
"""


def chatty(directory: pathlib.Path, seconds: float) -> tuple[int, int]:
    """Two services that write each line in two pieces: lines written, and found whole."""
    script = directory / "chatty.py"
    script.write_text(_CHATTY)
    config = "".join(
        f'[services.{name}]\ntype = "oneshot"\nworking_dir = "{directory}"\n'
        f'command = ["{sys.executable}", "-I", "-S", "{script}", "{name}", "{seconds}"]\n'
        for name in ("left", "right")
    )
    made = Live(directory, config, "subreaper")
    try:
        made.start()
        made.wait(seconds + 60)
    finally:
        made.close()
    written = {n: int((directory / f"{n}.count").read_text()) for n in ("left", "right")}
    whole = re.compile(rb"(left  |right ) \| (left|right)-(\d+)-end")
    found = dict.fromkeys(written, 0)
    for line in made.out.read_bytes().splitlines():
        if (fits := whole.fullmatch(line)) and fits[1].strip() == fits[2]:
            name = fits[2].decode()
            found[name] += int(fits[3]) == found[name] + 1  # each once, in order
    return sum(written.values()), sum(found.values())


class Blocked(NamedTuple):
    """What happened while nobody read stdout."""

    result: Result
    slowest: float  # s that control took to answer
    restarts: int


def blocked(directory: pathlib.Path, seconds: float, note: Callable[[str], None]) -> Blocked:
    """A service writes all the time, and nobody reads; another is killed again and again."""
    config = (
        f"{SLEEPER}restart_max_delay = 0.05\nrestart_limit = 'unlimited'\n"
        "[services.b]\ntype = 'oneshot'\n"
        # What is killed may leave half a line, which grep does not pass on.
        f'command = ["sh", "-c", \'timeout {seconds} yes {_TEXT} | grep -x {_TEXT}; true\']\n'
    )
    reader, writer = os.pipe()
    made, heard = Live(directory, config, "subreaper"), Heard("text")
    try:
        begun = time.monotonic()
        made.start(stdout=writer)
        os.close(writer)
        made.wait_for("a", "running")
        slowest, restarts = 0.0, 0
        while made.status()["b"]["state"] != "exited":
            asked = time.monotonic()
            before = made.status()["a"]
            slowest = max(slowest, time.monotonic() - asked)
            os.kill(before["pid"], 9)
            made.wait_for("a", "running", run=before["run"] + 1)
            restarts += 1
        note("stdout is read again")
        os.set_blocking(reader, False)

        def settled() -> bool:
            with contextlib.suppress(BlockingIOError):
                while data := os.read(reader, _PIECE):
                    heard.feed(data)
            _, handed, dropped = _counts(made, "console")
            return heard.arrived + dropped == handed

        with contextlib.suppress(AssertionError):
            eventually(settled, "all is there or counted")
        read, handed, dropped = _counts(made, "console")
        took = time.monotonic() - begun
        result = Result("blocked stdout", read, handed, heard.arrived, dropped, took, heard.odd)
        return Blocked(result, slowest, restarts)
    finally:
        made.close()
        os.close(reader)
