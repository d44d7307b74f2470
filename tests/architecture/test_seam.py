"""All that nsinit asks of the kernel can be made to fail, and is in the catalogue of faults."""

from __future__ import annotations

import ast
import errno
import re
import typing
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from nsinit.core import messages
from nsinit.kernel import seam
from scripts.ordeal.catalogue import ACTIONS, CALLBACKS, CALLS, OWN
from tests.support.live import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Functions that name a call of the kernel by their first argument, and ask for it by that.
_ASKING: Final = {"through", "ask", "syscall", "_call"}
_MODULES: Final = {
    "os", "fcntl", "select", "resource", "signal", "_signal", "_socket", "socket", "termios",
    "_libc",
}  # fmt: skip
_OF_SOCKETS: Final = {
    "recv", "recvmsg", "recvmsg_into", "recv_into", "recvfrom", "send", "sendto", "sendmsg", "bind",
    "connect", "accept", "_accept", "poll",
}  # fmt: skip
# What can't fail with these arguments, asks the kernel for nothing, or has no error to speak of.
_HARMLESS: Final = {
    "_exit", "closerange", "dup", "fsdecode", "fsencode", "fspath", "get_inheritable", "getegid",
    "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid", "getuid", "isatty", "major",
    "makedev", "minor", "strerror", "sysconf", "umask", "uname", "waitstatus_to_exitcode",
    "WCOREDUMP", "WIFSTOPPED", "WSTOPSIG", "CMSG_SPACE", "inet_ntop", "inet_pton", "getrlimit",
    "getrusage", "getsignal", "pthread_sigmask", "setitimer", "signal", "valid_signals",
    "sched_param", "if_nametoindex", "getsockopt", "setsockopt",
    "close",  # Linux has closed it even then; what was written is told of by `seam.close`
}  # fmt: skip
_RELEVANT: Final = re.compile(r"\b(seam|libc|reactor|_call|import (os|fcntl|select|_?socket))\b")
# What hands a callback to the reactor, and as which argument.
_HANDING: Final = {"add_reader": 1, "add_writer": 1, "set_alarm": 1, "soon": 0, "later": 1}
_OTHERS: Final = {
    "self.desk.read": "SignalDesk.read",
    "made._write_on": "Terminal._write_on",
    "stream": "Stream",
}
# Files, or functions of files, that call the kernel by themselves, and why.
_SINGLE: Final = (
    "the single command has no seam: its start is what counts; tests/integration/test_single*"
)
_BESIDE: Final = "a short-lived process of the launcher's, not init"
_AROUND: Final = {
    "process/single.py": _SINGLE,
    "process/birth.py": _SINGLE,
    "process/terminal.py": _SINGLE,
    "process/tell.py": _SINGLE,
    "process/environment.py": _SINGLE,
    "process/hooks.py": _BESIDE,
    "process/warden.py": _BESIDE,
    "process/programs.py": "access(2) and a poll(2) that are asked once more or end by a time",
    "process/program.py": "access(2): whether it is there; the spawn asks again",
    "runtime/headstart/": "no plan is followed while faults are injected; test_head_start",
    "kernel/board.py": "the board of faults itself",
    "kernel/seam.py": "the seam itself",
    "kernel/libc.py:has_library": "dlopen(3) of what is loaded: no is an answer",
    "kernel/spawn.py:__init__": "posix_spawnattr(3): memory of one's own",
    "kernel/creds.py": "prctl(2) of constants; the others ask for `creds`",
    "kernel/rtnetlink.py": "asked for when it is opened and when it sends",
    "kernel/nfnetlink.py": "asked for when it is opened",
    "kernel/scheduling.py:allowed_cpus": "looks only, and gives back what it finds",
    "kernel/sockets.py:adopt": "an open descriptor as a socket",
    "kernel/sockets.py:close_received": "an open descriptor as a socket",
    "kernel/terminals.py": "looks at a terminal only; what changes it asks for `ioctl`",
    "runtime/luggage.py:unpack_listener": "an open descriptor as a socket",
    "runtime/notify.py:adopt": "an open descriptor as a socket",
    "runtime/fdstore.py": "fcntl(2) and poll(2) that only look",
}


