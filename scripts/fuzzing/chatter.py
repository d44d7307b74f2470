"""A service that speaks nonsense: datagrams to its notify socket, to /dev/log, to the journal.

Run by init as `python -m scripts.fuzzing.chatter COUNT SEED LOG JOURNAL NOTE`; what it has sent so
far is in the file NOTE. It sends what would end it, too: init restarts it, and it goes on.
"""

from __future__ import annotations

import itertools
import os
import random
import select
import socket
import sys
from pathlib import Path
from typing import Final

from scripts.fuzzing.mutation import Mutator
from scripts.fuzzing.targets.lines import TARGETS as LINES
from scripts.fuzzing.targets.talking import TARGETS as TALKING

_LARGEST: Final = 8192  # bytes of a datagram: more than init reads of some
_TELL_EVERY: Final = 256
_WITH_FDS: Final = 64  # datagrams, of which one has descriptors
_PATIENCE: Final = 10.0  # s for a full socket


def main(count: int, seed: int, log: str, journal: str, note: str) -> None:
    """Send the rest of them."""
    targets = {target.name: target for target in (*LINES, *TALKING)}
    places = {"sd-notify": os.environ["NOTIFY_SOCKET"], "syslog": log, "journal": journal}
    sent = int(Path(note).read_text()) if os.path.exists(note) else 0
    chance = random.Random(seed + sent)
    ways = []
    for name, path in places.items():
        one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.connect(path)
        one.setblocking(False)
        pool = targets[name].begin()
        ways.append((one, Mutator(chance, targets[name].words, _LARGEST), pool))
    for one, mutator, pool in itertools.cycle(ways):
        if sent >= count:
            break
        _send(one, mutator.make(pool), sent)
        sent += 1
        if sent % _TELL_EVERY == 0 or sent >= count:
            Path(note).write_text(str(sent))
    select.select([], [], [])  # until it is told to end


def _send(one: socket.socket, data: bytes, number: int) -> None:
    fds = [os.memfd_create("fuzz")] * 2 if number % _WITH_FDS == 0 else []
    try:
        socket.send_fds(one, [data], fds)
    except BlockingIOError:
        select.select([], [one], [], _PATIENCE)
    except OSError:
        return  # an empty one, or one that is too large
    finally:
        if fds:
            os.close(fds[0])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6])
