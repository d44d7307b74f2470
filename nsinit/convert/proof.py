"""Whether what was converted is a right nsinit.toml: it goes through the model's own checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nsinit.errors import ConfigError, NsinitError
from nsinit.model.load import load, parse_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.errors import Problem

_VARIABLE: Final = re.compile(r"(?<!\$)(?:\$\$)*\$\{([A-Za-z_][A-Za-z0-9_]*)")
_STAND_INS: Final = ("/x", "1")  # for variables that are not set here: a path, a number


def prove(text: str, name: str, env: Mapping[str, str]) -> list[Problem]:
    """The warnings of the checks; NsinitError if the text is wrong, which is no fault of the user.

    Variables that are not set here have a value that may do, for the checks alone.
    """
    unset = {found for found in _VARIABLE.findall(text) if not env.get(found)}
    error = None
    for stand_in in _STAND_INS if unset else ("",):
        try:
            loaded = load([parse_source(name, text)], {**dict.fromkeys(unset, stand_in), **env})
        except ConfigError as problem:
            error = error or problem
        else:
            return loaded.warnings
    message = f"internal error: what was converted is wrong:\n{error}"
    raise NsinitError(message, hint="please report it, with the file that was converted")
