"""`nsinit check [FILE]`: tell everything that is wrong with a configuration, and start nothing."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.cli.output import as_one, paint, say
from nsinit.cli.words import split_words
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, ConfigError, UnknownNameError
from nsinit.model.find import load_asked
from nsinit.process.environment import given_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.model.images import ImageDefaults
    from nsinit.model.load import Loaded
    from nsinit.problem import Problem

VERB: Final = Verb(
    "check",
    "tell everything that is wrong with a configuration, with file and line, and start nothing",
    (
        Param(
            "file",
            "name",
            "$NSINIT_CONFIG, ./nsinit.toml or /etc/nsinit/nsinit.toml if none",
            default="",
        ),
        Param("json", "flag", "JSON instead of text"),
        Param("command", "words", "after --: counts as it does for nsinit run"),
    ),
    ("nsinit check", "nsinit check config/demo.toml", "nsinit check --json nsinit.toml"),
    "\n\nThe files that it includes are read too.\n\n"
    "exit codes: 0 it is right · 2 usage · 78 it is wrong",
)


def main(argv: Sequence[str]) -> int:
    """Check one file; returns the exit code."""
    return tell(lambda: _run(list(argv)))


def _run(argv: list[str]) -> int:
    env = given_environment()
    options, words = _split_options(argv)
    json = read("check", VERB, options)["json"]
    asked, command = split_words("check", words, env)
    return _in_json(asked, env, command) if json else _in_text(asked, env, command)


def _split_options(argv: list[str]) -> tuple[list[str], list[str]]:
    """The options before FILE or right after it, and the other words."""
    options: list[str] = []
    words: list[str] = []
    while argv:
        word = argv[0]
        if word in ("-h", "--help", "--json") or word.startswith(("--format=", "--color=")):
            options.append(argv.pop(0))
        elif word in ("--format", "--color"):
            options += argv[:2]
            del argv[:2]
        elif words or word.startswith("-"):
            break
        else:
            words.append(argv.pop(0))
    return options, words + argv


def _load(
    asked: str | None, env: Mapping[str, str], command: list[str]
) -> tuple[Loaded, list[Problem]]:
    """What is in it, and what looks odd; ConfigError tells what is wrong."""
    loaded = load_asked(asked, env, command, find_image=lambda name: _find_image(name, env))
    warnings = list(loaded.warnings)
    if loaded.config.has_groups:
        from nsinit.cgroups.needs import check

        warnings += check(loaded)
    return loaded, warnings


def _in_json(asked: str | None, env: Mapping[str, str], command: list[str]) -> int:
    """One object: whether it is right, and each problem with its place."""
    made: dict[str, Any] = {"ok": True, "files": [], "services": [], "errors": [], "warnings": []}
    code = EXIT_OK
    try:
        loaded, warnings = _load(asked, env, command)
    except ConfigError as error:
        made |= {"ok": False, "errors": [_row(problem) for problem in error.problems]}
        code = error.exit_code
    else:
        made |= {
            "files": loaded.files,
            "services": list(loaded.plan.services),
            "sandbox": loaded.config.sandbox is not None,
            "warnings": [_row(problem) for problem in warnings],
        }
    say(as_one(made))
    return code


def _row(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line or None,
        "key": problem.path or None,
        "message": problem.message,
        "hint": problem.hint or None,
        "excerpt": problem.excerpt or None,
    }


def _in_text(asked: str | None, env: Mapping[str, str], command: list[str]) -> int:
    loaded, warnings = _load(asked, env, command)
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
        say(f"{error.message} here: see nsinit image import --help", sys.stderr)
        return ImageDefaults(command=("?",))
