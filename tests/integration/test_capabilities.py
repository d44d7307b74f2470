"""What services of a plain init may do: as PID 1, and as a child subreaper."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from nsinit.capnames import NAMES, from_mask
from tests.support.live import ROOT, Live, have
from tests.support.powers import DEFAULT, TELL, Powers, read_powers

if TYPE_CHECKING:
    from tests.integration.conftest import Start

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives up its capabilities")
plain = pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
one_way = pytest.mark.parametrize("way", ["subreaper"], indirect=True)
pytestmark = [pytest.mark.root, ROOT_ONLY]


needs_setpriv = pytest.mark.skipif(not have("setpriv"), reason="needs setpriv of util-linux")
LOW = 611  # a port that root alone may bind
Weak = Callable[..., Live]


@pytest.fixture
def weak(tmp_path: pathlib.Path) -> Iterator[Weak]:
    """Start inits with less than all capabilities: with options of setpriv(1)."""
    with contextlib.ExitStack() as stack:

        def begin(config: str, *options: str) -> Live:
            directory = tmp_path / f"weak{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            made = Live(directory, config, "subreaper")
            made.prefix = ["setpriv", *options, "--"]
            for path in (directory, made.socket.parent):
                os.chmod(path, 0o777)
            stack.callback(made.close)
            return made.start()

        yield begin


def _config(keys: str, command: str = TELL) -> str:
    return f"""
        [init]
        keep_running = true
        [services.a]
        type = "oneshot"
        shell = true
        command = '''{command}'''
        {keys}
        """


def _lines(init: Live, name: str = "a") -> list[str]:
    init.wait_for(name, "exited")
    return [str(row["line"]) for row in init.client.logs(names=[name])]


def _powers(init: Live, name: str = "a") -> Powers:
    return read_powers(_lines(init, name))


def _mine() -> Powers:
    return read_powers(pathlib.Path("/proc/self/status").read_text().splitlines())


@plain
def test_service_has_all_of_inits_when_no_key_is_set(start: Start) -> None:
    """Outside of a sandbox nothing changes by itself."""
    assert _powers(start(_config("")))[:6] == _mine()[:6]


@plain
def test_root_has_exactly_those_when_capabilities_are_given(start: Start) -> None:
    """No exec gives more: the bounding set has no others, and nothing is inheritable."""
    init = start(_config('capabilities = ["cap_chown", "KILL"]'))
    some = {"CHOWN", "KILL"}
    assert _powers(init) == (some, some, set(), some, set(), False, 0)
    assert read_powers(pathlib.Path(f"/proc/{init.pid}/status").read_text().splitlines()) == _mine()


@plain
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('cap_drop = ["ALL"]\ncap_add = ["NET_RAW"]', lambda _: {"NET_RAW"}),
        ('cap_drop = ["SYS_ADMIN", "NET_RAW"]', lambda all_: all_ - {"SYS_ADMIN", "NET_RAW"}),
        ('capabilities = ["ALL", "-SYS_TIME"]', lambda all_: all_ - {"SYS_TIME"}),
        ("capabilities = []", lambda _: set()),
    ],
)
def test_root_has_what_the_words_say_when_they_are_dockers(
    start: Start, keys: str, expected: object
) -> None:
    """All three sets that count for root."""
    assert callable(expected)
    seen = _powers(start(_config(keys)))
    wanted = expected(_mine().permitted)
    assert (seen.effective, seen.permitted, seen.bounding) == (wanted, wanted, wanted)


@plain
def test_user_has_what_is_ambient_when_it_is_not_root(start: Start) -> None:
    """And no more can be had than what bounds it."""
    keys = 'user = 4321\ncapabilities = ["NET_BIND_SERVICE", "KILL"]\nambient = "net_bind_service"'
    some = {"NET_BIND_SERVICE"}
    bounds = {"NET_BIND_SERVICE", "KILL"}
    assert _powers(start(_config(keys))) == (some, some, some, bounds, some, False, 4321)


@one_way
def test_user_has_nothing_when_nothing_is_ambient(start: Start) -> None:
    """As under docker: the set bounds what set-user-ID programs would give."""
    init = start(_config('user = 4321\ncapabilities = ["KILL"]'))
    assert _powers(init) == (set(), set(), set(), {"KILL"}, set(), False, 4321)


@one_way
@pytest.mark.parametrize(
    ("add", "said"), [('ambient = ["NET_BIND_SERVICE"]', "bound"), ("", "Permission denied")]
)
def test_user_binds_a_low_port_when_that_is_ambient(start: Start, add: str, said: str) -> None:
    """The power is real: without it the port is refused."""
    if int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= LOW:
        pytest.skip("anybody may bind any port here")
    program = f"""
import socket
try:
    socket.socket().bind(("127.9.8.7", {LOW}))
    print("bound")
