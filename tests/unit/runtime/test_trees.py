"""Which paths belong to a watched one."""

from __future__ import annotations

import pytest

from nsinit.runtime.trees import Root


@pytest.mark.parametrize(
    ("path", "has"),
    [
        ("/srv/app/a.py", True),
        ("/srv/app/x/y/a.py", True),
        ("/srv/app", False),
        ("/srv/apple/a.py", False),
        ("/srv/a.py", False),
        ("/srv/app/.git/index", False),
        ("/srv/app/x/__pycache__/a.pyc", False),
        ("/srv/app/a.pyc", False),
        ("/srv/app/.a.py.swp", False),
        ("/srv/app/a.py~", False),
        ("/srv/app/4913", False),
        ("/srv/app/a.log", False),
        ("/srv/app/x/a.log", False),
        ("/srv/app/build/out/a.py", False),
        ("/srv/app/x/build/a.py", True),
        ("/srv/app/static/css/a.css", False),
    ],
)
def test_path_belongs_when_it_is_below_and_not_excluded(path: str, has: bool) -> None:
    """A pattern without a slash fits any part, one with a slash the path from the root on."""
    assert Root("a", "/srv/app", ["*.log", "build/*", "static/css/"]).has(path) is has


def test_everything_belongs_when_the_root_is_watched() -> None:
    """Its name ends with the slash that others lack."""
    assert Root("a", "/", []).has("/etc/x")
