"""What an init hands over is what the next one gets, whatever it is."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.core.recorder import Recorder
from nsinit.kernel import memory
from nsinit.model.load import Loaded, load, parse_source
from nsinit.runtime import handover as h
from nsinit.runtime.lines import Block
from nsinit.runtime.recalled import unpack_events
from nsinit.runtime.ring import Rings
from tests.support import strategies as some
from tests.support.lives import plans

# Any text, with the bytes that are no Unicode as an environment has them.
TEXT = st.text(st.characters() | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF))
PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)
CONFIG = """
[init]
environment = { A = "${ODD}" }
[services.web]
command = ["web", "${ODD}", "$$"]
replicas = 2
sockets = ["tcp:127.0.0.1:1", { listen = "/run/x", lazy = true }]
stop_signal = ["TERM", "5s", "INT"]
limits = { nofile = "10:20", core = "unlimited" }
ready = { http = "http://127.0.0.1:80/" }
health = { exec = "true" }
success_exit_codes = [3, "TERM"]
ioprio = "idle"
scheduler = "batch"
cpu_affinity = "0-1"
log = { to = ["console", "file"], file = "/var/log/web", stderr = { to = "null" } }
[services.tick]
type = "oneshot"
command = "tick"
schedule = { cron = "*/5 * * * *", timezone = "Europe/Berlin" }
[services.tick.pre_start]
command = "x"
user = 3
"""


@given(value=PLAIN)
def test_value_is_the_same_when_it_was_packed(value: Any) -> None:
    """Bytes of environments, NUL, and numbers beyond 64 bits."""
    assert h.unpack(h.pack(value), Any) == value


@given(data=st.binary())
def test_bytes_are_refused_when_they_are_no_state(data: bytes) -> None:
    """With a reason, and with nothing worse."""
    with pytest.raises(h.BadHandoverError):
        h.unpack(data, h.Handover)


def test_state_is_refused_when_its_sizes_are_of_more_than_there_is() -> None:
    """No memory is taken for what is not there, however much it says to be."""
    for size in (1 << 40, (1 << 64) - 1):
        fd = memory.sealed("test", [h.MAGIC + h._HEAD.pack(h.VERSION, size) + b"x" * 9])
        with pytest.raises(h.BadHandoverError, match="cut short"):
            h.read(fd)
        os.close(fd)
    fd = memory.sealed("test", [h._SIZE.pack((1 << 32) - 1) + b"\x90"])
    with pytest.raises(h.BadHandoverError):
        list(h._rows(fd, 0))
    os.close(fd)


@pytest.mark.parametrize("data", [b"\x91" * 5000, b"\xa1\xff", b"\x91\xa1\xff"])
def test_state_is_refused_when_it_is_nested_or_no_utf8(data: bytes) -> None:
    """By the error that says so: others would end the init that reads it."""
    with pytest.raises(h.BadHandoverError):
        h.unpack(data, h.Handover)
    fd = memory.sealed("test", [h._SIZE.pack(len(data)) + data])
    with pytest.raises(h.BadHandoverError):
        list(h._rows(fd, 0))
    os.close(fd)
    with pytest.raises(h.BadHandoverError):
        h.unpack(h.pack({"config": {}, "bundle": 5}), Loaded)
    direct = b"\xc1\x97\x01\xcb" + bytes(8) + b"\xa1\xff"
    assert list(unpack_events([data, direct])) == []
    recorder = Recorder("0")
    recorder.adopt([data, b"\x95\xa1\xff"])
    assert recorder.export() == []


@given(odd=TEXT.filter(lambda text: "\0" not in text))
def test_configuration_is_the_same_when_it_was_packed(odd: str) -> None:
    """With plan, sources, and whatever a variable has brought in."""
    made = load([parse_source("x.toml", CONFIG)], {"ODD": odd})
    assert h.unpack(h.pack(made), Loaded) == made


@some.DEAR
@given(plan=plans())
def test_plan_is_the_same_when_it_was_packed(plan: Any) -> None:
    """As the core has it."""
    assert h.unpack(h.pack(plan), type(plan)) == plan


BLOCKS = st.builds(Block, st.binary(min_size=1).map(lambda b: b + b"\n"), st.booleans())


@given(
    blocks=st.lists(st.tuples(st.sampled_from("abc"), BLOCKS), max_size=30),
    total=st.integers(1, 200),
    limit=st.integers(0, 100),
)
def test_rings_are_the_same_when_they_were_handed_over(
    blocks: list[tuple[str, Block]], total: int, limit: int
) -> None:
    """Records, numbers and limits; the next record finds them as they were."""
    one, other = Rings(total), Rings(total)
    for name in "abc":
        one.limit(name, limit)
    for at, (name, block) in enumerate(blocks):
        one.add(float(at), name, 1, "stdout", block)
    head = msgspec.msgpack.encode(1)
    fd = memory.sealed("test", h._pieces(head, one.rows()))
    try:
        top = memory.read_at(fd, 1 << 20, 0)
        begin = len(h.MAGIC) + h._HEAD.size + len(head)
        assert top.startswith(h.MAGIC)
        other.adopt(*one.export(), h._rows(fd, begin))
    finally:
        os.close(fd)
    assert other.records() == one.records()
    assert other.size == one.size
    added = [r.add(99.0, "a", 2, "stderr", Block(b"last\n")) for r in (one, other)]
    assert added[0] == added[1]
    assert other.records() == one.records()


def test_file_is_refused_when_it_is_no_handover() -> None:
    """Not sealed, of another kind, of another version, cut short."""
    head = h.MAGIC + h._HEAD.pack(h.VERSION + 1, 0)
    cut = h.MAGIC + h._HEAD.pack(h.VERSION, 10) + b"x"
    for data, why in ((b"", "no handover"), (b"x" * 100, "no handover"),
                      (head, "version 2"), (cut, "cut short")):  # fmt: skip
        fd = memory.sealed("test", [data])
        with pytest.raises(h.BadHandoverError, match=why):
            h.read(fd)
        os.close(fd)
    fd = memory.unsealed("test")
    with pytest.raises(h.BadHandoverError, match="sealed"):
        h.read(fd)
    os.close(fd)
