"""Host and domain names of a sandbox: its own, and the host keeps its."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from tests.support.namespaces import different, service, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

NAMES = service("hostname; cat /proc/sys/kernel/domainname")


def _names() -> tuple[str, str]:
    domain = pathlib.Path("/proc/sys/kernel/domainname").read_text().strip()
    return os.uname().nodename, domain


@pytest.mark.row(5, 6, 8)
def test_names_are_the_sandboxs_own_when_set(box: Callable[..., Box]) -> None:
    """Both of them, an underscore is fine, and the host has its own during and after."""
    before = _names()
    made = box(f'[sandbox]\nhostname = "container_dawn"\ndomainname = "lan.dawn"\n{NAMES}').start()
    assert wait_for(made) == ["container_dawn", "lan.dawn"]
    assert "uts" in different(made.pid)
    assert _names() == before
    assert made.stop() == 0
    assert _names() == before


@pytest.mark.row(5)
def test_name_stays_inside_when_changed_inside(box: Callable[..., Box]) -> None:
    """By a service that may: the name is seen by the others in there, and by nobody else."""
    before = _names()
    changes = service("hostname newuts; hostname", 'cap_add = ["SYS_ADMIN"]\n')
    other = service("hostname", 'depends_on = {a = "completed"}\n', "b")
    changes = changes.replace("; exec sleep 1000", "").replace(
        "min_uptime", 'type = "oneshot"\nmin_uptime'
    )
    made = box(f"[sandbox]\n{changes}{other}").start()
    assert wait_for(made, name="b") == ["newuts"]
    assert _names() == before


@pytest.mark.row(7)
def test_name_of_the_host_is_seen_when_none_is_set(box: Callable[..., Box]) -> None:
    """The new namespace begins as a copy."""
    made = box(f"[sandbox]\n{NAMES}").start()
    assert wait_for(made)[0] == os.uname().nodename
    assert "uts" in different(made.pid)


@pytest.mark.row(7)
@pytest.mark.parametrize("key", ["hostname", "domainname"])
@pytest.mark.parametrize("whose", ["shared", "/proc/1/ns/uts", "1", "sandbox:web"])
def test_name_is_refused_when_it_would_be_anothers(
    box: Callable[..., Box], key: str, whose: str
) -> None:
    """Without a new uts namespace it would change for the host, or for another sandbox."""
    before = _names()
    done = box(f'[sandbox]\n{key} = "x"\nnamespaces = {{uts = "{whose}"}}\n{NAMES}').run()
    assert done.returncode == 78
    assert f"sandbox.{key}: with a " in done.stderr
    assert 'use uts = "new"' in done.stderr
    assert _names() == before
