"""Where control sockets are."""

from __future__ import annotations

import pytest

from nsinit import places


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, ["/run/nsinit", "/tmp/nsinit-7", "/dev/shm/nsinit-7"]),
        (
            {"XDG_RUNTIME_DIR": "/run/user/7"},
            ["/run/nsinit", "/run/user/7/nsinit", "/tmp/nsinit-7", "/dev/shm/nsinit-7"],
        ),
        (
            {"XDG_RUNTIME_DIR": "relative"},
            ["/run/nsinit", "/tmp/nsinit-7", "/dev/shm/nsinit-7"],
        ),
        ({"XDG_RUNTIME_DIR": "/run/user/7", "NSINIT_RUN_DIR": "/srv/boxes/"}, ["/srv/boxes"]),
        ({"NSINIT_RUN_DIR": "boxes"}, ["/run/nsinit", "/tmp/nsinit-7", "/dev/shm/nsinit-7"]),
        ({"XDG_RUNTIME_DIR": ""}, ["/run/nsinit", "/tmp/nsinit-7", "/dev/shm/nsinit-7"]),
    ],
)
def test_roots_are_listed_best_first_when_asked_for(env: dict[str, str], found: list[str]) -> None:
    """A relative XDG_RUNTIME_DIR is none (XDG Base Directory Specification)."""
    assert places.roots(env, 7) == found


@pytest.mark.parametrize(
    ("root", "private"),
    [
        ("/run/nsinit", False),
        ("/run/user/7/nsinit", False),
        ("/tmp/nsinit-7", True),
        ("/dev/shm/nsinit-7", True),
        ("/tmpfs/nsinit", False),
    ],
)
def test_root_is_private_when_anybody_may_write_beside_it(root: str, private: bool) -> None:
    """Such a one is trusted only after a look at its owner."""
    assert places.is_private(root) is private


def test_socket_has_its_own_directory_when_the_sandbox_has_a_name() -> None:
    """The only init of a container needs no name."""
    assert places.socket_path("/run/nsinit") == "/run/nsinit/control.sock"
    assert places.socket_path("/run/nsinit", "shop") == "/run/nsinit/shop/control.sock"
