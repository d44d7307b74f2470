"""The command line and the environment of the single command mode: those of tini and dumb-init.

Options are read as getopt_long(3) does it, up to the first word that is none: short ones may be
joined (-gv, -e143), long ones cut short while that is unambiguous (--rew=TERM:INT). Environment
first, then NSINIT_OPTIONS, then the command line, so that the nearest to the user decides.
"""

from __future__ import annotations

import os

from nsinit.process.single import DEBUG, Settings

TYPE_CHECKING = False  # without loading `typing`; see nsinit.kernel.seam
if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.errors import UsageError

# Under which name we may be called instead of which program; docker calls its tini docker-init.
PEERS = {
    "tini": "tini",
    "tini-static": "tini",
    "docker-init": "tini",
    "dumb-init": "dumb-init",
    "catatonit": "catatonit",
}
# Short option, long option, what its value is called: "" for none.
OPTIONS = (
    ("s", "subreaper", ""),
    ("p", "parent-death-signal", "SIG"),
    ("e", "success-code", "CODE"),
    ("g", "group", ""),
    ("c", "single-child", ""),
    ("r", "rewrite", "A:B"),
    ("w", "warn-reaped", ""),
    ("v", "verbose", ""),
    ("", "grace", "TIME"),
    ("", "delay", "TIME"),
    ("", "orphans", "keep|term|kill"),
    ("", "raise-signal", ""),
    ("l", "license", ""),
    ("L", "license", ""),
    ("V", "version", ""),
    ("h", "help", ""),
)
SHOWN = frozenset({"license", "version", "help"})  # instead of running anything
_SHORT = {short: (long, value) for short, long, value in OPTIONS if short}
_LONG = {long: value for _, long, value in OPTIONS}
_HINT = "nsinit help single"


class Request:
    """What was asked for: to run something, or to show something."""

    def __init__(self, peer: str) -> None:
        self.peer = peer  # the program we are called as: nsinit, tini, dumb-init, catatonit
        self.show = ""  # one of SHOWN
        self.settings = Settings([])


def parse(peer: str, words: list[str], env: Mapping[str, str]) -> Request:
    """What to do; UsageError says what is wrong with an option or variable."""
    request = Request(peer)
    settings = request.settings
    settings.group = peer in ("nsinit", "dumb-init")
    _take_environment(request, env)
    given = env.get("NSINIT_OPTIONS", "").split()
    if given and _take_options(request, given):
        raise _wrong(f"NSINIT_OPTIONS holds a word that is no option: {env['NSINIT_OPTIONS']}")
    command = _take_options(request, _split_interpreter_line(words))
    if peer == "tini" and command[1:2] == ["--"]:  # its own usage: [OPTIONS] PROGRAM -- [ARGS]
        del command[1]
    settings.command = command
    if peer == "dumb-init" and settings.group:
        _stop_for_certain(settings.rewrite)
    if not command and not request.show:
        raise _wrong("cannot run nothing: a command must follow", hint=_HINT)
    return request


def _split_interpreter_line(words: list[str]) -> list[str]:
    """Undo what the kernel does with `#!/path/nsinit -v -- sh`: all of it is one word.

    Only options, or a program by its path that does not exist as it stands; see execve(2).
    """
    if not words or len(pieces := words[0].split()) < 2:
        return words
    is_program = words[0][0] == "/" and not os.path.exists(words[0])
    return [*pieces, *words[1:]] if words[0][0] == "-" or is_program else words


def _take_environment(request: Request, env: Mapping[str, str]) -> None:
    """The variables of the program that we are called as; as nsinit, of all."""
    settings, peer = request.settings, request.peer
    if peer in ("nsinit", "dumb-init"):
        if env.get("DUMB_INIT_SETSID") == "0":
            settings.group = False
        if env.get("DUMB_INIT_DEBUG") == "1":
            settings.verbosity = DEBUG
    if peer in ("nsinit", "tini"):
        if "TINI_KILL_PROCESS_GROUP" in env:
            settings.group = True
        if "TINI_VERBOSITY" in env:
            settings.verbosity = _number(env["TINI_VERBOSITY"], "TINI_VERBOSITY")
    if peer in ("nsinit", "catatonit") and "CATATONIT_DEBUG" in env:
        settings.verbosity = DEBUG


