"""The variables of a service: systemd.exec(5), "ENVIRONMENT". Pure but for the files it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nsinit.convert.document import Template
from nsinit.model.envfile import BadLineError, parse

if TYPE_CHECKING:
    from nsinit.convert.document import Value
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def environment(draft: Draft) -> None:
    """Variables: nothing of what nsinit itself was given, as under systemd."""
    draft.table.set("inherit_env", value=False)
    variables: dict[str, Value] = {}
    for word, entry in draft.words("Environment"):
        name, equals, value = word.partition("=")
        if equals and _NAME.fullmatch(name):
            variables[name] = value
        else:
            draft.cannot(entry, f"{word!r} is no variable")
    _inherited(draft, variables)
    files: list[str] = []
    given: dict[str, str] = {}
    for entry in draft.unit.take("Service", "EnvironmentFile"):
        _env_file(draft, entry, files, given)
    if files:
        draft.table.set("env_file", files)
        for name in [name for name in variables if name in given]:
            if given[name] != variables[name]:
                del variables[name]  # the file's counts; nsinit has it the other way round
    if variables:
        draft.table.set("environment", variables)


def _inherited(draft: Draft, variables: dict[str, Value]) -> None:
    """What is handed on of nsinit's own environment, and what is not."""
    for word, entry in draft.words("PassEnvironment"):
        if not _NAME.fullmatch(word):
            draft.cannot(entry, f"{word!r} is no name of a variable")
        elif word not in variables:
            variables[word] = Template(f"${{{word}:-}}")
            draft.remark(entry, "without it in nsinit's environment it is empty")
    for word, entry in draft.words("UnsetEnvironment"):
        name, equals, value = word.partition("=")
        if name in variables and (not equals or variables[name] == value):
            del variables[name]
        draft.remark(entry, "nothing of nsinit's environment is handed on")


def _env_file(draft: Draft, entry: Entry, files: list[str], given: dict[str, str]) -> None:
    optional = entry.value.startswith("-")
    try:
        path = draft.unit.fill(entry.value.removeprefix("-"))
    except ValueError as error:
        draft.cannot(entry, str(error))
        return
    if not path.startswith("/") or re.search(r"[*?\[]", path):
        draft.cannot(entry, "expected the absolute path of one file")
        return
    files.append(path + "?" * optional)
    text = draft.tree.text_of(path)
    if text is None:
        if draft.unit.has("Service", "Environment") or optional:
            draft.remark(entry, "nsinit's `environment` goes before its files")
        return
    ours: dict[str, str] = {}
    try:
        ours = parse(text, {})
    except (BadLineError, ValueError):
        draft.cannot(entry, "nsinit reads a line of this file otherwise")
        return
    theirs = read_env_file(text)
    given |= theirs
    differ = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    if differ:
        draft.cannot(entry, f"nsinit reads {', '.join(differ)} in this file otherwise")


def read_env_file(text: str) -> dict[str, str]:
    r"""The variables of an EnvironmentFile=.

    Quotes of both kinds, backslashes in what is not in single quotes, lines that go on; `#` and
    `;` begin a comment only at the beginning of a line.
    """
    made: dict[str, str] = {}
    at, size = 0, len(text)
    while at < size:
        end = text.find("\n", at)
        end = size if end < 0 else end
        line = text[at:end].lstrip()
        equals = text.find("=", at, end)
        if not line or line[0] in "#;" or equals < 0:
            at = end + 1
            continue
        name = text[at:equals].strip().removeprefix("export ").strip()
        value, at = _env_value(text, equals + 1)
        if _NAME.fullmatch(name):
            made[name] = value
    return made


def _env_value(text: str, at: int) -> tuple[str, int]:
    """The value that begins at an index, and where the next line begins."""
    made: list[str] = []
    kept = 0  # as much of it does not end with blanks that count for nothing
    quote = ""
    while at < len(text) and text[at] in " \t\r":
        at += 1
    while at < len(text):
        char = text[at]
        at += 1
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and at < len(text):
                follows = text[at]
                at += 1
                if follows != "\n":
                    made.append(follows if follows in '"\\`$' else f"\\{follows}")
            else:
                made.append(char)
            kept = len(made)
            continue
        if char == "\n":
            break
        if char == "\\" and at < len(text):
            if text[at] != "\n":
                made.append(text[at])
                kept = len(made)
            at += 1
        elif char in "'\"" and not made:
            quote = char
        else:
            made.append(char)
            kept = kept if char in " \t\r" else len(made)
    return "".join(made[:kept]), at
