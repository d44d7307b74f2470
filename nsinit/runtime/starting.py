"""The startContainer hooks of a bundle: the last thing before its process, and confined as it is.

They are run by init before it is one: it has nothing else to do yet. Loaded before the change of
root, like all of init.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from nsinit.errors import SandboxError, SpawnError
from nsinit.isolation.service import enclose
from nsinit.process.hooks import Output, await_end, stdin_of
from nsinit.process.program import Surroundings, prepare
from nsinit.process.spawner import Spawner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.bundles.hooks import Hook, State
    from nsinit.model.sandboxes import Sandbox
    from nsinit.model.spec import Service
    from nsinit.process.steps import Enclosure
    from nsinit.runtime.boot import Given


def run_start_hooks(given: Given, service: str, hooks: Sequence[Hook], state: State) -> None:
    """Run all in order; SandboxError says which of them failed, and how."""
    config = given.loaded.config
    spec = structs.replace(config.services[service], tty=None, pass_fds=[])
    around = Surroundings(
        given.directory,
        dict(given.env),
        config.init.environment,
        partial(_enclose, config.sandbox, given.directory),
    )
    for hook in hooks:
        try:
            why = _run(hook, spec, around, state.encode("created", os.getpid()))
        except SpawnError as error:
            why = error.message
        except OSError as error:
            why = str(error.strerror or error)
        if why:
            raise SandboxError(f"cannot run {hook.name}: {why}")


def _enclose(
    sandbox: Sandbox | None, directory: str, spec: Service, own: Mapping[str, str], beside: int
) -> Enclosure | None:
    return enclose(spec, sandbox, directory, own, beside)


def _run(hook: Hook, spec: Service, around: Surroundings, state: bytes) -> str:
    """Why it failed, or nothing. Its argv[0] is its path."""
    program = prepare(structs.replace(spec, command=(hook.path, *hook.args[1:])), around, {})
    source = stdin_of(state)
    with Output() as output:
        try:
            env = program.env if hook.env is None else dict(hook.env)
            fds = {0: source, 1: output.fd, 2: output.fd}
            child = Spawner().spawn(structs.replace(program, env=env, fds=fds))
            why = await_end(child.pid, hook.timeout)
            failed = child.outcome()
        finally:
            os.close(source)
    if child.report is not None:
        os.close(child.report)
    return failed.message if failed is not None else why
