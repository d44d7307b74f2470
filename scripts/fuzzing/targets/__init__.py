"""The registry: one table of everything that is fed, and what need not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scripts.fuzzing.targets import (
    configuration,
    converting,
    files,
    images,
    kernel,
    lines,
    sandboxes,
    talking,
    values,
)

if TYPE_CHECKING:
    from scripts.fuzzing.target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for module in (
        configuration, values, converting, talking, lines, files, kernel, sandboxes, images,
    )
    for target in module.TARGETS
}  # fmt: skip
