"""`nsinit run`, started by an init that it is to replace: in its place, or to be asked first.

The state is in a descriptor that a variable names, which nobody else gets to see.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from msgspec import structs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from nsinit.model.load import Loaded
    from nsinit.runtime.boot import Given, Init
    from nsinit.runtime.handover import Handover, Row

# The parts that this version knows, by name: the module whose `check_part` reads the state of one.
_PARTS: Final = {
    "control": "nsinit.control.carry",
    "groups": "nsinit.runtime.grouped",
    "intake": "nsinit.runtime.doors",
    "passing": "nsinit.runtime.passed",
    "port": "nsinit.runtime.port",
    "schedules": "nsinit.runtime.planned",
}


def resume(env: dict[str, str], serve: Callable[[Init, asyncio.AbstractEventLoop], object]) -> int:
    """Be init from here on, or tell by the exit code whether that could be."""
    from nsinit.runtime.handover import BadHandoverError, read
    from nsinit.runtime.reexec import CHECK, STATE

    asked = env.pop(CHECK, None)
    if asked is not None:
        try:
            _check(int(asked))
        except (BadHandoverError, ValueError) as error:
            print(f"nsinit: {error}", file=sys.stderr)
            return 1
        return 0
    fd = int(env.pop(STATE))
    try:
        return _be_init([read(fd)], fd, serve)
    except BadHandoverError as error:
        raise RuntimeError(f"cannot take over from the init before: {error}") from error


def _check(fd: int) -> None:
    """Read everything, and load what an init needs."""
    import importlib

    from nsinit.runtime import boot  # noqa: F401  (it has to be possible)
    from nsinit.runtime.handover import BadHandoverError, read

    for name in ("nsinit.control.server", "nsinit.runtime.luggage"):
        importlib.import_module(name)
    state, rows = read(fd)
    for _ in rows:
        continue
    for part in state.parts:
        if part.name not in _PARTS:
            raise BadHandoverError(f"this nsinit knows nothing of {part.name!r}")
        importlib.import_module(_PARTS[part.name]).check_part(part.data)


def _be_init(
    box: list[tuple[Handover, Iterator[list[Row]]]],
    fd: int,
    serve: Callable[[Init, asyncio.AbstractEventLoop], object],
) -> int:
    from nsinit.kernel.creds import set_dumpable
    from nsinit.runtime.boot import be_init

    def take_over(init: Init) -> None:
        from nsinit.runtime.luggage import adopt

        adopt(init, *box.pop())  # nobody holds it any longer than needed
        os.close(fd)

    if not box[0][0].birth.dumpable:
        set_dumpable(dumpable=False)  # which an exec takes back
    return be_init(_given(box[0][0], serve)._replace(resume=take_over))


def _given(state: Handover, serve: Callable[[Init, asyncio.AbstractEventLoop], object]) -> Given:
    from nsinit.model.find import load_asked
    from nsinit.runtime.boot import Given
    from nsinit.runtime.luggage import unpack_listener

    birth = state.birth

    def load() -> Loaded:
        return load_asked(
            birth.asked, birth.env, birth.command, options=birth.options, patient=False
        )

    config = structs.replace(state.loaded.config, init=birth.init)
    return Given(
        structs.replace(state.loaded, config=config),
        load,
        birth.env,
        birth.directory,
        unpack_listener(state.listener),
        serve,
        birth.asked,
        tuple(birth.command),
        birth.options,
        parts={part.name: (part.data, part.fds) for part in state.parts},
        passable=frozenset(birth.passable),
    )
