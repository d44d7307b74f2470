"""`users.nested = false`: no user namespace can be made inside, whatever root inside tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.live import status_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

TRY = """
[services.a]
main = true
{caps}
command = ["sh", "-c", '''
unshare -U true && echo nested
{attack}
cat /proc/sys/user/max_user_namespaces
unshare -U true && echo nested after all
unshare -m true && echo other kinds work
exit 0''']
"""
LIMIT = "/proc/sys/user/max_user_namespaces"


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (f"echo 9 > {LIMIT}", "Permission denied"),
        (f"chmod 666 {LIMIT}; echo 9 > {LIMIT}", "Permission denied"),
        (("mkdir ${HERE}/p; mount -t proc p ${HERE}/p; echo 9 > ${HERE}/p/sys/user/max_user_names"
            "paces; umount ${HERE}/p"), "Permission denied"),
        ("nsenter -U -t 1 true", "Permission denied"),
        ("echo 9 > /proc/1/root/proc/sys/user/max_user_namespaces", "denied"),
        ("unshare -pf --mount-proc sh -c 'echo 9 > /proc/sys/user/max_user_namespaces'",
            "Permission denied"),
    ],
)  # fmt: skip
def test_no_user_namespace_is_made_when_forbidden(
    box: Callable[..., Box], attack: str, told: str
) -> None:
    """Root of the sandbox with every capability that it can have does not get around it."""
    services = TRY.format(attack=attack, caps='capabilities = "all"')
    done = box(f"[sandbox]\nusers = {{map = 'root', nested = false}}\n{services}").run()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "nested" not in said, said
    assert said.count("No space left on device") >= 2, said
    assert any(word in said for word in told.split("|")), said
    assert "| 0" in said
    assert "other kinds work" in said, said


def test_user_namespaces_are_made_when_they_are_not_forbidden(box: Callable[..., Box]) -> None:
    """So the tests above see the difference."""
    services = TRY.format(attack="true", caps='seccomp = "unconfined"')
    done = box(f"[sandbox]\nusers = 'root'\n{services}").run()
    assert "nested after all" in done.stdout, done


def test_limit_is_the_sandboxes_own_when_it_is_set(box: Callable[..., Box]) -> None:
    """The sysctl of the machine stays what it is.

    Init could do with the capability that it gives up: to set a limit of a service.
    """
    with open(LIMIT, encoding="ascii") as file:
        before = file.read()
    made = box("""
[sandbox]
users = {nested = false}
[services.a]
command = "sh -c 'cat /proc/sys/user/max_user_namespaces; exec sleep 99'"
limits = {nofile = 100}
""")
    made.start().wait_for_line("| 0")
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert not int(status_field(made.pid, kind), 16) >> 24 & 1, "CAP_SYS_RESOURCE is gone"
    with open(LIMIT, encoding="ascii") as file:
        assert file.read() == before
    assert made.stop() == 0
