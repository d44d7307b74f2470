"""Everything that an init knows: put together for another, and taken over from another."""

from __future__ import annotations

import _socket
import os
from typing import TYPE_CHECKING

from msgspec import structs

from nsinit import __version__
from nsinit.kernel import creds, fds
from nsinit.runtime import flight
from nsinit.runtime import handover as h
from nsinit.runtime.directory import Listener

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.runtime.boot import Init


def collect(init: Init, *, whole: bool = True) -> h.Handover:
    """The state of an init, which goes on with it if need be.

    Without `whole`, parts that can't tell theirs are left out instead of raising.
    """
    kept: list[int] = []

    def keep(fd: int) -> int:
        if fd >= 0:
            kept.append(fd)
        return fd

    plan, core, queue = init.driver.export()
    loaded, counts = init.updater.export()
    made = h.Handover(
        version=__version__,
        pid=os.getpid(),
        birth=_birth(init, keep),
        loaded=loaded,
        counts=counts,
        plan=plan,
        core=core,
        queue=queue,
        runs=init.runs.export(keep),
        logs=init.logs.export(keep),
        outlets=[outlet.export() for outlet in dict.fromkeys(init.outlets)],
        history=_history(init),
        notify=init.notify.export(keep),
        listener=_listener(init.listener, keep),
        parts=_parts(init, keep, whole=whole),
        falls=init.falls,
        forced=not whole,
    )
    made.fds = sorted(set(kept))
    return made


def _history(init: Init) -> h.HistoryState:
    made = init.history.export()
    if init.driver.flight is None:
        return made
    return structs.replace(made, flight=init.driver.flight.recorder.export())


def _birth(init: Init, keep: h.Keep) -> h.Birth:
    given = init.given
    return h.Birth(
        env=dict(given.env),
        directory=given.directory,
        asked=given.asked,
        command=list(given.command),
        options=dict(given.options),
        soft_files=init.spawner.soft_files,
        started_at=init.started_at,
        init=given.loaded.config.init,
        dumpable=creds.is_dumpable(),
        passable=[keep(fd) for fd in sorted(given.passable)],
    )


def _listener(listener: Listener, keep: h.Keep) -> h.ListenerState:
    fd = h.NONE if listener.socket is None else keep(listener.socket.fileno())
    return h.ListenerState(fd, listener.path, list(listener.made))


def _parts(init: Init, keep: h.Keep, *, whole: bool) -> list[h.Part]:
    made: list[h.Part] = []
    for name, part in init.parts.items():
        try:
            data, needed = part.export()
        except Exception as error:
            if whole:
                raise
            init.say.error(f"the state of {name} is lost: {error!r}")
            continue
        made.append(h.Part(name, data, [keep(fd) for fd in needed]))
    for name, (data, needed) in init.waiting_parts.items():
        made.append(h.Part(name, data, [keep(fd) for fd in needed]))
    return made


def unpack_listener(state: h.ListenerState) -> Listener:
    """The control socket that is bound already."""
    made = None if state.fd < 0 else _socket.socket(fileno=state.fd)
    if made is not None:
        made.setblocking(False)
    return Listener(made, state.path, tuple(state.made), ())


def adopt(init: Init, state: h.Handover, rows: Iterable[list[h.Row]]) -> None:
    """Let a new init go on as the one that handed over."""
    fds.close_on_exec()
    init.falls = state.falls
    init.started_at = state.birth.started_at
    init.spawner.soft_files = state.birth.soft_files
    for outlet, one in zip(dict.fromkeys(init.outlets), state.outlets, strict=False):
        outlet.adopt(one, init.logs.outputs.tallies)
    init.history.adopt(state.history)
    flight.prepare(init, state.history.flight)
    init.updater.adopt(state.loaded, state.counts)
    init.notify.adopt(state.notify)
    init.console.width = state.logs.width
    init.logs.adopt(state.logs, rows, init.runs.watch_helper)
    init.runs.adopt(state.runs)
    init.driver.adopt(state.plan, state.core, state.queue)
    init.history.note("reexec", version=__version__, before=state.version, forced=state.forced)
    if state.version != __version__:
        init.say.info(f"nsinit {__version__} goes on where {state.version} was")
    else:
        init.say.info(f"nsinit {__version__} goes on after an exec of itself")
