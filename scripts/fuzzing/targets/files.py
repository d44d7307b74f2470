"""Files and states that init reads back, or that others put where it looks."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit.core import messages as m
from nsinit.core.recorder import Recorder, unpacked
from nsinit.core.replay import BadRecordError, read, replay
from nsinit.core.state import CoreState
from nsinit.core.supervisor import Supervisor
from nsinit.errors import SpawnError
from nsinit.kernel import memory
from nsinit.model.load import Loaded, load, parse_source
from nsinit.process import daemons, identity
from nsinit.process.smallfile import read_small
from nsinit.process.variables import service_variables
from nsinit.runtime import handover
from nsinit.runtime.events import Note
from nsinit.runtime.headstart import planfile
from nsinit.runtime.headstart.foresee import foresee
from nsinit.runtime.headstart.planfile import NoPlanError, Start
from nsinit.runtime.logstate import LogsState
from nsinit.runtime.recalled import pack_events, unpack_deaths, unpack_events
from scripts.fuzzing.choices import Choices
from scripts.fuzzing.target import Target, words_of

if TYPE_CHECKING:
    from nsinit.core.replay import Record

_CONFIG: Final = """
[services.a]
command = ["true", "x"]
environment = { A = "1", B = "\\u00e9" }
[services.b]
command = "true"
umask = "022"
depends_on = { a = "started" }
restart = "always"
log = "null"
"""


@cache
def _loaded() -> Loaded:
    return load([parse_source("nsinit.toml", _CONFIG)], {})


@cache
def _here() -> Path:
    """A directory of this process; what is in it is written anew for each input."""
    made = tempfile.TemporaryDirectory(prefix="fuzz-")
    _KEPT.append(made)
    return Path(made.name)


_KEPT: Final[list[object]] = []  # until this process ends


# --- Plans ----------------------------------------------------------------------------------------


def _plan(data: bytes) -> None:
    """It is a plan whose rows can be used, or it is told why not."""
    path = _here() / "nsinit.toml"
    if not path.exists():
        path.write_text(_CONFIG)
    Path(f"{path}{planfile.ENDING}").write_bytes(_plan_of(data))
    plan = planfile.read(str(path), {})
    try:
        for row in plan.starts:
            Start(row)
    except (TypeError, ValueError):
        return  # as `begin` takes it, which leaves the rest to the core


def _plan_of(data: bytes) -> bytes:
    """Bytes that nobody has written, or a plan with a right sum and odd values in it."""
    choices = Choices(data)
    if not choices.number(3):
        return planfile._HEADER + data[1:]  # noqa: SLF001  (other headers are refused)
    plan, _ = foresee(_loaded(), {})
    plan.sources = [("", _CONFIG.encode())]
    rows: list[Any] = [list(row) for row in plan.starts]
    for _ in range(choices.number(3)):
        odd: Any = choices.pick(_ODD)
        if choices.number(1):
            setattr(plan, choices.pick(planfile.HeadStart._ROW), odd)  # noqa: SLF001  (all that it has)
        else:
            row = choices.pick(rows)
            row[choices.number(len(row) - 1)] = odd
    if plan.starts:
        plan.starts = [tuple(row) for row in rows]
    return plan.to_bytes()


_ODD: Final[tuple[Any, ...]] = (
    None, 0, -1, 1 << 64, 1.5, "", "\0", "a", b"", [], (), {}, [1], [("a", b"")], [(("a", "b", "c"), [])],
    (1, 2), {"A": None}, {"A": 1}, {1: 1}, (None, 0), ("/x", 0o600), [[]], ("true",), True, 1j, ...,
)  # fmt: skip


def _plan_seeds() -> list[bytes]:
    return [b"\1\2\0\3\1\4\2\5", bytes(4), foresee(_loaded(), {})[0].to_bytes()]


# --- What one init hands to another ---------------------------------------------------------------


def _handover(data: bytes) -> None:
    handover.unpack(data, handover.Handover)


def _handover_parts(data: bytes) -> None:
    choices = Choices(data[:1])
    kind = choices.pick((Loaded, CoreState, handover.RunsState, handover.Birth, LogsState))
    handover.unpack(data[1:], kind)


def _handover_file(data: bytes) -> None:
    fd = memory.sealed("fuzz", [handover.MAGIC, data])
    try:
        _, rows = handover.read(fd)
        for some in rows:
            assert isinstance(some, list)
    finally:
        os.close(fd)


def _handover_rows(data: bytes) -> None:
    fd = memory.sealed("fuzz", [data])
    try:
        for some in handover._rows(fd, 0):  # noqa: SLF001  (the other part of a handover)
            assert isinstance(some, list)
    finally:
        os.close(fd)


def _handover_seeds() -> list[bytes]:
    made = _loaded()
    kept = [
        handover.pack(made),
        handover.pack(CoreState()),
        handover.pack({"version": "0", "pid": 1}),
    ]
    return [*kept, *(bytes((index,)) + one for index, one in enumerate(kept))]


def _rows_seeds() -> list[bytes]:
    rows = [[(1, 1.5, "a", 1, "stdout", b"x\n", False, False)]]
    pieces = list(handover._pieces(b"", rows))  # noqa: SLF001  (as above)
    return [b"".join(pieces[2:]), b"".join(pieces)[len(handover.MAGIC) :]]


def _state(data: bytes) -> None:
    CoreState.decode(data)


def _remembered(data: bytes) -> None:
    """What can't be read of the past is left out."""
    choices = Choices(data[:4])
    rows = choices.cut(data[4:], 3)
    list(unpack_events(rows))
    list(unpack_deaths(rows))
    recorder = Recorder("0")
    recorder.adopt(rows)


