"""Stdout and stderr of init as the place for lines: which form they have, and in which colors."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.runtime import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.model.spec import Config
    from nsinit.runtime.forms import Form
    from nsinit.runtime.lines import Block
    from nsinit.runtime.logfiles import Tap
    from nsinit.runtime.outlet import Outlet
    from nsinit.runtime.tally import Tally

    Sink = Callable[[Block, float, bool], object]  # as of a Form

_WIDEST: Final = 24  # of a name in a prefix


class Console:
    """The two outlets."""

    def __init__(
        self, stdout: Outlet, stderr: Outlet, config: Config, env: Mapping[str, str]
    ) -> None:
        """`env` is what init was given: it may say that there are to be no colors."""
        self.outlets = {"stdout": stdout, "stderr": stderr}
        asked = config.init.log
        self.format: str = asked.format
        names = [*config.services, "nsinit"]
        self.width = min(_WIDEST, max(len(name) for name in names))
        self._colored = {
            name: _is_colored(number, asked.color, env)
            for number, name in enumerate(self.outlets, start=1)
        }
        for name, outlet in self.outlets.items():
            outlet.confess = partial(self._confess, name)

    def sink(self, service: str, run: int, stream: str, form: str, tally: Tally) -> Sink:
        """Where a stream of a run goes; `form` is one of `model.outputs.Form`, or "" for init's."""
        return _Way(self, (service, run, stream, form or self.format), tally)

    def form(self, service: str, run: int, stream: str, form: str) -> Form:
        """How blocks of a stream of a run look."""
        if form == "json":
            from nsinit.runtime.jsonlines import json_lines  # noqa: PLC0415  (for who asks)

            return json_lines(service, run, stream)
        color = self._colored.get(stream, self._colored["stdout"])
        name = forms.name_of(service, self.width, color=color)
        return forms.stamped(name) if form == "time" else forms.prefixed(name)

    def _confess(self, stream: str, count: int) -> bytes:
        text = f"{count} bytes were dropped here: {self.outlets[stream].name} took no more"
        return self.own(stream, "warning", text, {})

    def own(self, stream: str, level: str, text: str, fields: dict[str, object]) -> bytes:
        """Lines of nsinit's own, as they look on one of the outlets."""
        return self.own_at(stream, seam.wall(), level, text, fields)

    def own_at(
        self, stream: str, at: float, level: str, text: str, fields: dict[str, object]
    ) -> bytes:
        """The same for what was said at another time."""
        if self.format == "json":
            from nsinit.runtime.jsonlines import own_line  # noqa: PLC0415  (for who asks)

            return own_line(at, level, text, fields)
        mark = f"{level}: " if level in ("warning", "error") else ""
        text += "".join(f" {key}={value}" for key, value in fields.items())
        begin = f"{forms.stamp(at)} " if self.format == "time" else ""
        begin += forms.name_of("nsinit", self.width, color=self._colored[stream])
        lines = "".join(f"{begin} | {line}\n" for line in f"{mark}{text}".split("\n"))
        return lines.encode("utf-8", "backslashreplace")


class _Way:
    """That of one stream of a run to its outlet; how its lines look is made up with the first.

    Most services say little or nothing, and each has two of these.
    """

    __slots__ = ("_console", "_of", "_render", "_tally")

    def __init__(self, console: Console, of: tuple[str, int, str, str], tally: Tally) -> None:
        """`of` are the service, the run, the stream and the form."""
        self._console = console
        self._of = of
        self._tally = tally
        self._render: Form | None = None

    def __call__(self, block: Block, at: float, joined: bool) -> None:
        if self._render is None:
            self._render = self._console.form(*self._of)
        text = self._render(block, at, joined)
        self._tally.bytes += len(text)
        outlets = self._console.outlets
        outlets.get(self._of[2], outlets["stdout"]).write(text, self._tally)


def file_sink(tap: Tap, service: str, run: int, stream: str) -> Sink:
    """Where blocks of a stream go that is not written to its file as it is."""
    render: Form = forms.timed if tap.form == "time" else forms.raw
    if tap.form == "json":
        from nsinit.runtime.jsonlines import json_lines  # noqa: PLC0415  (for who asks)

        render = json_lines(service, run, stream)
    return lambda block, at, joined: tap.write(render(block, at, joined))


def _is_colored(fd: int, asked: str, env: Mapping[str, str]) -> bool:
    """Whether names are colored there: on a terminal, unless its user wants none."""
    if asked != "auto":
        return asked == "always"
    if env.get("NO_COLOR") or env.get("TERM") in (None, "", "dumb"):
        return False
    with suppress(OSError):
        return os.isatty(fd)
    return False
