"""The errors of nsinit, one tree.

Imports nothing. Each error carries a message ("cannot VERB OBJECT: reason"), an optional hint that
says what to do next, and the exit code of the program that ends by it::

    NsinitError                70  internal
    ├── UsageError              2  the command line
    ├── ConfigError            78  the configuration; carries every Problem found
    ├── SandboxError          125  a sandbox that can't be built
    ├── ImageError              1  an image that can't be read, kept or removed
    ├── ConvertError            1  a file of another tool that can't be converted
    ├── NotInstalledError       1  something that this needs beside nsinit
    ├── FileError               1  a file that can't be written
    ├── SpawnError            126  a command that can't be run (127: not found)
    └── ControlError            1  an operation failed
        ├── UnreachableError    4  no init answers
        ├── UnknownNameError    4  no such service
        ├── DeniedError        77  not allowed
        └── TimedOutError     124  waited too long

    OSError
    └── SyscallError               a system call, with its name and its object
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from nsinit.problem import Problem

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3
EXIT_UNREACHABLE = 4
EXIT_INTERNAL = 70
EXIT_DENIED = 77
EXIT_CONFIG = 78
EXIT_TIMED_OUT = 124
EXIT_SANDBOX = 125
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127


class NsinitError(Exception):
    """An error that is told to a person; `exit_code` is what the program ends with."""

    exit_code = EXIT_INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(NsinitError):
    """The command line makes no sense."""

    exit_code = EXIT_USAGE


class ConfigError(NsinitError):
    """The configuration is wrong; all problems are told at once."""

    exit_code = EXIT_CONFIG

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.file, p.line, p.path, p.message))
        lines = [line for p in self.problems for line in (str(p), p.excerpt) if line]
        super().__init__("\n".join(lines))


class SandboxError(NsinitError):
    """A sandbox could not be built; nothing of it is left."""

    exit_code = EXIT_SANDBOX


class ImageError(NsinitError):
    """An image can't be read, unpacked, kept or removed; nothing of it is half done."""

    exit_code = EXIT_FAILED


class ConvertError(NsinitError):
    """A file of another tool can't be read or makes no sense there; nothing was written."""

    exit_code = EXIT_FAILED

    def __init__(self, file: str, line: int, reason: str, *, hint: str = "") -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"cannot convert {place}: {reason}", hint=hint)


class NotInstalledError(NsinitError):
    """What this needs beside nsinit is not installed; the hint says how it is."""

    exit_code = EXIT_FAILED


class FileError(NsinitError):
    """A file of the user's can't be written; what is there is left as it is."""

    exit_code = EXIT_FAILED


class SpawnError(NsinitError):
    """A command could not be run: `stage` is the step that failed, `errno` why.

    A `reason` says more than the errno does.
    """

    exit_code = EXIT_NOT_EXECUTABLE

    def __init__(
        self, what: str, stage: str, errno: int, *, hint: str = "", reason: str = ""
    ) -> None:
        super().__init__(f"cannot {stage} {what}: {reason or os.strerror(errno)}", hint=hint)
        self.stage = stage
        self.errno = errno


class ControlError(NsinitError):
    """Init answered that an operation failed; `answer` is the JSON of what it said."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "", answer: object = None) -> None:
        super().__init__(message, hint=hint)
        self.answer = answer


class UnreachableError(ControlError):
    """No init answers on the control socket."""

    exit_code = EXIT_UNREACHABLE


class UnknownNameError(ControlError):
    """No service has that name."""

    exit_code = EXIT_UNREACHABLE


class DeniedError(ControlError):
    """The caller's uid or gid may not do that."""

    exit_code = EXIT_DENIED


class TimedOutError(ControlError):
    """What was waited for did not happen in time."""

    exit_code = EXIT_TIMED_OUT


class SyscallError(OSError):
    """A system call failed: its name, what it was done to, and the errno of OSError."""

    def __init__(self, errno: int, syscall: str, target: str = "") -> None:
        super().__init__(errno, os.strerror(errno))
        self.syscall = syscall
        self.target = target

    def __str__(self) -> str:
        target = f" {self.target}" if self.target else ""
        return f"cannot {self.syscall}{target}: {self.strerror}"
