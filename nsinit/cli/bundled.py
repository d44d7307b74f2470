"""What `nsinit run` does for a bundle besides: its terminal, its first descriptors, its hooks."""

from __future__ import annotations

import _socket
import os
from typing import TYPE_CHECKING

from msgspec import structs

from nsinit.capnames import NUMBERS, from_mask
from nsinit.cli.interactive import MAIN
from nsinit.cli.output import complain
from nsinit.errors import NsinitError, SandboxError, UsageError
from nsinit.kernel import creds
from nsinit.model.find import COMMAND_LINE
from nsinit.model.security import CapNames, CapWords
from nsinit.model.spec import Log
from nsinit.model.types import Sinks
from nsinit.runtime.stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.bundles.translate import Bundle
    from nsinit.cli.interactive import Terminal
    from nsinit.cli.launching import Wishes
    from nsinit.model.spec import Service
    from nsinit.runtime.boot import Given
    from nsinit.runtime.events import Happening
    from nsinit.sandbox.plan import SandboxPlan

_SETS = ("capabilities", "ambient", "inheritable")
_PTMX = b"/dev/ptmx"  # what runc calls a terminal that it sends


def fitted(given: Given, console_socket: str) -> Given:
    """The same with no more than there is here; what is left out is told. UsageError."""
    bundle = given.loaded.bundle
    sandbox = given.loaded.config.sandbox
    assert bundle is not None  # noqa: S101  (for the type checker)
    assert sandbox is not None  # noqa: S101  (the same)
    if console_socket and not bundle.terminal:
        message = "--console-socket: the process of the bundle has no terminal"
        raise UsageError(message, hint='"process": {"terminal": true, ...}')
    for problem in given.loaded.warnings:
        if problem.file.endswith("/config.json") or problem.file == "config.json":
            complain(f"warning: {problem}")
    if sandbox.namespaces.get("user") == "new":
        return given
    mine = creds.read_caps()
    have = from_mask(mine.permitted & mine.bounding)
    spec = given.loaded.config.services[MAIN]
    lacking = [cap for cap in spec.capabilities or () if NUMBERS.get(cap, 0) not in have]
    if not lacking:
        return given
    complain(f"warning: nobody here can give {', '.join(lacking)}: left out")
    changes = {key: [c for c in getattr(spec, key) or () if c not in lacking] for key in _SETS}
    return _with_main(
        given,
        capabilities=CapWords(changes["capabilities"]),
        ambient=CapNames(changes["ambient"]),
        inheritable=CapNames(changes["inheritable"]),
    )


def _with_main(given: Given, **changes: object) -> Given:
    """With another main service."""
    config = given.loaded.config
    spec: Service = structs.replace(config.services[MAIN], **changes)
    config = structs.replace(config, services={**config.services, MAIN: spec})
    return given._replace(loaded=structs.replace(given.loaded, config=config))


def make_ready(
    inside: Given, typed: Given, terminal: Terminal | None, plan: SandboxPlan, wishes: Wishes
) -> Callable[[], Given]:
    """What the launcher has to do before; returns what init calls when it has taken its steps."""
    bundle = inside.loaded.bundle
    assert bundle is not None  # noqa: S101  (for the type checker)
    console = plan.console
    if console is not None and wishes.console_socket:
        console.socket = _connect(wishes.console_socket)
        console.note = _PTMX
    elif console is not None and terminal is not None:
        console.socket = terminal.socket
    from nsinit.runtime.starting import run_start_hooks  # before there is another root

    hooks, state = bundle.hooks["startContainer"], bundle.state(plan.name)

    def ready() -> Given:
        if terminal is not None and console is not None:
            terminal.take(console.slave)
            made = typed
        else:
            slave = console.slave if console is not None and wishes.console_socket else -1
            made = _with_streams(inside, bundle, slave)
        made = made._replace(heard=_listeners(plan))
        try:
            run_start_hooks(made, MAIN, hooks, state)
        except NsinitError as error:
            os.write(2, f"nsinit: {error}\n".encode("utf-8", "backslashreplace"))
            os._exit(SandboxError.exit_code)
        return made

    return ready


def _with_streams(given: Given, bundle: Bundle, slave: int) -> Given:
    """The process has the terminal that was made for it, or the descriptors of the launcher.

    Unless there is nobody who would read its terminal: then init does. So it does for one about
    whose log the file says something.
    """
    if bundle.terminal and slave < 0:
        return _with_main(given, tty=True)
    if given.loaded.config.services[MAIN].log != Log():
        return given
    given = _with_main(given, log=Log(to=Sinks(("inherit",))))
    if given.loaded.files[0] == COMMAND_LINE:  # nothing but the process: it alone has the word
        config = given.loaded.config
        log = structs.replace(config.init.log, level="warning")
        config = structs.replace(config, init=structs.replace(config.init, log=log))
        given = given._replace(loaded=structs.replace(given.loaded, config=config))
    fds = (slave, slave, slave) if slave >= 0 else (0, 1, 2)
    return given._replace(stdio=Stdio(MAIN, fds, is_terminal=slave >= 0))


def _connect(path: str) -> _socket.socket:
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        made.connect(os.fsencode(path))
    except OSError as error:
        made.close()
        message = f"--console-socket: cannot connect to {path}: {error.strerror or error}"
        raise SandboxError(message, hint="a program has to listen there for the terminal") from None
    return made


def _listeners(plan: SandboxPlan) -> list[Callable[[Happening], None]]:
    """Tell the keeper of hooks, once, that the main service has run."""
    if plan.started is None:
        return []
    waiting = [plan.started]

    def heard(happening: Happening) -> None:
        if happening.service.name == MAIN and happening.service.state == "running" and waiting:
            waiting.pop()()

    return [heard]
