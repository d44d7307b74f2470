"""Everybody hears of what happens, whatever one of those who are told makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
R = TypeVar("R")


def tell_each(hearers: Sequence[Callable[P, object]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call all of them, also those that one puts there or takes away; raises the first error."""
    all_of_it = Whole()
    for hear in tuple(hearers):
        all_of_it.do(_tell, hear, *args, **kwargs)
    all_of_it.end()


def _tell(hear: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
    seam.ask_about(hear)
    hear(*args, **kwargs)


class Whole:
    """Several steps, each of which is done whatever came of those before."""

    __slots__ = ("_failure",)

    def __init__(self) -> None:
        self._failure: BaseException | None = None

    def do(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R | None:
        """What a step returns; None if it failed."""
        try:
            return step(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  (raised when all is done)
            self._failure = self._failure or error
            return None

    def end(self) -> None:
        """All is done: raises the first error that there was."""
        if self._failure is not None:
            raise self._failure
