"""What one service more takes of the memory of init, at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.growth import held
from tests.support.live import eventually, live

if TYPE_CHECKING:
    import pathlib

    from tests.support.live import Live

FEW, MANY = 20, 220
# KiB for each service: 8.7 when it was written down, in whole pages, with its events in the history
# and its part of the memory that the allocator sets aside.
MOST = 12
_HEAD = "[init]\nlog = 'warning'\nrecorder = '64KiB'\n"
_SERVICE = "[services.s{}]\ncommand = ['sleep', '1000']\nmin_uptime = 0\nstop_timeout = 5\n"


def _is_up(init: Live, count: int) -> bool:
    services = init.status().values()
    return len(services) == count and all(one["state"] == "running" for one in services)


def _memory(directory: pathlib.Path, count: int) -> int:
    """KiB of an init with so many services that all run."""
    directory.mkdir()
    with live(directory, _HEAD + "".join(map(_SERVICE.format, range(count)))) as init:
        eventually(lambda: _is_up(init, count), "all services")
        return held(init).memory


def test_service_takes_few_bytes_when_there_are_many(tmp_path: pathlib.Path) -> None:
    """The difference between an init with few and one with many, so that no Python matters."""
    _memory(tmp_path / "compiled", 1)  # which would be a part of the first one's memory
    few, many = (_memory(tmp_path / str(count), count) for count in (FEW, MANY))
    assert many - few <= MOST * (MANY - FEW), (few, many)