def _take_options(request: Request, words: list[str]) -> list[str]:
    """Read the options at the beginning; what follows them."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word, rest = words[at], words[at + 1 :]
        at += 1
        if word == "--":
            break
        if word.startswith("--"):
            name, mark, value = word[2:].partition("=")
            long = _long_name(name)
            at += _take_one(request, f"--{long}", long, value if mark else None, rest)
        else:
            at += _take_cluster(request, word[1:], rest)
        if request.show:
            return []
    return words[at:]


def _take_cluster(request: Request, letters: str, rest: list[str]) -> int:
    """Options such as -gv or -e143; how many of the words after them were values."""
    for at, letter in enumerate(letters, 1):
        if letter not in _SHORT:
            raise _wrong(f"there is no option -{letter}", hint=_HINT)
        long, value = _SHORT[letter]
        if value:
            return _take_one(request, f"-{letter}", long, letters[at:] or None, rest)
        _apply(request, f"-{letter}", long, "")
    return 0


def _take_one(request: Request, shown: str, long: str, value: str | None, rest: list[str]) -> int:
    """One option with the value that came in its own word, or with the next word; words used."""
    wanted = _LONG[long]
    if not wanted:
        if value is not None:
            raise _wrong(f"{shown} takes no value", hint=_HINT)
        _apply(request, shown, long, "")
        return 0
    if value is not None:
        _apply(request, shown, long, value)
        return 0
    if not rest:
        raise _wrong(f"{shown} needs a value: {wanted}", hint=_HINT)
    _apply(request, shown, long, rest[0])
    return 1


def _long_name(name: str) -> str:
    """The option that is meant, also if only its beginning is given."""
    if name in _LONG:
        return name
    found = [long for long in _LONG if name and long.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise _wrong(f"--{name} may be {' or '.join('--' + long for long in found)}")
    from nsinit.nearest import did_you_mean

    raise _wrong(f"there is no option --{name}", hint=did_you_mean(name, _LONG) or _HINT)


def _apply(request: Request, shown: str, long: str, value: str) -> None:
    settings = request.settings
    if long in SHOWN:
        request.show = long
    elif long in ("group", "single-child"):
        settings.group = long == "group"
    elif long == "verbose":
        settings.verbosity = DEBUG if request.peer == "dumb-init" else settings.verbosity + 1
    elif long == "warn-reaped":
        settings.warn_reaped = True
    elif long == "raise-signal":
        settings.raise_signal = True
    elif value:
        _apply_value(settings, shown, long, value)
    elif _LONG[long]:
        raise _wrong(f"{shown} needs a value: {_LONG[long]}", hint=_HINT)


def _apply_value(settings: Settings, shown: str, long: str, value: str) -> None:
    match long:
        case "success-code":
            code = _number(value, shown)
            if code > 255:
                raise _wrong(f"{shown}: expected an exit code from 0 to 255, got {value!r}")
            settings.successes |= {code}
        case "parent-death-signal":
            settings.parent_death = _signal(value, shown)
        case "rewrite":
            before, mark, after = value.partition(":")
            if not mark:
                expected = "two signals such as TERM:QUIT or 15:3"
                raise _wrong(f"{shown}: expected {expected}, got {value!r}")
            settings.rewrite[_signal(before, shown)] = 0 if after == "0" else _signal(after, shown)
        case "grace":
            settings.grace = _duration(value, shown)
        case "delay":
            settings.delay = _duration(value, shown)
        case "orphans":
            policies = {"keep": 0, "term": 15, "kill": 9}
            if value not in policies:
                raise _wrong(f"{shown}: expected keep, term or kill, got {value!r}")
            settings.orphans = policies[value]


def _stop_for_certain(rewrite: dict[int, int]) -> None:
    """As dumb-init: to a command in a session of its own the stop signals of a terminal do nothing.

    Nobody in its session could continue it, so the kernel drops them; STOP it does not drop.
    """
    from nsinit.lean import signal

    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        rewrite.setdefault(number, signal.SIGSTOP)


def _wrong(message: str, *, hint: str = "") -> UsageError:
    from nsinit.errors import UsageError

    return UsageError(message, hint=hint)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _wrong(f"{what}: expected a number, got {text!r}")
    return int(text)


def _signal(text: str, what: str) -> int:
    from nsinit.units import parse_signal

    try:
        return parse_signal(text)
    except ValueError as error:
        raise _wrong(f"{what}: {error}") from None


def _duration(text: str, what: str) -> float:
    from nsinit.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise _wrong(f"{what}: {error}") from None
