"""The options of `nsinit run`: its own, and one for each key of `[sandbox]`.

They stand before or right after FILE, and before the command. Loaded only when there are any.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.cli.words import split_words
from nsinit.errors import UsageError
from nsinit.model.checks_own import FD_MAX, FD_MIN
from nsinit.model.options import Option, combine, sandbox_options
from nsinit.named import Named
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Asked(Named):
    """What `nsinit run` was asked for."""

    file: str | None = None
    command: tuple[str, ...] = ()
    sandbox: Mapping[str, object] = {}  # keys of [sandbox]
    dry: bool = False
    detach: bool = False
    quiet: bool = False
    pid_file: str = ""  # absolute
    info_fd: int = -1
    block_fd: int = -1
    console_socket: str = ""  # absolute
    preserved: tuple[int, ...] = ()


# Name, short form, what its value is called, what it does.
OWN: Final = (
    ("dry-run", "", "", "print how the sandbox would be made, step by step, and do nothing"),
    ("detach", "d", "", "return when every service is ready, and leave it in the background"),
    ("quiet", "q", "", "with --detach: do not tell on the terminal how far it is"),
    ("pid-file", "", "PATH", "write the pid of init to this file; removed at the end"),
    ("info-fd", "", "N", "write its pid and namespaces to this descriptor, as JSON"),
    ("block-fd", "", "N", "start the services when this descriptor can be read, or is closed"),
    ("console-socket", "", "PATH", "send the terminal of a bundle's process over this unix socket"),
    ("preserve-fds", "", "N", "pass descriptors 3 to N+2 on to the main service"),
)
_TAKES: Final = {name: metavar for name, _, metavar, _ in OWN}
SHORT_KEYS: Final = {"p": "publish"}  # as docker run has it
_SHORT: Final = {short: name for name, short, _, _ in OWN if short}


def parse(argv: Sequence[str], env: Mapping[str, str]) -> Asked:
    """Understand the words after `nsinit run`; UsageError if there is no sense in them."""
    reading = _Reading()
    rest = reading.take(list(argv))
    if rest and rest[0] != "--" and rest[0].endswith(".toml"):
        rest = [rest[0], *reading.take(rest[1:])]
    file, command = split_words("run", rest, env)
    own = reading.own
    return Asked(
        file,
        tuple(command),
        reading.sandbox(),
        dry="dry-run" in own,
        detach="detach" in own,
        quiet="quiet" in own,
        pid_file=os.path.abspath(own["pid-file"]) if own.get("pid-file") else "",
        info_fd=_descriptor("info-fd", own),
        block_fd=_descriptor("block-fd", own),
        console_socket=os.path.abspath(own["console-socket"]) if "console-socket" in own else "",
        preserved=_preserved(own.get("preserve-fds")),
    )


def _preserved(text: str | None) -> tuple[int, ...]:
    """The descriptors that stay open; each must be."""
    if text is None:
        return ()
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= FD_MAX - 2):
        raise UsageError(f"--preserve-fds: expected a number up to {FD_MAX - 2}, got {text!r}")
    made = tuple(range(FD_MIN, FD_MIN + int(text)))
    for fd in made:
        try:
            open_on_exec = os.get_inheritable(fd)
        except OSError:
            open_on_exec = False
        if not open_on_exec:
            hint = f"such as nsinit run --preserve-fds {text} ... {fd}<FILE"
            raise UsageError(f"--preserve-fds {text}: descriptor {fd} is not open", hint=hint)
    return made


def _descriptor(name: str, own: Mapping[str, str]) -> int:
    text = own.get(name)
    if text is None:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise UsageError(f"--{name}: expected the number of a descriptor, got {text!r}")
    try:
        os.fstat(int(text))
    except OSError as error:
        hint = f"such as nsinit run --{name} 3 ... 3>FILE"
        raise UsageError(f"--{name}: cannot use {text}: {error.strerror}", hint=hint) from None
    return int(text)


class _Reading:
    """The options that were seen so far."""

    def __init__(self) -> None:
        self.own: dict[str, str] = {}
        self._keys = sandbox_options()
        self._flags = {option.flag: option for option in self._keys.values()}
        self._given: dict[str, list[str]] = {}

    def take(self, words: list[str]) -> list[str]:
        """Take the options that come first; the words behind them."""
        while words and words[0].startswith("-") and words[0] != "--":
            word = words.pop(0)
            if word.startswith("--"):
                self._take_long(word, words)
            else:
                self._take_short(word, words)
        return words

    def _take_short(self, word: str, words: list[str]) -> None:
        for index, letter in enumerate(word[1:] or "-", 2):
            if letter in SHORT_KEYS:  # the rest is its value, as -p8080:80
                value = self._value(word[:index], word[index:], word[index:], words)
                self._given.setdefault(SHORT_KEYS[letter], []).append(value)
                return
            if letter not in _SHORT:
                raise UsageError(f"cannot use {word!r}", hint="nsinit run --help")
            self.own[_SHORT[letter]] = ""

    def _take_long(self, word: str, words: list[str]) -> None:
        flag, joined, text = word.partition("=")
        option = self._flags.get(flag)
        switch = option or self._flags.get("--" + flag.removeprefix("--no-"))
        if flag[2:] in _TAKES:
            takes = bool(_TAKES[flag[2:]])
            self.own[flag[2:]] = self._value(flag, joined, text, words) if takes else ""
            if joined and not takes:
                raise UsageError(f"{flag} takes no value")
        elif switch is not None and switch.is_switch:
            if joined:
                raise UsageError(f"{flag} takes no value", hint=f"--no-{switch.flag[2:]} is false")
            self._given[switch.key] = ["true" if option else "false"]
        elif option is not None:
            value = self._value(flag, joined, text, words)
            self._given.setdefault(option.key, []).append(value)
        else:
            known = [*self._flags, *(f"--{name}" for name in _TAKES)]
            hint = did_you_mean(flag, known) or "nsinit run --help"
            raise UsageError(f"there is no option {flag!r}", hint=hint)

    def _value(self, flag: str, joined: str, text: str, words: list[str]) -> str:
        if joined:
            return text
        if not words or words[0] == "--":
            raise UsageError(f"{flag} needs a value", hint=f"{flag} {self._metavar(flag)}")
        return words.pop(0)

    def _metavar(self, flag: str) -> str:
        option: Option | None = self._flags.get(flag) or self._keys.get(
            SHORT_KEYS.get(flag[1:], "")
        )
        return option.metavar if option else _TAKES[flag[2:]]

    def sandbox(self) -> dict[str, object]:
        """The keys of `[sandbox]` that were given."""
        made: dict[str, object] = {}
        for key, texts in self._given.items():
            option = self._keys[key]
            try:
                made[option.path] = combine(option, texts)
            except ValueError as error:
                raise UsageError(f"{option.flag}: {error}") from None
        return made