except OSError as error:
    print(error.strerror)
"""
    init = start(
        f"""
        [init]
        keep_running = true
        [services.a]
        type = "oneshot"
        command = ["{sys.executable}", "-I", "-S", "-c", '''{program}''']
        user = 4321
        {add}
        """
    )
    assert _lines(init) == [said]


@one_way
def test_file_cannot_be_given_away_when_chown_is_dropped(
    start: Start, tmp_path: pathlib.Path
) -> None:
    """Root without the capability is refused."""
    file = tmp_path / "file"
    file.touch()
    init = start(_config('cap_drop = "CHOWN"', f"chown 4321 {file} || echo refused"))
    assert "refused" in _lines(init)
    assert file.stat().st_uid == 0


@one_way
@pytest.mark.parametrize(("nnp", "uid"), [("false", "0"), ("true", "4321")])
def test_setuid_program_gives_root_unless_no_new_privs(
    start: Start, tmp_path: pathlib.Path, nnp: str, uid: str
) -> None:
    """The bit of a copy of id(1) counts, or it does not."""
    program = shutil.copy(shutil.which("id") or "", tmp_path / "id")
    os.chmod(program, 0o4755)
    init = start(_config(f"user = 4321\nno_new_privs = {nnp}", f"{program} -u"))
    assert _lines(init) == [uid]


@one_way
def test_hooks_and_commands_are_as_limited_when_the_service_is(start: Start) -> None:
    """A hook, a probe and what `ctl exec` runs have no more than the service itself."""
    init = start(
        f"""
        [services.a]
        command = "sleep 1000"
        capabilities = ["KILL", "CHOWN"]
        no_new_privs = true
        pre_start = {{command = '''{TELL} >$HERE/hook''', shell = true}}
        ready = {{exec = ["sh", "-c", '''{TELL} >$HERE/probe''']}}
        """
    )
    init.wait_for("a", "running")
    some = {"CHOWN", "KILL"}
    none: set[str] = set()
    expected = (some, some, none, some, none, True, 0)
    for name in ("hook", "probe"):
        path = init.directory / name
        assert read_powers(path.read_text().splitlines()) == expected
    done = init.ctl("exec", "a", "--", "sh", "-c", TELL)
    assert read_powers(done.stdout.splitlines()) == expected


LACKS = [
    # what setpriv leaves to init, the keys, and what is told
    (
        "--bounding-set=-all,+chown,+setpcap",
        'cap_add = ["SYS_TIME"]',
        "give the capabilities of /bin/sh: init has no SYS_TIME (it has CHOWN, SETPCAP",
    ),
    (
        "--bounding-set=-setpcap",
        'cap_drop = ["ALL"]',
        "limit the capabilities of /bin/sh: init has no CAP_SETPCAP (no_new_privs = true does",
    ),
]


@needs_setpriv
@pytest.mark.parametrize(("left", "keys", "told"), LACKS)
def test_start_is_refused_when_init_has_not_what_it_takes(
    weak: Weak, left: str, keys: str, told: str
) -> None:
    """What is missing, what there is, and how to get it."""
    reason = weak(_config(keys), left).wait_for("a", "failed")["reason"]
    assert f"cannot {told}" in reason
    assert "in a container: docker run --cap-add S" in reason


@needs_setpriv
def test_service_is_limited_without_setpcap_when_it_gains_nothing(weak: Weak) -> None:
    """With no_new_privs the bounding set does not matter, also for a user without any power."""
    init = weak(_config("cap_drop = 'ALL'\nno_new_privs = true"), "--bounding-set=-setpcap")
    seen = _powers(init)
    assert (seen.effective, seen.permitted, seen.no_new_privs) == (set(), set(), True)
    init = weak(_config("capabilities = []\nno_new_privs = true"), "--reuid=4321", "--clear-groups")
    seen = _powers(init)
    assert (seen.effective, seen.permitted, seen.uid) == (set(), set(), 4321)


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
def test_capabilities_example_works_when_run(start: Start) -> None:
    """In its sandbox; what each service has, as its comments say."""
    text = (ROOT / "config" / "capabilities.toml").read_text()
    own = '[init]\nkeep_running = true\ncontrol = "${HERE}/ctl/control.sock"\n'
    init = start(own + text.replace('name = "capabilities"', ""))
    has = {
        "root": DEFAULT - {"AUDIT_WRITE", "NET_RAW"},
        "web": {"NET_BIND_SERVICE"},
        "nothing": set(),
        "most": {"CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"},
    }
    for name, expected in has.items():
        lines = _lines(init, name)
        mask = next(line for line in lines if line.startswith("CapEff")).split()[1]
        assert {NAMES[cap] for cap in from_mask(int(mask, 16))} == expected
    assert "init is closed to it" in _lines(init, "nothing")