def _remembered_seeds() -> list[bytes]:
    note = Note(1, 2.0, "boot", "", 0, {"version": "1"}, None)
    return [bytes(4) + pack_events([note])[0], bytes(4) + handover.pack([1, 2.0, "boot"])]


# --- Flight records -------------------------------------------------------------------------------


def _record(data: bytes) -> None:
    """What is a record can be run again on the core."""
    for step in replay(_limited(read(data.splitlines()))):
        assert step.number >= 0


def _limited(record: Record) -> Record:
    return record._replace(parts=record.parts[:3])


def _record_seeds() -> list[bytes]:
    core = Supervisor(_loaded().plan, CoreState())
    recorder = Recorder("0")
    events: tuple[m.Event, ...] = (
        m.Boot(),
        m.Spawned("a", 1, 10),
        m.Exited("a", 1, 0),
        m.Shutdown(),
    )
    for number, event in enumerate(events):
        recorder.begin(core, event, float(number), 0.0)
        recorder.end(core.handle(event, float(number), 0.0))
    return [b"".join(recorder.pieces(9.0, 9.0))]


def _unpacked(data: bytes) -> None:
    unpacked(data)


# --- Files of a root that may be anybody's --------------------------------------------------------


def _accounts(data: bytes) -> None:
    """/etc/passwd and /etc/group of an image."""
    etc = _here() / "etc"
    etc.mkdir(exist_ok=True)
    passwd, _, group = data.partition(b"\n--\n")
    (etc / "passwd").write_bytes(passwd)
    (etc / "group").write_bytes(group)
    root = str(_here())
    for user in ("root", "web:www", 1000):
        found = identity.find_identity(user, None, None, root)
        assert found is not None
        assert 0 <= found.uid < 1 << 32, found
        assert all(0 <= gid < 1 << 32 for gid in (found.gid, *found.groups)), found
    identity.find_account(0, root)


def _pid_file(data: bytes) -> None:
    path = _here() / "pid"
    path.write_bytes(data)
    found = daemons._read(str(path))  # noqa: SLF001  (what a service has written)
    assert found is None or found >= 0


