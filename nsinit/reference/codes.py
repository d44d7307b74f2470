"""Exit codes of nsinit's programs, for people. Imports nothing but typing."""

from __future__ import annotations

from typing import Final

# What ends with them, and what each means.
CODES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "nsinit run, nsinit -- COMMAND": (
        (
            "0 to 255",
            (
                "that of the main service or the command, 128 + N for signal N; without one"
                " 0, or that of the first service that failed when nothing is left to run"
            ),
        ),
        ("2", "the command line is wrong"),
        ("70", "an error in nsinit itself"),
        ("78", "the configuration is wrong; nothing was started"),
        ("125", "the sandbox can't be made; nothing of it is left"),
        ("126", "the main service or command can't be executed"),
        ("127", "it isn't found"),
    ),
    "nsinit run --detach": (
        ("0", "every service is ready"),
        ("1", "a service has failed, and the sandbox goes on"),
        ("else", "that of init, which has ended"),
    ),
    "nsinit ctl, list, stop and all that asks": (
        ("0", "done"),
        ("1", "it failed; the service has failed, or is not well"),
        ("2", "the command line is wrong"),
        ("3", "status of named services, health: not running"),
        ("4", "no such service, sandbox or image; or no init answers"),
        ("77", "not allowed"),
        ("124", "waited too long"),
    ),
    "nsinit ctl exec, enter, attach": (
        (
            "0 to 255",
            "that of the command or run, 128 + N for signal N; 126 and 127 as a shell",
        ),
    ),
    "nsinit check": (("0", "the configuration is right"), ("78", "it is wrong")),
}
