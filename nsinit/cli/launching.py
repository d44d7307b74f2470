"""Make the sandbox that `nsinit run` was asked for, enter it in the list, and wait for its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from nsinit.cli.output import complain
from nsinit.errors import EXIT_OK

if TYPE_CHECKING:
    from nsinit.model.load import Loaded
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Born
    from nsinit.runtime.boot import Given
    from nsinit.sandbox.state import Registration

_HIDDEN = "NSINIT_RUN_DIR"  # a directory of the host: an init inside of the sandbox has its own


class Gate(NamedTuple):
    """Init waits at it until the launcher has told everybody that there is a sandbox."""

    reader: int
    writer: int

    def open(self) -> None:
        """Let init go on; in the launcher."""
        os.close(self.reader)
        os.close(self.writer)

    def wait(self) -> None:
        """Wait for that, or for the end of the launcher; in init."""
        os.close(self.writer)
        os.read(self.reader, 1)
        os.close(self.reader)


def print_plan(given: Given, sandbox: Sandbox) -> int:
    """Tell what would be done, step by step, and do nothing."""
    from nsinit.sandbox.plan import make_plan, read_facts

    name = sandbox.name or default_name(given.loaded)
    services = given.loaded.config.services.values()
    print(*make_plan(sandbox, name, read_facts(), services).describe(), sep="\n")
    return EXIT_OK


def run_sandbox(given: Given, sandbox: Sandbox) -> int:
    """Be the launcher of a new sandbox; the exit code of its init."""
    from nsinit.runtime.boot import be_init
    from nsinit.runtime.directory import bind_control, remove
    from nsinit.sandbox.launch import launch
    from nsinit.sandbox.plan import make_plan, read_facts

    entry = _register(given, sandbox)
    try:
        services = given.loaded.config.services.values()
        plan = make_plan(sandbox, entry.record.name, read_facts(), services)
        control = given.loaded.config.init.control
        listener = bind_control(
            control.path or entry.control, entry.record.name, control.mode, given.env
        )
        try:
            env = {name: value for name, value in given.env.items() if name != _HIDDEN}
            notes = (*entry.notes, *listener.notes)
            inside = given._replace(listener=listener._replace(notes=notes), env=env)
            if sandbox.has_own_root:
                inside = _in_own_root(inside)
            gate = Gate(*os.pipe())

            def main() -> int:
                gate.wait()
                return be_init(inside)

            def born(init: Born) -> None:
                _tell(entry, init.pid, listener.path)
                gate.open()

            return launch(plan, main, born)
        finally:
            remove(listener)
    finally:
        entry.close()


def _in_own_root(given: Given) -> Given:
    """What holds for an init that sees neither its files nor its socket."""
    from nsinit.errors import ConfigError, Problem

    def load() -> Loaded:
        why = "cannot be read again: the sandbox has a root of its own; stop it, and run it anew"
        raise ConfigError([Problem(given.loaded.files[0], 0, "", why)])

    env = {name: value for name, value in given.env.items() if name != "NSINIT_SOCKET"}
    return given._replace(directory="/", env=env, load=load, own_root=True)


def _register(given: Given, sandbox: Sandbox) -> Registration:
    """Under the name that was chosen, or under that of the file or one like it."""
    from nsinit.sandbox import state
    from nsinit.sandbox.record import Record

    loaded = given.loaded
    record = Record(
        sandbox.name or default_name(loaded),
        config=os.path.abspath(loaded.files[0]),
        command=given.command,
    )
    if sandbox.name:
        return state.register(record, given.env)
    return state.register_somehow(record, given.env)


def default_name(loaded: Loaded) -> str:
    """The name of the file, which is what a sandbox without a name is called."""
    stem = os.path.basename(loaded.files[0]).removesuffix(".toml")
    name = "".join(char if char.isalnum() or char in "_-" else "-" for char in stem)
    return name.strip("-_") or "sandbox"


def _tell(entry: Registration, pid: int, control: str) -> None:
    """Enter what is known now that there is an init."""
    from nsinit.sandbox import record

    note = entry.update(
        pid=pid,
        started=record.start_time(pid),
        control=control,
        namespaces=record.namespaces_of(pid),
    )
    if note and not entry.notes:
        complain(note)
