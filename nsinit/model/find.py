"""Which configuration file is meant, and the files that it includes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.errors import ConfigError, Problem
from nsinit.model.load import Loaded, included, load, parse_source, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES = ("./nsinit.toml", "/etc/nsinit/nsinit.toml")


def find_config(asked: str | None, env: Mapping[str, str]) -> str:
    """The file: the argument, $NSINIT_CONFIG, or the first of PLACES that exists."""
    if asked or env.get("NSINIT_CONFIG"):
        return asked or env["NSINIT_CONFIG"]
    for place in PLACES:
        if os.path.lexists(place):
            return place
    looked = ", ".join(PLACES)
    raise ConfigError(
        [Problem("nsinit.toml", 0, "", f"no configuration file: looked for {looked}",
                 "name one: nsinit run FILE")]
    )  # fmt: skip


def load_config(path: str, env: Mapping[str, str]) -> Loaded:
    """Read a file and what it includes; ConfigError tells everything that is wrong."""
    main = parse_source(path, read_file(path))
    sources = [main]
    patterns = included(main)
    if patterns:
        import glob  # noqa: PLC0415  (re and more, which most configurations do without)
    seen = {os.path.realpath(path)}
    for pattern in patterns:
        here = os.path.dirname(path)
        found = sorted(glob.glob(os.path.join(glob.escape(here), pattern)))
        if not found and not glob.has_magic(pattern):
            found = [os.path.join(here, pattern)]  # a plain name must exist, a pattern need not
        for file in found:
            if os.path.realpath(file) not in seen:
                seen.add(os.path.realpath(file))
                sources.append(parse_source(file, read_file(file)))
    return load(sources, env)