class _Spec:
    """A service with files of variables."""

    inherit_env = False
    env_file: tuple[str, ...] = ("env",)
    environment: dict[str, str | dict[str, str]] = {"S": {"file": "secret"}}  # noqa: RUF012  (read only)


class _Around:
    directory = ""
    env: dict[str, str] = {"X": "1"}  # noqa: RUF012  (read only)
    shared: dict[str, str | dict[str, str]] = {}  # noqa: RUF012  (read only)


def _variables(data: bytes) -> None:
    """A program can be given what comes of an env_file and of a secret."""
    env, _, secret = data.partition(b"\n--\n")
    around = _Around()
    around.directory = str(_here())
    (_here() / "env").write_bytes(env)
    (_here() / "secret").write_bytes(secret)
    for name, value in service_variables(_Spec(), around, {}, {}).items():
        assert b"\0" not in os.fsencode(name + value)
    read_small(str(_here() / "env"), 1 << 20)


TARGETS: Final = (
    Target(
        "plan-file", _plan, ("nsinit.runtime.headstart.planfile",), answers=(NoPlanError, OSError),
        words=(b"\x80", b"(", b"N", b"\xe9\0\0\0\0", b"r\0\0\0\0", b"s\xff\xff\xff\x7f", b"[", b"{0"),
        seeds=_plan_seeds,
    ),
    Target(
        "handover", _handover, ("nsinit.runtime.handover",),
        answers=(handover.BadHandoverError,), words=(b"\0i99", b"\0t\xed", b"\xc1", b"\x91" * 99),
        seeds=_handover_seeds,
    ),
    Target(
        "handover-parts", _handover_parts, ("nsinit.runtime.handover", "nsinit.model.types"),
        answers=(handover.BadHandoverError,), words=(b"\0i99", b"\0t\xed", b"\xc1", b"\x91" * 99),
        seeds=_handover_seeds,
    ),
    Target(
        "handover-file", _handover_file, ("nsinit.runtime.handover", "nsinit.kernel.memory"),
        answers=(handover.BadHandoverError,), seeds=_rows_seeds,
    ),
    Target(
        "handover-rows", _handover_rows, ("nsinit.runtime.handover",),
        answers=(handover.BadHandoverError,), seeds=_rows_seeds,
    ),
    Target(
        "core-state", _state, ("nsinit.core.state",), answers=(msgspec.MsgspecError, UnicodeDecodeError, RecursionError),
        seeds=lambda: [CoreState().encode(), CoreState(chains={"a": 1.0}, phase="up").encode()],
    ),
    Target(
        "remembered", _remembered, ("nsinit.runtime.recalled", "nsinit.core.recorder"),
        seeds=_remembered_seeds,
    ),
    Target(
        "flight-record", _record, ("nsinit.core.replay",), answers=(BadRecordError,),
        words=words_of('"type":"Exited" "run":1 "state":"running" "at":1e308 -1 null "begin" "end" "raised" {} []'),
        seeds=_record_seeds, most=32768,
    ),
    Target(
        "accounts", _accounts, ("nsinit.process.identity", "nsinit.process.smallfile"),
        answers=(SpawnError,),
        words=words_of("root:x:0:0::/: web:x:1000:1000:: www:x:33:web,root 4294967295 99999999999 ::"),
        seeds=lambda: [
            (b"root:x:0:0:root:/root:/bin/bash\nweb:x:1000:1000:,,,:/home/web:\n--\n"
            b"root:x:0:\nwww:x:33:web,root\n"),
        ],
        bound=2.0,
    ),
    Target("pid-file", _pid_file, ("nsinit.process.daemons",), seeds=lambda: [b"123\n"], most=64),
    Target(
        "variables", _variables, ("nsinit.process.variables", "nsinit.process.smallfile"),
        answers=(SpawnError,), words=words_of("A= ${X} ${S} \\ ' \" export # --"),
        seeds=lambda: [b"A=1\nB='${X}'\n--\nsecret\n"], most=8192,
    ),
)  # fmt: skip
