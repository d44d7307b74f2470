"""The help of one verb. Made by argparse, which is not worth its loading for anything else."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nsinit.cli.parsing import metavar

if TYPE_CHECKING:
    from nsinit.cli.parsing import Parser
    from nsinit.control.row import Param


def help_of(verb: Parser) -> str:
    """What `nsinit VERB --help` shows."""
    made = argparse.ArgumentParser(
        prog=f"nsinit {verb.verb}",
        description=verb.summary[0].upper() + verb.summary[1:] + ".",
        epilog="\n".join(["examples:", *(f"  {line}" for line in verb.examples)]) + verb.more,
        # Told its width, it need not find out the terminal's, and all have the same.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=96),
        add_help=False,
    )
    made.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    for param in (*verb.places, *verb.options):
        _add(made, param)
    return made.format_help()


def _add(made: argparse.ArgumentParser, param: Param) -> None:
    if param.kind in ("names", "words"):
        many = "+" if param.required else "*"
        made.add_argument(param.name, nargs=many, metavar=metavar(param), help=param.help)
    elif param.positional:
        nargs = None if param.default is None else "?"  # with a default it may be left out
        made.add_argument(param.name, nargs=nargs, metavar=metavar(param), help=param.help)
    else:
        flags = [f"-{param.short}"] if param.short else []
        flags.append(param.flag)
        if param.kind == "flag":
            made.add_argument(*flags, dest=param.name, action="store_true", help=param.help)
            return
        told = param.help
        if param.kind == "seconds" and isinstance(param.default, float) and param.default:
            told += f" (default {param.default:g})"
        made.add_argument(*flags, dest=param.name, metavar=metavar(param), help=told)
