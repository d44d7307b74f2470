"""`nsinit check [FILE]`: tell everything that is wrong with a configuration, and start nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.cli.output import complain, paint, say
from nsinit.cli.words import split_words
from nsinit.errors import EXIT_OK, EXIT_USAGE, NsinitError, UnknownNameError, UsageError
from nsinit.model.find import load_asked
from nsinit.process.environment import given_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.model.images import ImageDefaults

_HELP = """\
usage: nsinit check [FILE] [-- COMMAND [ARG...]]

Reads FILE (or $NSINIT_CONFIG, ./nsinit.toml, /etc/nsinit/nsinit.toml) and the files that it
includes, and tells everything that is wrong, with file and line. Nothing is started. A COMMAND
counts as it does for `nsinit run`.

examples:
  nsinit check
  nsinit check config/demo.toml

exit codes: 0 it is right · 78 it is wrong"""


def main(argv: Sequence[str]) -> int:
    """Check one file; returns the exit code."""
    env = given_environment()
    try:
        asked, command = split_words("check", argv, env)
    except UsageError:
        say(_HELP)
        return EXIT_OK if argv[0] in ("-h", "--help") else EXIT_USAGE
    try:
        loaded = load_asked(asked, env, command, find_image=lambda name: _find_image(name, env))
        warnings = list(loaded.warnings)
        if loaded.config.has_groups:
            from nsinit.cgroups.needs import check

            warnings += check(loaded)
    except NsinitError as error:
        complain(error)
        return error.exit_code
    for problem in warnings:
        say(f"{paint('warning:', 'yellow')} {problem}")
    count = len(loaded.plan.services)
    where = "in a sandbox" if loaded.config.sandbox else "where it is started"
    say(
        f"{os.path.normpath(loaded.files[0])} is right: {count} service{'s' * (count != 1)} {where}"
    )
    return EXIT_OK


def _find_image(name: str, env: Mapping[str, str]) -> ImageDefaults:
    """What the image says; a file can be right where its image is not."""
    from nsinit.images.use import Finder
    from nsinit.model.images import ImageDefaults

    try:
        return Finder(env)(name)
    except UnknownNameError as error:
        say(f"{error.message} here: see nsinit image import --help")
        return ImageDefaults(command=("?",))
