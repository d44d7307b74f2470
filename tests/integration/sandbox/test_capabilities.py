"""What services in a sandbox may do, and what its init keeps."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import eventually
from tests.support.powers import DEFAULT, TELL, Powers, read_powers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    Make = Callable[..., Box]

NONE: set[str] = set()
# What init keeps of its own, whatever its services are.
INIT = DEFAULT | {"SYS_PTRACE"}
# adjtimex(2): a tick of 0 us, which is refused as invalid to who may set the clock, so that this
# can't change it in any case.
ADJUST = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.adjtimex(ctypes.create_string_buffer(b"\\x00\\x40" + bytes(254), 256))
print("errno", ctypes.get_errno())
"""


def _config(keys: str = "", sandbox: str = "", command: str = TELL) -> str:
    return f"""
[sandbox]
{sandbox}
[services.a]
main = true
shell = true
command = '''{command}'''
{keys}
"""


def _powers(made: Box) -> Powers:
    done = made.run()
    assert done.returncode == 0, done
    return read_powers(done.stdout.splitlines())


@pytest.mark.row(47)
def test_root_has_dockers_capabilities_when_nothing_is_said(box: Make) -> None:
    """And no exec gives more: neither by the bounding set nor by set-user-ID."""
    assert _powers(box(_config())) == (DEFAULT, DEFAULT, NONE, DEFAULT, NONE, True, 0)


@pytest.mark.row(47)
@pytest.mark.parametrize(
    ("sandbox", "keys", "expected"),
    [
        ("", "cap_add = ['NET_ADMIN']", DEFAULT | {"NET_ADMIN"}),
        ("", "cap_drop = ['CAP_CHOWN', 'net_raw']", DEFAULT - {"CHOWN", "NET_RAW"}),
        ("", "cap_drop = ['ALL']\ncap_add = ['NET_ADMIN']", {"NET_ADMIN"}),
        ("cap_drop = ['ALL']", "cap_add = ['KILL']", {"KILL"}),
        ("cap_add = ['NET_ADMIN']", "cap_drop = ['ALL']", NONE),
        ("capabilities = ['NET_ADMIN', 'KILL']", "", {"NET_ADMIN", "KILL"}),
        ("capabilities = ['NET_ADMIN']", "capabilities = []", NONE),
    ],
)
def test_root_has_what_was_added_and_not_what_was_dropped(
    box: Make, sandbox: str, keys: str, expected: set[str]
) -> None:
    """The sandbox's words first, the service's on top."""
    seen = _powers(box(_config(keys, sandbox)))
    assert (seen.effective, seen.permitted, seen.bounding) == (expected, expected, expected)


@pytest.mark.row(47)
@pytest.mark.parametrize(("more", "said"), [("", "refused"), (", 'NET_ADMIN'", "done")])
def test_interface_is_set_up_only_with_net_admin(box: Make, more: str, said: str) -> None:
    """As `docker run --cap-add=NET_ADMIN` shows, on the lo of a network namespace of its own."""
    command = 'unshare --net sh -c "ip link set lo up 2>&1 && echo done || echo refused"'
    made = box(_config(f"cap_add = ['SYS_ADMIN'{more}]", command=command))
    assert made.run().stdout.split()[-1] == said


@pytest.mark.row(47)
def test_init_keeps_only_what_it_needs_when_it_runs(box: Make) -> None:
    """Its own, what its services get, and nothing that it could get back by an exec."""
    made = box(_config("cap_add = ['IPC_LOCK']", command="echo here; exec sleep 1000")).start()
    made.wait_for_line("here")
    with open(f"/proc/{made.pid}/status") as file:
        seen = read_powers(file)
    kept = INIT | {"IPC_LOCK"}
    assert seen[:5] == (kept, kept, NONE, kept, NONE)
    assert made.stop() == 143


@pytest.mark.row(47)
@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # it is a power over the host
def test_init_keeps_what_keys_of_services_take(box: Make) -> None:
    """To set a nice value of another is a power of init's, and not of the service."""
    assert "nice -3" in box(_config("nice = -3", command='echo "nice $(nice)"')).run().stdout


@pytest.mark.row(63)
def test_clock_of_the_host_is_not_set_from_inside(box: Make) -> None:
    """Time is not namespaced: EPERM, by root of the sandbox too."""
    made = box(
        f"""
[sandbox]
[services.a]
main = true
command = ["{sys.executable}", "-I", "-S", "-c", '''{ADJUST}''']
"""
    )
    assert "errno 1\n" in made.run().stdout


@pytest.mark.parametrize(("nnp", "expected"), [("", True), ("no_new_privs = false", False)])
@pytest.mark.parametrize("table", ["sandbox", "service"])
def test_no_new_privs_is_set_unless_it_is_turned_off(
    box: Make, table: str, nnp: str, expected: bool
) -> None:
    """For the whole sandbox or for one service."""
    made = box(_config(nnp, "") if table == "service" else _config("", nnp))
    assert _powers(made).no_new_privs is expected


@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # else there is one id only
def test_user_has_what_is_ambient_when_root_is_left(box: Make) -> None:
    """The sandbox's word for all of its services."""
    some = {"NET_BIND_SERVICE"}
    made = box(_config("user = 4321", "ambient = ['NET_BIND_SERVICE']"))
    assert _powers(made) == (some, some, some, DEFAULT, some, True, 4321)


def test_start_is_refused_when_init_has_given_up_what_an_update_wants(box: Make) -> None:
    """It has what its first configuration asked for; the service says what is missing."""
    made = box(_config(command="echo here; exec sleep 1000")).start()
    made.wait_for_line("here")
    text = made.config.read_text()
    made.config.write_text(f"{text}\n[services.b]\ncommand = 'true'\ncap_add = 'SYS_TIME'\n")
    made.client.update()

    def reason() -> str:
        rows = {row["name"]: row for row in made.client.status()["services"]}
        return str(rows["b"]["reason"])

    told = eventually(lambda: "SYS_TIME" in reason() and reason(), "it is refused")
    assert "cannot give the capabilities of true: init has no SYS_TIME (it has CHOWN, " in told


@pytest.mark.row(47)
def test_service_has_its_own_space_when_init_has_given_up_the_rest(box: Make) -> None:
    """Init keeps what it takes to make one, and the service has no more than any other."""
    made = box(_config("namespaces = {net = 'new', mount = 'new'}", command=f"{TELL}; ls /sys"))
    seen = _powers(made)
    assert (seen.effective, seen.bounding, seen.no_new_privs) == (DEFAULT, DEFAULT, True)
