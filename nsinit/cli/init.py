"""`nsinit init`: a commented nsinit.toml to begin with."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

import nsinit
from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, FileError, UsageError

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Sequence

# What each writes, and what to do next.
TEMPLATES: Final = {
    "services": ("nsinit.toml",),
    "container": ("nsinit.toml", "Dockerfile"),
    "sandbox": ("nsinit.toml",),
}
_RESOURCES: Final = os.path.join(os.path.dirname(nsinit.__file__), "resources")
_NEXT: Final = {
    "services": "nsinit check {file} && nsinit run {file}",
    "container": "docker build -t NAME {directory} && docker run NAME",
    "sandbox": "nsinit run --dry-run {file}, then nsinit run {file}",
}

VERB: Final = Verb(
    "init",
    "write a commented nsinit.toml to begin with; nothing is overwritten",
    (
        Param(
            "place", "name", "a directory, or a file that ends in .toml; here if none", default=""
        ),
        Param(
            "template",
            "choice",
            "services (the default), container with a Dockerfile, or sandbox",
            choices=tuple(TEMPLATES),
        ),
    ),
    ("nsinit init", "nsinit init /srv/shop --template container", "nsinit init box.toml"),
    "\n\nexit codes: 0 written · 1 can't be written, or is there already · 2 usage",
)


def main(argv: Sequence[str]) -> int:
    """Write the files; returns the exit code."""
    return tell(lambda: _run(**read("init", VERB, list(argv))))


def _run(*, place: str | None, template: str | None) -> int:
    from nsinit.cli.output import say

    template = template or "services"
    directory, name = (place or ".", "nsinit.toml")
    if place is not None and place.endswith(".toml"):
        directory, name = os.path.split(place)
        if template == "container" and name != "nsinit.toml":
            hint = "nsinit init DIR --template container"
            raise UsageError(f"cannot write {name}: in an image it is nsinit.toml", hint=hint)
    files = {
        os.path.normpath(os.path.join(directory, name if one == "nsinit.toml" else one)): one
        for one in TEMPLATES[template]
    }
    for path in files:
        if os.path.lexists(path):
            raise FileError(f"cannot write {path}: it is there already")
    _write(directory, {path: _text(template, one) for path, one in files.items()})
    for path in files:
        say(f"wrote {path}")
    where = {"file": next(iter(files)), "directory": directory or "."}
    say(f"next: {_NEXT[template].format(**where)}")
    return EXIT_OK


def _text(template: str, name: str) -> str:
    """A template; the configuration with the line by which editors find the schema."""
    source = f"{template}.toml" if name == "nsinit.toml" else name
    with open(os.path.join(_RESOURCES, "templates", source), encoding="utf-8") as file:
        text = file.read()
    if name != "nsinit.toml":
        return text
    return f"#:schema {os.path.join(_RESOURCES, 'nsinit.schema.json')}\n{text}"


def _write(directory: str, files: dict[str, str]) -> None:
    """All of them, or none."""
    made: list[str] = []
    try:
        if directory:
            os.makedirs(directory, exist_ok=True)
        for path, text in files.items():
            with open(path, "x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
    except OSError as error:
        for path in made:
            with suppress(OSError):
                os.unlink(path)
        what = error.filename or directory
        raise FileError(f"cannot write {what}: {error.strerror}") from None
