"""Everybody hears of what happens, whatever one of those who are told makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")


def tell_each(hearers: Sequence[Callable[P, object]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call all of them, also those that one puts there or takes away; raises the first error."""
    failure: BaseException | None = None
    for hear in tuple(hearers):
        try:
            seam.ask_about(hear)
            hear(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  (raised when all have heard)
            failure = failure or error
    if failure is not None:
        raise failure
