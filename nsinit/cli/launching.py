"""Make the sandbox that `nsinit run` was asked for, enter it in the list, and wait for its end."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from nsinit.cli.output import as_json, complain
from nsinit.errors import EXIT_OK, SandboxError, UsageError
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.cli.interactive import Terminal
    from nsinit.cli.run_options import Asked
    from nsinit.images.use import Chosen
    from nsinit.model.load import Loaded
    from nsinit.model.sandboxes import Sandbox
    from nsinit.process.steps import Born
    from nsinit.runtime.boot import Given
    from nsinit.sandbox.plan import SandboxPlan
    from nsinit.sandbox.record import Record
    from nsinit.sandbox.state import Registration

# A directory of the host (an init inside of the sandbox has its own), and a note to ourselves.
_HIDDEN = ("NSINIT_RUN_DIR", "NSINIT_IMAGE_DIR", "NSINIT_SEALED")
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


class Wishes(Named):
    """Who wants to know what of a sandbox, besides the list."""

    pid_file: str = ""
    info_fd: int = -1
    block_fd: int = -1
    console_socket: str = ""  # for the terminal of a bundle's process
    born: Callable[[Registration], object] = lambda _: None  # it stands; no service runs yet
    watched: Mapping[int, Callable[[], object]] = {}  # descriptors that the launcher looks after
    image: Chosen | None = None  # whose layers are the root


class Gate(Named):
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


def run_as_asked(given: Given, asked: Asked | None, image: Chosen | None = None) -> int:
    """Make a sandbox, or say how; or be init here, if neither file nor options want one."""
    if asked and asked.console_socket and given.loaded.bundle is None:
        message = "--console-socket is for the terminal of a bundle's process"
        raise UsageError(message, hint="nsinit run --bundle DIR")
    if given.loaded.bundle is not None:
        from nsinit.cli.bundled import fitted

        given = fitted(given, asked.console_socket if asked else "")
    sandbox = given.loaded.config.sandbox
    if sandbox is not None and not (asked and asked.dry):
        told = (asked.info_fd, asked.block_fd) if asked else ()
        _be_alone(sandbox, {*told, *given.passable})
    if asked is None and sandbox is not None:
        return run_sandbox(given, sandbox, Wishes(image=image))
    assert asked is not None  # noqa: S101  (else there is a sandbox)
    if sandbox is None and not asked.dry:
        message = "cannot be in the background, nor tell of a sandbox: there is none"
        hint = "write a [sandbox] table, or give one of its keys as an option, such as --name"
        raise UsageError(message, hint=hint)
    if sandbox is None:
        print("be init here: there is no [sandbox]")
        return EXIT_OK
    if asked.dry:
        return print_plan(given, sandbox)
    wishes = Wishes(
        asked.pid_file, asked.info_fd, asked.block_fd, asked.console_socket, image=image
    )
    if asked.detach:
        from nsinit.cli.detach import detach

        return detach(lambda more: run_sandbox(given, sandbox, more), wishes, quiet=asked.quiet)
    return run_sandbox(given, sandbox, wishes)


def _be_alone(sandbox: Sandbox, keep: set[int]) -> None:
    """Hold nothing of who started us by which somebody inside could get out, or they be held up."""
    from nsinit.kernel.fds import close_inherited

    close_inherited(keep)
    if sandbox.sealed:
        from nsinit.sandbox.seal import run_sealed

        run_sealed()


def print_plan(given: Given, sandbox: Sandbox) -> int:
    """Tell what would be done, step by step, and do nothing."""
    from nsinit.sandbox.plan import make_plan, read_facts

    name = sandbox.name or default_name(given.loaded, given.command, sandbox.image)
    services = given.loaded.config.services.values()
    plan = make_plan(sandbox, name, read_facts(), services, given.loaded.bundle)
    with suppress(BrokenPipeError):
        print(*plan.describe(), sep="\n", flush=True)
    return EXIT_OK


def run_sandbox(given: Given, sandbox: Sandbox, wishes: Wishes) -> int:
    """Be the launcher of a new sandbox; the exit code of its init."""
    entry = _register(given, sandbox)
    held = -1
    try:
        held = wishes.image.hold() if wishes.image is not None else -1
        return _run_registered(given, sandbox, wishes, entry, held)
    finally:
        if held >= 0:
            os.close(held)
        entry.close()


def _run_registered(
    given: Given, sandbox: Sandbox, wishes: Wishes, entry: Registration, held: int
) -> int:
    """Make its plan and its socket, and carry out the plan; `held` is the lock of its image."""
    from nsinit.runtime.boot import be_init
    from nsinit.runtime.directory import bind_control, remove
    from nsinit.sandbox.launch import launch
    from nsinit.sandbox.plan import make_plan, read_facts

    services, bundle = given.loaded.config.services.values(), given.loaded.bundle
    plan = make_plan(sandbox, entry.record.name, read_facts(entry), services, bundle)
    control = given.loaded.config.init.control
    listener = bind_control(
        control.path or entry.control, entry.record.name, control.mode, given.env
    )
    try:
        known = entry.notes
        listener.notes = (*known, *listener.notes)
        env = _environment(given, wishes.image)
        inside = given._replace(listener=listener, env=env, later=plan.later)
        if plan.group is not None:
            plan.group.record = entry.clean_up_groups
        if sandbox.has_own_root:
            inside = _in_own_root(inside)
        _keep_place(entry, inside, listener.path)
        gate = Gate(*os.pipe())
        terminal, typed = _terminal_of(inside, wishes)
        ready = _ready_for(inside, typed, terminal, plan, wishes)

        def main() -> int:
            gate.wait()
            if held >= 0:
                os.close(held)  # the launcher's is enough
            init = ready()
            if plan.group is not None:
                init = init._replace(group=plan.group.group)
            asked_to_end = _wait_for(wishes.block_fd)
            return 128 + asked_to_end if asked_to_end else be_init(init)

        def born(init: Born) -> None:
            _tell(entry, init.pid, listener.path, wishes)
            for note in entry.notes[len(known) :]:  # of what was made since
                complain(note)
            gate.open()
            if plan.console is not None and plan.console.socket is not None:
                plan.console.socket.close()  # who got the terminal hears that nothing follows
            if terminal is not None:
                terminal.begin()

        try:
            watched = wishes.watched if terminal is None else terminal.watched
            return launch(plan, main, born, watched)
        finally:
            if terminal is not None:
                terminal.end()
    finally:
        remove(listener)


def _environment(given: Given, image: Chosen | None) -> Mapping[str, str]:
    """What services begin with: what nsinit was started with, or what their image says."""
    if image is not None:
        return image.environment(given.env)
    return {name: value for name, value in given.env.items() if name not in _HIDDEN}


def _ready_for(
    inside: Given, typed: Given, terminal: Terminal | None, plan: SandboxPlan, wishes: Wishes
) -> Callable[[], Given]:
    """What makes the init that there is to be; to be called in its process."""
    if inside.loaded.bundle is not None:
        from nsinit.cli.bundled import make_ready

        return make_ready(inside, typed, terminal, plan, wishes)
    return lambda: typed if terminal is not None and terminal.make() else inside


def _terminal_of(given: Given, wishes: Wishes) -> tuple[Terminal | None, Given]:
    """A terminal for a command that somebody typed on one, and the init that gives it that."""
    wanted = given.command or given.loaded.bundle
    if wishes.watched or wishes.console_socket or not (wanted and os.isatty(0)):
        return None, given
    from nsinit.cli import interactive

    if not interactive.is_wanted(given):
        return None, given
    return interactive.Terminal(), interactive.on_terminal(given)


def _in_own_root(given: Given) -> Given:
    """What holds for an init that sees neither its files nor its socket."""
    from nsinit.errors import ConfigError
    from nsinit.problem import Problem

    def load() -> Loaded:
        why = "cannot be read again: the sandbox has a root of its own; stop it, and run it anew"
        raise ConfigError([Problem(given.loaded.files[0], 0, "", why)])

    env = {name: value for name, value in given.env.items() if name != "NSINIT_SOCKET"}
    return given._replace(directory="/", env=env, load=load, own_root=True)


def _keep_place(entry: Registration, inside: Given, control: str) -> None:
    """Write down what a command gets inside, for `nsinit enter` where init does not answer."""
    from nsinit.model.security import Security
    from nsinit.sandbox import place

    sandbox = inside.loaded.config.sandbox
    if not entry.directory or sandbox is None:
        return
    named = "" if inside.own_root else control
    made = place.Place(
        directory=inside.directory,
        env=dict(inside.env),
        shared=inside.loaded.config.init.environment,
        own={"NSINIT_SOCKET": named} if named else {},
        security=Security(**{one: getattr(sandbox, one) for one in Security.__struct_fields__}),
    )
    try:
        place.keep(entry.directory, made)
    except OSError as error:
        complain(f"cannot write what commands get inside to {entry.directory}: {error.strerror}")


def _register(given: Given, sandbox: Sandbox) -> Registration:
    """Under the name that was chosen, or under that of the file or image, or one like it."""
    from nsinit.model.find import COMMAND_LINE
    from nsinit.sandbox import state
    from nsinit.sandbox.record import Record

    file = given.loaded.files[0]
    record = Record(
        sandbox.name or default_name(given.loaded, given.command, sandbox.image),
        config="" if file == COMMAND_LINE else os.path.abspath(file),
        command=given.command,
    )
    if sandbox.name:
        return state.register(record, given.env)
    return state.register_somehow(record, given.env)


def default_name(loaded: Loaded, command: tuple[str, ...] = (), image: str | None = None) -> str:
    """What a sandbox without a name is called: as its file; without one as its image or command."""
    from nsinit.model.find import COMMAND_LINE

    file = loaded.files[0]
    if file == COMMAND_LINE and loaded.bundle is not None:
        file = loaded.bundle.directory
    named = (image or "").rpartition("/")[2].partition(":")[0]
    without = named or (command[0] if command else file)
    stem = os.path.basename(without if file == COMMAND_LINE else file)
    stem = stem.removesuffix(".toml")
    name = "".join(c if (c.isascii() and c.isalnum()) or c in "_-" else "-" for c in stem)
    return name.strip("-_")[:60] or "sandbox"


def _tell(entry: Registration, pid: int, control: str, wishes: Wishes) -> None:
    """Let everybody know that there is an init now. SandboxError if one who asked can't be told."""
    from nsinit.process.alive import start_time
    from nsinit.sandbox import record

    if wishes.pid_file:
        entry.clean_up_later("pid-file", wishes.pid_file)
    note = entry.update(
        pid=pid,
        started=start_time(pid),
        control=control,
        namespaces=record.namespaces_of(pid),
    )
    if note and not entry.notes:
        complain(note)
    if wishes.pid_file:
        try:
            record.write(wishes.pid_file, b"%d\n" % pid)
        except OSError as error:
            message = f"cannot write the pid file {wishes.pid_file}: {error.strerror}"
            raise SandboxError(message) from None
    if wishes.info_fd >= 0:
        _write_info(wishes.info_fd, entry.record)
    wishes.born(entry)


def _write_info(fd: int, record: Record) -> None:
    """As bubblewrap has it ("child-pid", "net-namespace"), with the name and the socket."""
    told: dict[str, object] = {"child-pid": record.pid}
    told |= {f"{kind}-namespace": inode for kind, inode in record.namespaces.items()}
    told |= {"name": record.name, "control": record.control}
    data = as_json(told).encode() + b"\n"
    try:
        while data:
            data = data[os.write(fd, data) :]
        os.close(fd)
    except OSError as error:
        raise SandboxError(f"--info-fd: cannot write to {fd}: {error.strerror}") from None


def _wait_for(fd: int) -> int:
    """Until a descriptor can be read or is closed; the signal that ended the wait before, or 0.

    Signals are blocked, so one that means the end stays pending, and is looked for.
    """
    if fd < 0:
        return 0
    from nsinit.kernel import libc

    ending = libc.signalfd(sum(1 << (number - 1) for number in _ENDING))
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.register(ending, select.POLLIN)
    ready = {at for at, _ in poll.poll()}
    os.close(ending)
    if fd in ready:
        with suppress(OSError):
            os.close(fd)
        return 0
    return next((number for number in _ENDING if number in signal.sigpending()), 0)
