"""Parts of the standard library without what they load; each start of a container pays for that.

`signal` is a module of C with enums around it. These take `enum`, `functools` and `collections`,
which is half of all that a single command would import; `contextlib` takes most of it again.
"""

from __future__ import annotations

TYPE_CHECKING = False  # without loading `typing`; see nsinit.kernel.seam
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

__all__ = ["signal", "signal_name", "suppress"]


class suppress:  # noqa: N801  (it is contextlib's)
    """As contextlib.suppress."""

    def __init__(self, *errors: type[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._errors)


def signal_name(number: int) -> str:
    """TERM for 15; a number that has no name is told as such."""
    for name in sorted(vars(signal)):
        if name.startswith("SIG") and name[3] != "_" and getattr(signal, name) == number:
            return name[3:]
    return f"signal {number}"
