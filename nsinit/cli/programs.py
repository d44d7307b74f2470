"""What can stand behind `nsinit`: one row for each word, from which help and completion come.

A word that is not told apart in `nsinit.__main__` is a module of `nsinit.cli` with a `main`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from nsinit.cli.boxes import VERBS as BOXES


class Program(NamedTuple):
    """What is typed after `nsinit`, and what it does."""

    usage: str
    summary: str


_FIRST: Final = {
    "run": Program("run [FILE]", "start the services of FILE, as init or in a sandbox"),
    "ctl": Program("ctl VERB ...", "ask a running init: status, start, stop, logs, ..."),
}
# In the order of the help, and one in each line.
MODULES: Final = {
    "top": Program("top", "watch a running init on the whole screen"),
    "ns": Program("ns VERB ...", "namespaces: list, compare, supported, pin, unpin"),
    "net": Program("net VERB ...", "interfaces of a running sandbox: add, remove, show"),
    "image": Program("image VERB ...", "images for sandboxes: import, list, inspect, remove"),
    "check": Program("check [FILE]", "tell everything that is wrong with FILE"),
    "compile": Program("compile [FILE]", "write FILE.plan, by which it starts sooner"),
    "init": Program("init [DIR|FILE]", "write a commented nsinit.toml to begin with"),
    "convert": Program("convert PATH...", "what supervisord and others have, as nsinit.toml"),
    "schema": Program("schema", "what can be written in nsinit.toml, for editors"),
    "openapi": Program("openapi", "describe the control socket as an OpenAPI document"),
    "completion": Program("completion SHELL", "what bash, zsh or fish need to complete all this"),
    "help": Program("help [TOPIC]", "a verb, a key of nsinit.toml, or a manual page"),
}
PROGRAMS: Final = (*_FIRST, *BOXES, *MODULES)

# The help in groups: of each word its row, of some what is said besides.
_GROUPS: Final = {
    "start": ("run",),
    "a running init": ("ctl", "top"),
    "sandboxes": ("list", "ns", "net", "image"),
    "configuration": ("check", "compile", "init", "convert", "schema"),
    "more": ("openapi", "completion", "help"),
}
_BESIDES: Final = {
    "run": (
        Program("run [FILE] -- COMMAND", "the same, with COMMAND as the main service"),
        Program("-- COMMAND [ARG...]", "run one command under an init that reaps and forwards"),
    ),
    "list": (Program("VERB NAME", "inspect, enter, stop, kill, pause or unpause one of them"),),
    "help": (Program("--version", "the version"),),
}
_EXAMPLES: Final = """\
examples:
  nsinit run config/demo.toml
  nsinit ctl status
  docker run --entrypoint nsinit IMAGE -- python3 app.py
  ln -s "$(command -v nsinit)" /usr/local/bin/tini

`nsinit run --help`, `nsinit ctl --help` and `nsinit WORD --help` tell more; `nsinit help single` of
the options before `--`, which are those of tini and dumb-init."""


def help_text() -> str:
    """What `nsinit --help` prints: each word in its group."""
    lines = ["usage: nsinit WORD ..."]
    for title, words in _GROUPS.items():
        lines += ["", f"{title}:"]
        for word in words:
            lines += [_line(row) for row in (_row(word), *_BESIDES.get(word, ()))]
    return "\n".join([*lines, "", _EXAMPLES])


def _row(word: str) -> Program:
    if word in BOXES:
        return Program(word, BOXES[word].summary)
    return _FIRST.get(word) or MODULES[word]


def _line(row: Program) -> str:
    return f"  nsinit {row.usage:<22} {row.summary}"
