"""How errors read, and what programs end with because of them."""

from __future__ import annotations

import errno
import inspect

import pytest

from nsinit import errors
from nsinit.errors import ConfigError, NsinitError, SpawnError, SyscallError
from nsinit.problem import Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("n.toml", 3, "init.log", "wrong"), "n.toml:3: init.log: wrong"),
        (Problem("n.toml", 3, "init.log", "wrong", "fix it"), "n.toml:3: init.log: wrong (fix it)"),
        (Problem("n.toml", 0, "init.log", "wrong"), "n.toml: init.log: wrong"),
        (Problem("n.toml", 7, "", "not TOML"), "n.toml:7: not TOML"),
        (Problem("n.toml", 0, "", "cannot read"), "n.toml: cannot read"),
    ],
)
def test_problem_tells_its_place_when_that_is_known(problem: Problem, text: str) -> None:
    """The file, the line as editors jump to it, the key path, and what to do."""
    assert str(problem) == text


def test_config_error_sorts_and_drops_doubles_when_it_has_many_problems() -> None:
    """By file, line, path and message; the same problem is told once."""
    last = Problem("b.toml", 1, "", "x")
    first, second = Problem("a.toml", 2, "init.log", "x"), Problem("a.toml", 10, "init", "x")
    third, fourth = Problem("a.toml", 10, "zzz", "a"), Problem("a.toml", 10, "zzz", "b")
    error = ConfigError([last, fourth, second, first, third, first])
    assert error.problems == [first, second, third, fourth, last]
    assert str(error).split("\n") == [str(p) for p in error.problems]


def test_error_tells_its_hint_when_it_has_one() -> None:
    """In brackets, after the message."""
    assert str(NsinitError("cannot do it")) == "cannot do it"
    assert str(NsinitError("cannot do it", hint="try")) == "cannot do it (try)"


def test_spawn_error_tells_the_step_when_one_failed() -> None:
    """Cannot VERB OBJECT: reason."""
    error = SpawnError("/bin/x", "execute", errno.EACCES, hint="chmod +x")
    assert str(error) == "cannot execute /bin/x: Permission denied (chmod +x)"
    assert (error.stage, error.errno) == ("execute", errno.EACCES)


@pytest.mark.parametrize(
    ("target", "text"),
    [("/proc", "cannot mount /proc: Operation not permitted"),
     ("", "cannot mount: Operation not permitted")],
)  # fmt: skip
def test_syscall_error_names_the_call_when_it_is_shown(target: str, text: str) -> None:
    """It is an OSError with an errno, so that it is caught as any other."""
    error = SyscallError(errno.EPERM, "mount", target)
    assert str(error) == text
    assert isinstance(error, OSError)
    assert (error.errno, error.syscall, error.target) == (errno.EPERM, "mount", target)


def test_syscall_error_is_of_the_class_of_its_errno_when_that_has_none() -> None:
    """Python's subclasses by errno are not made for our class; callers look at errno."""
    assert type(SyscallError(errno.ENOENT, "open", "/x")) is SyscallError


def _tree() -> list[type[NsinitError]]:
    found = [v for v in vars(errors).values() if inspect.isclass(v)]
    return [v for v in found if issubclass(v, NsinitError)]


@pytest.mark.parametrize("kind", _tree(), ids=lambda kind: str(kind.__name__))
def test_error_is_in_the_printed_tree_when_it_exists(kind: type[NsinitError]) -> None:
    """The docstring of the module shows each class with its exit code."""
    rows = [row.split() for row in (errors.__doc__ or "").splitlines()]
    shown = {row[at]: row[at + 1] for row in rows for at, w in enumerate(row) if w == kind.__name__}
    assert shown[kind.__name__] == str(kind.exit_code)


def test_exit_codes_are_those_of_the_contract_when_programs_end() -> None:
    """Scripts rely on them."""
    codes = {kind.__name__: kind.exit_code for kind in _tree()}
    assert codes == {
        "NsinitError": 70,
        "UsageError": 2,
        "ConfigError": 78,
        "SandboxError": 125,
        "ImageError": 1,
        "ConvertError": 1,
        "FileError": 1,
        "NotInstalledError": 1,
        "SpawnError": 126,
        "ControlError": 1,
        "UnreachableError": 4,
        "UnknownNameError": 4,
        "DeniedError": 77,
        "TimedOutError": 124,
    }
