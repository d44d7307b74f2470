"""`nsinit run [FILE]`: be init here, or make a sandbox and be its init."""

from __future__ import annotations

import os
import sys

from nsinit import errors
from nsinit.errors import NsinitError
from nsinit.process.environment import given_environment
from nsinit.runtime.headstart.planfile import ENDING, NoPlanError, find

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from nsinit.model.images import ImageDefaults
    from nsinit.model.load import Loaded
    from nsinit.runtime.boot import Init
    from nsinit.runtime.headstart.begin import Beginning


def main(argv: Sequence[str]) -> int:
    """Run until everything has ended; does not return but to tell an error in the usage."""
    code = errors.EXIT_INTERNAL
    try:
        code = _run(list(argv))
    except NsinitError as error:
        from nsinit.cli.output import complain

        complain(error)
        code = error.exit_code
    except Exception as error:  # noqa: BLE001  (PID 1 ends with a word, not with a traceback)
        from nsinit.cli.output import complain

        complain(f"internal error: {error!r}")
    finally:
        _flush()
        os._exit(code)


def _run(argv: list[str]) -> int:
    if argv and argv[0] in ("-h", "--help"):
        from contextlib import suppress

        from nsinit.cli.run_help import SHORT, flags_text

        with suppress(BrokenPipeError):  # `nsinit run --help | head`: nobody reads the rest
            print(SHORT.format(flags=flags_text()), flush=True)
        return errors.EXIT_OK
    env = given_environment()
    if "NSINIT_REEXEC" in env or "NSINIT_REEXEC_CHECK" in env:
        _load_libraries()
        from nsinit.cli.resume import resume

        return resume(env, _serve)
    begun = None
    if (path := find(argv, env)) is not None:
        begun = _head_start(path, env)
    try:
        _load_libraries()
        return _run_words(argv, env, begun)
    except BaseException:
        if begun is not None:
            begun.abandon()
        raise


def _load_libraries() -> None:
    from nsinit import slim

    slim.load_msgspec()


def _head_start(path: str, env: dict[str, str]) -> Beginning | None:
    """Start what `nsinit compile` has foreseen, before the rest of init is loaded."""
    from nsinit.runtime.headstart.begin import begin

    try:
        return begin(path, env)
    except NoPlanError as error:
        from nsinit.cli.output import complain

        complain(f"warning: {path}{ENDING} does not count: {error} (nsinit compile {path})")
        return None


def full_help() -> str:
    """All there is to say of it: `nsinit help run`."""
    from nsinit.cli.run_help import FULL, help_text

    return FULL.format(options=help_text())


def _run_words(argv: list[str], env: dict[str, str], begun: Beginning | None) -> int:
    from nsinit.cli.words import has_options, split_words
    from nsinit.model.find import load_asked
    from nsinit.runtime.boot import Given, be_init

    asked, more = None, {}
    if has_options(argv):
        from nsinit.cli.run_options import parse

        asked = parse(argv, env)
        file, command, options = asked.file, asked.command, asked.sandbox
        if asked.preserved:
            more = {"pass_fds": list(asked.preserved)}
    else:
        file, words = split_words("run", argv, env)
        command, options = tuple(words), {}

    def find_image(name: str) -> ImageDefaults:
        from nsinit.images.use import Finder

        return Finder(env)(name)

    def load(*, patient: bool = False) -> Loaded:
        return load_asked(
            file,
            env,
            command,
            options=options,
            main=more,
            find_image=find_image,
            patient=patient,
        )

    loaded, image = load(patient=True), None
    if begun is not None and not begun.is_of(source.text for source in loaded.sources):
        begun.abandon()  # the files have changed since they were compared
        begun = None
    if loaded.config.sandbox is not None and loaded.config.sandbox.image is not None:
        from nsinit.images.use import Finder

        loaded, image = Finder(env).applied(loaded)
    listener = begun.listener if begun is not None else None
    given = Given(loaded, load, env, _here(), listener, _serve, file, command, options, begun=begun)
    if wanted := {fd for spec in loaded.config.services.values() for fd in spec.pass_fds}:
        from nsinit.kernel.fds import inherited

        given = given._replace(passable=frozenset(wanted & inherited()))
    if loaded.config.has_groups:
        from nsinit.cgroups.needs import check
        from nsinit.cli.output import complain

        for problem in check(loaded):
            complain(f"warning: {problem}")
    if loaded.config.sandbox is not None or asked is not None:
        from nsinit.cli.launching import run_as_asked

        return run_as_asked(given, asked, image)
    return be_init(given)


def _serve(init: Init, loop: asyncio.AbstractEventLoop) -> object:
    from nsinit import slim

    slim.load_h11()
    from nsinit.control.server import serve  # and more, after the first services run

    return serve(init, loop)


def _here() -> str:
    """The directory that we were started in; / if it is gone or hidden from us."""
    try:
        here = os.getcwd()
    except OSError:
        return "/"
    return here if here.startswith("/") else "/"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
