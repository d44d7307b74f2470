"""An init after a long life holds what it held after a short one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.growth import Held, Life, at_rest, configuration
from tests.support.live import live

if TYPE_CHECKING:
    import pathlib

STILL = 20
MORE = Held(fds=0, memory=1024, maps=16, zombies=0, files=0)  # than after the first of each kind
FIRST = {"restarts": 700, "requests": 100, "updates": 40}
THEN = {"restarts": 2000, "requests": 1000, "updates": 100, "reexecs": 20}


def test_nothing_grows_when_much_has_happened(tmp_path: pathlib.Path) -> None:
    """Descriptors, memory, mappings, zombies, files; and nothing happens to who is left alone.

    The flight recorder is made small: until it is full an init grows, which is meant.
    """
    with live(tmp_path, configuration(recorder="64KiB", still=STILL)) as init:
        for number in range(STILL):
            init.wait_for(f"s{number}", "running")
        life = Life(init)
        for kind, count in FIRST.items():
            getattr(life, kind)(count)
        before = at_rest(init)
        pids = {name: s["pid"] for name, s in init.status().items() if name[0] == "s"}
        del pids["s0"]  # which each update changes
        for kind, count in THEN.items():
            getattr(life, kind)(count)
            now = at_rest(init)
            grown = [after - then for after, then in zip(now, before, strict=True)]
            limits = zip(grown, MORE, strict=True)
            assert all(one <= most for one, most in limits), (kind, before, now)
            assert not now.zombies
        after = {name: s["pid"] for name, s in init.status().items() if name in pids}
        assert after == pids
        assert "should not be possible" not in init.said()
        assert "internal error" not in init.said()
