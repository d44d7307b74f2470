"""A run script as keys of a service, where it is a chain of well known words. Pure but for envdirs.

What can't be said by keys is left to the script itself, which then is the command.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from nsinit.convert.s6.execline import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.convert.document import Value
    from nsinit.convert.s6.execline import Word

# Where s6, execline and their links are.
_PLACES: Final = ("", "/command", "/bin", "/usr/bin", "/usr/local/bin", "/usr/sbin", "/sbin")
_CONTENV: Final = "with-contenv"
_VARIABLE: Final = re.compile(r"\$\{|\$[0-9@*#]")
# Words that change what follows in a way that no key says.
_LEFT: Final = frozenset((
    "importas", "define", "backtick", "elgetopt", "elgetpositionals", "elglob", "multidefine",
    "multisubstitute", "forx", "forbacktickx", "forstdin", "loopwhilex", "ifelse", "ifte",
    "ifthenelse", "background", "pipeline", "redirfd", "fdclose", "fdblock", "fdswap", "fdreserve",
    "heredoc", "piperw", "trap", "wait", "withstdinas", "unexport", "emptyenv", "envfile",
    "s6-envuidgid", "s6-softlimit", "s6-setlock", "s6-notifyoncheck", "s6-fghack", "shift",
    "dollarat",
    "s6-ipcserver", "s6-tcpserver", "s6-socklog", "s6-log", "s6-fdholder-retrieve", "tryexec",
    "s6-ipcserver-socketbinder", "exec", "posix-cd", "getpid", "getcwd", "case", "runblock",
    "if", "foreground", "homeof", "s6-applyuidgid",
))  # fmt: skip


class LeftError(Exception):
    """The script is the better command; says why."""


class Keys:
    """The keys that a script comes to."""

    def __init__(self, directory: str) -> None:
        self.directory = directory  # where it is run
        self.made: dict[str, Value] = {}
        self.before: list[str] = []  # lines for a shell
        self.remarks: list[str] = []


def interpreter(text: str) -> list[str]:
    """The words of a `#!` line; none if there is no such line."""
    first = text.partition("\n")[0]
    if not first.startswith("#!"):
        return []
    words = first[2:].split(None, 1)
    return [words[0], *words[1].split()] if len(words) > 1 else words


def without_contenv(words: list[str]) -> list[str] | None:
    """The interpreter behind `with-contenv`; None if that is not there."""
    for index, word in enumerate(words[:2]):
        if _bare(word) == _CONTENV:
            return words[index + 1 :] or ["execlineb"]
    return None


def is_execline(words: list[str]) -> bool:
    """Whether that runs scripts of execline."""
    return bool(words) and words[0].rpartition("/")[2] == "execlineb"


def translate(text: str, directory: str, envdir: Callable[[str], dict[str, Value]]) -> Keys:
    """The keys of an execline script; LeftError if it says more than keys can.

    `envdir` reads a directory of variables; ValueError if it can't be used.
    """
    try:
        words = parse(text)
    except ValueError as error:
        raise LeftError(str(error)) from None
    keys = Keys(directory)
    while words:
        name = _bare(words[0]) if isinstance(words[0], str) else ""
        step = _STEPS.get(name)
        if name == "s6-envdir":
            words = _envdir(keys, words[1:], envdir)
        elif step is not None:
            words = step(keys, words[1:])
        elif name in _LEFT:
            raise LeftError(f"{name} has no key")
        else:
            keys.made["command"] = list(_plain(words))
            return keys
    raise LeftError("it runs nothing")


def _bare(word: str) -> str:
    """A word without the directory that it is usually in."""
    place, _, name = word.rpartition("/")
    return name if place in _PLACES else word


def _plain(words: list[Word]) -> list[str]:
    made = []
    for word in words:
        if not isinstance(word, str):
            raise LeftError("the command has a block")
        if _VARIABLE.search(word):
            raise LeftError("the command has variables")
        made.append(word)
    return made


def _one(words: list[Word], what: str) -> tuple[str, list[Word]]:
    if not words or not isinstance(words[0], str) or _VARIABLE.search(words[0]):
        raise LeftError(f"{what} is followed by no plain word")
    return words[0], words[1:]


# --- The words that are known ---------------------------------------------------------------------


def _fdmove(_: Keys, words: list[Word]) -> list[Word]:
    if words[:3] != ["-c", "2", "1"]:
        raise LeftError("fdmove has no key")
    return words[3:]  # both go to the same place by themselves


def _setuidgid(keys: Keys, words: list[Word]) -> list[Word]:
    user, rest = _one(words, "s6-setuidgid")
    if user.startswith("-"):
        raise LeftError("s6-setuidgid has options")
    name, colon, group = user.partition(":")
    keys.made["user"] = int(name) if name.isascii() and name.isdigit() else name
    if colon:
        keys.made["group"] = int(group) if group.isascii() and group.isdigit() else group
    return rest


def _cd(keys: Keys, words: list[Word]) -> list[Word]:
    path, rest = _one(words, "cd")
    keys.directory = path if path.startswith("/") else f"{keys.directory}/{path}"
    keys.made["working_dir"] = keys.directory
    return rest


def _umask(keys: Keys, words: list[Word]) -> list[Word]:
    mode, rest = _one(words, "umask")
    if not re.fullmatch("[0-7]{1,4}", mode):
        raise LeftError("umask has no octal mode")
    keys.made["umask"] = mode.zfill(3)
    return rest


def _export(keys: Keys, words: list[Word]) -> list[Word]:
    name, rest = _one(words, "export")
    value, rest = _one(rest, "export")
    if not re.fullmatch("[^=]+", name):
        raise LeftError("export has no name")
    known = keys.made.get("environment", {})
    keys.made["environment"] = {**known, name: value}  # type: ignore[dict-item]  # a table
    return rest


def _nice(keys: Keys, words: list[Word]) -> list[Word]:
    flag, rest = _one(words, "nice")
    number, rest = _one(rest, "nice")
    if flag != "-n" or not re.fullmatch(r"-?[0-9]{1,2}", number):
        raise LeftError("nice has other options")
    keys.made["nice"] = max(min(int(number), 19), -20)
    return rest


def _skip(_: Keys, words: list[Word]) -> list[Word]:
    if words and isinstance(words[0], str) and words[0].startswith("-"):
        raise LeftError("there are options")
    return words


def _contenv(keys: Keys, words: list[Word]) -> list[Word]:
    keys.remarks.append("with-contenv is not there: the environment is the one of nsinit")
    return _skip(keys, words)


def _block(*, must_work: bool) -> Callable[[Keys, list[Word]], list[Word]]:
    """A command before the program: only before anything that would concern it too."""

    def step(keys: Keys, words: list[Word]) -> list[Word]:
        if keys.made or not words or not isinstance(words[0], list) or not words[0]:
            raise LeftError("a command stands between others")
        first = words[0][0]
        if isinstance(first, str) and (_bare(first) in _LEFT or _bare(first) in _STEPS):
            raise LeftError("a block has words of execline")
        line = shlex.join(_plain(words[0]))
        keys.before.append(line if must_work else f"{{ {line} || :; }}")
        return words[1:]

    return step


def _envdir(keys: Keys, words: list[Word], read: Callable[[str], dict[str, Value]]) -> list[Word]:
    path, rest = _one(words, "s6-envdir")
    if path.startswith("-"):
        raise LeftError("s6-envdir has options")
    try:
        found = read(path if path.startswith("/") else f"{keys.directory}/{path}")
    except ValueError as error:
        raise LeftError(str(error)) from None
    known = keys.made.get("environment", {})
    keys.made["environment"] = {**known, **found}  # type: ignore[dict-item]  # a table
    return rest


_STEPS: Final[dict[str, Callable[[Keys, list[Word]], list[Word]]]] = {
    "fdmove": _fdmove,
    "s6-setuidgid": _setuidgid,
    "cd": _cd,
    "s6-cd": _cd,
    "execline-cd": _cd,
    "umask": _umask,
    "s6-umask": _umask,
    "execline-umask": _umask,
    "export": _export,
    "nice": _nice,
    "s6-nice": _nice,
    "s6-setsid": _skip,
    "with-contenv": _contenv,
    "foreground": _block(must_work=False),
    "if": _block(must_work=True),
}
