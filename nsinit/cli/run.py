"""`nsinit run [FILE]`: be init here, or make a sandbox and be its init."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nsinit import errors
from nsinit.errors import NsinitError
from nsinit.process.environment import given_environment

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from nsinit.model.images import ImageDefaults
    from nsinit.model.load import Loaded
    from nsinit.runtime.boot import Init

_HELP = """\
usage: nsinit run [OPTIONS] [FILE] [-- COMMAND [ARG...]]

Starts the services of FILE (or $NSINIT_CONFIG, ./nsinit.toml, /etc/nsinit/nsinit.toml) and stays
until they have ended. Without a [sandbox] table it is init where it is: PID 1 of a container, or a
child subreaper. With one, or with options for it, it makes the namespaces first and is PID 1 in
them.

A COMMAND becomes the main service beside them, called "main"; then there need not be a file. A
[services.main] without a command says how to run it. The `--` may be left out after a FILE that
ends in .toml, and when the first word is a program: ENTRYPOINT ["nsinit", "run"] with a CMD.

With an image (see nsinit image --help) its own command is the main service, unless there are
others; a COMMAND stands for its Cmd, behind its Entrypoint.

examples:
  nsinit run
  nsinit run config/demo.toml
  nsinit run nsinit.toml -- python3 app.py
  nsinit run --namespaces pid,mount,net --hostname box -- sh
  nsinit run --detach --name shop shop.toml
  nsinit run --image shop:1
  nsinit run --image shop:1 -- sh
  nsinit run --bundle DIR
  docker run -v ./nsinit.toml:/etc/nsinit/nsinit.toml IMAGE nsinit run

signals: TERM, INT stop everything in order, once more at once · QUIT at once · USR2 tell the state
exit codes: that of the main service · 0 · 78 configuration · 125 the sandbox can't be made
Meanwhile `nsinit ctl status` tells how it goes.

{options}

A list may be given by an option for each item, or as TOML: --mounts '[{{...}}]'; a table as
KEY=VALUE,... or as TOML. Options count instead of the keys of the file."""


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

        from nsinit.cli.run_help import help_text

        with suppress(BrokenPipeError):  # `nsinit run --help | head`: nobody reads the rest
            print(_HELP.format(options=help_text()), flush=True)
        return errors.EXIT_OK
    env = given_environment()
    if "NSINIT_REEXEC" in env or "NSINIT_REEXEC_CHECK" in env:
        from nsinit.cli.resume import resume

        return resume(env, _serve)
    return _run_words(argv, env)


def _run_words(argv: list[str], env: dict[str, str]) -> int:
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
    if loaded.config.sandbox is not None and loaded.config.sandbox.image is not None:
        from nsinit.images.use import Finder

        loaded, image = Finder(env).applied(loaded)
    given = Given(loaded, load, env, _here(), None, _serve, file, command, options)
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
    from nsinit.control.server import serve  # h11 and more, after the first services run

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