@cache
def _parsed() -> dict[str, ast.Module]:
    """The files of nsinit that have to do with the kernel or the reactor."""
    base = ROOT / "nsinit"
    texts = {str(path.relative_to(base)): path.read_text() for path in sorted(base.rglob("*.py"))}
    return {path: ast.parse(text) for path, text in texts.items() if _RELEVANT.search(text)}


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _asked_names() -> set[str]:
    """What nsinit calls its calls of the kernel: constants at the seam."""
    found = set()
    for tree in _parsed().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _name(node) in _ASKING:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def test_each_call_has_its_errnos_when_it_goes_through_the_seam() -> None:
    """A new wrapper needs a row, and a row a wrapper."""
    assert _asked_names() - set(OWN) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_row_makes_sense_when_it_is_in_the_catalogue(name: str) -> None:
    """Errnos that there are, each once, and a plan that the seam understands."""
    row = CALLS[name]
    assert row.errnos
    assert len(set(row.errnos)) == len(row.errnos)
    for word in row.errnos:
        assert hasattr(errno, word)
        seam.Plan(f"{name}:{word}@1")


def test_seam_asks_for_each_action_when_the_core_has_another() -> None:
    """An action is asked for by its type; `Driver._guarded` does."""
    assert {kind.__name__ for kind in typing.get_args(messages.Action)} == set(ACTIONS)


def _callbacks(tree: ast.Module) -> Iterator[str]:
    """The titles of what is handed to the reactor."""

    def look(node: ast.AST, trail: tuple[str, ...]) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            inner = trail
            if isinstance(child, ast.ClassDef):
                inner = (*trail, child.name)
            elif isinstance(child, ast.FunctionDef):
                inner = (*trail, child.name, "<locals>")
            elif isinstance(child, ast.Call) and (given := _given(child)) is not None:
                yield _title(given, trail)
            yield from look(child, inner)

    yield from look(tree, ())


def _given(call: ast.Call) -> ast.expr | None:
    """The callback, if this call hands one to the reactor."""
    at = _HANDING.get(_name(call))
    if at is None or len(call.args) <= at or "loop" in ast.unparse(call.func):
        return None
    given = call.args[at]
    if isinstance(given, ast.Call) and ast.unparse(given.func) == "partial":
        return given.args[0]
    return given


def _title(given: ast.expr, trail: tuple[str, ...]) -> str:
    """As `seam.title` has it; what is another object's is named in _OTHERS."""
    word = ast.unparse(given)
    if isinstance(given, ast.Lambda):
        return ".".join((*trail, "<lambda>"))
    if isinstance(given, ast.Name):
        return _OTHERS.get(word) or ".".join((*trail, word))
    return _OTHERS.get(word) or word.replace("self", trail[0], 1)


def test_each_callback_is_known_when_the_reactor_has_another() -> None:
    """An error in any of them is tried; so there is a row for each."""
    trees = {path: tree for path, tree in _parsed().items() if path != "runtime/reactor.py"}
    found = {title for tree in trees.values() for title in _callbacks(tree)}
    assert found == set(CALLBACKS)


def _around(path: str, function: str) -> bool:
    return any(
        known in (path, f"{path}:{function}") or (known[-1] == "/" and path.startswith(known))
        for known in _AROUND
    )


def _direct(path: str, tree: ast.Module) -> Iterator[str]:
    """Calls of the kernel in functions that do not ask the seam first."""

    def look(node: ast.AST, function: str, asked: bool) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                yield from look(child, child.name, _asks(child))
                continue
            if isinstance(child, ast.Call) and not asked and not _around(path, function):
                yield from (f"{path}:{child.lineno} {function}: {word}" for word in _kernel(child))
            yield from look(child, function, asked)

    yield from look(tree, "", asked=False)


def _asks(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "seam.ask"
        for node in ast.walk(function)
    )


def _kernel(call: ast.Call) -> list[str]:
    """What it calls, if that goes to the kernel."""
    word = ast.unparse(call.func)
    if _name(call) in _HARMLESS or word == "select.poll":  # which only makes it
        return []
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        if call.func.value.id in _MODULES:
            return [word]
        if call.func.attr in _OF_SOCKETS and call.func.value.id not in (
            "self", "sockets", "calling", "seam"
        ):  # fmt: skip
            return [word]
    return [word] if word == "open" else []


def test_nobody_goes_around_the_seam_when_init_calls_the_kernel() -> None:
    """In runtime, process and kernel: what can fail can be made to, or it is said here why not."""
    found = [
        one
        for path, tree in _parsed().items()
        if path.startswith(("runtime/", "process/", "kernel/"))
        for one in _direct(path, tree)
    ]
    assert found == []


def test_exceptions_are_needed_when_they_are_listed() -> None:
    """No reason outlives what it was given for."""
    for known in _AROUND:
        path = known.partition(":")[0]
        assert any(name == path or name.startswith(path) for name in _parsed()), known
