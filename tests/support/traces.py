"""What services and their hooks write down in order, for a test to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.live import toml

if TYPE_CHECKING:
    from tests.support.live import Live


def script(text: str) -> str:
    """A TOML array: a shell script as a command."""
    return toml(["/bin/sh", "-c", text])


def note(text: str, **more: object) -> str:
    """A TOML table: a hook that writes one line (a shell word or several) into the trace."""
    return hook(f'echo {text} >> "$HERE/trace"', **more)


def hook(text: str, **more: object) -> str:
    """A TOML table: a hook that is a shell script."""
    keys = {"shell": True, "command": text, **more}
    return "{ " + ", ".join(f"{key} = {toml(value)}" for key, value in keys.items()) + " }"


def trace(init: Live) -> list[str]:
    """The lines that were written so far."""
    path = init.directory / "trace"
    return path.read_text().splitlines() if path.exists() else []
