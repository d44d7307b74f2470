"""Services that log by syslog(3) and to the journal, with the programs that people use for it."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import ROOT, eventually, live
from tests.support.replacing import replace

if TYPE_CHECKING:
    import pathlib

    from tests.support.live import Live

TALKER = r"""
import fcntl, logging, logging.handlers, os, socket, struct, sys
log, journal = os.environ["HERE"] + "/log", os.environ["HERE"] + "/j/socket"
handler = logging.handlers.SysLogHandler(log, facility="daemon")
logging.getLogger().addHandler(handler)
logging.warning("plain\n two\x1b[0m")
handler.ident = "me[7]: "
logging.error("caf\xe9")
native = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
native.connect(journal)
native.send(b"MESSAGE=native\nPRIORITY=3\nSYSLOG_IDENTIFIER=jj\nSYSLOG_PID=8\nX=1\n")
native.send(b"PRIORITY=7\nMESSAGE\n" + struct.pack("<Q", 3) + b"a\nb\n")
for size in (100_000, 1_000_000):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, b"MESSAGE=" + b"y" * size + b"\n")
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 15)
    socket.send_fds(native, [b""], [fd])
socket.send_fds(native, [b"MESSAGE=never"], [os.pipe()[0]])
server = socket.create_server(("127.0.0.1", 0))
full = socket.create_connection(server.getsockname())
full.setblocking(False)
try:
    while full.send(bytes(65536)):
        pass
except BlockingIOError:
    pass
full.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))
socket.send_fds(native, [b"MESSAGE=never"], [full.fileno()])
full.close()
for n in range(500):
    logging.error("%d", n)
handler.ident = "me: "
logging.error("last words")
os._exit(3)
"""

CONFIG = """
[init]
keep_running = true
syslog = "{here}/log"
journal = "{here}/j/socket"
[services.talker]
command = ["python3", "-c", '''{talker}''']
restart = "no"
log = {{ file = "{here}/talker.log", ring = "2MiB", max_size = 0 }}
[services.shell]
shell = true
command = '''
logger -u {here}/log -t shell -p auth.err hello
logger -u {here}/log -t shell --rfc5424 'text [x] more'
exec sleep 1000'''
min_uptime = 0
ready = {{ log = "^shell: hello$" }}
"""


def rows(init: Live, **params: object) -> list[dict[str, Any]]:
    """The rows of the log."""
    return list(init.client.logs(**params))


def strangers(init: Live) -> list[str]:
    """What somebody has sent who is no service."""
    found = rows(init, names=["nsinit"])
    return [row["line"] for row in found if row.get("identifier") == "outsider"]


def test_lines_are_those_of_their_services_when_they_come_by_sockets(
    tmp_path: pathlib.Path,
) -> None:
    """With priority and name; to ring, file and console, safe, and before the end is told.

    A connection that is sent along, and lingers when it is closed, holds nobody.
    """
    config = CONFIG.format(here=tmp_path, talker=TALKER)
    with live(tmp_path, config) as init:
        init.wait_for("talker", "failed")
        mine = rows(init, names=["talker"])
        said = {row["line"]: row for row in mine}
        assert {"plain", " two\\x1b[0m", "café", "native", "a", "b", "last words"} <= said.keys()
        keys = ("service", "run", "stream", "priority", "facility", "identifier", "pid")
        picked = {
            text: [said[text].get(key) for key in keys] for text in ("plain", "café", "native")
        }
        assert picked == {
            "plain": ["talker", 1, "syslog", 4, 3, None, None],
            "café": ["talker", 1, "syslog", 3, 3, "me", 7],
            "native": ["talker", 1, "journal", 3, 1, "jj", 8],
        }
        digits = [
            row["line"] for row in mine if row["stream"] == "syslog" and row["line"].isdigit()
        ]
        assert digits == [str(n) for n in range(500)]
        large = "".join(r["line"] for r in mine if r.get("part") or set(r["line"]) == {"y"})
        assert len(large) == 100_000 + (256 << 10) - len("MESSAGE=")
        assert any("bytes more were too many" in text for text in said)
        text = (tmp_path / "talker.log").read_text()
        assert "plain\n two\\x1b[0m\n" in text
        assert "me[7]: café\n" in text
        assert "jj[8]: native\na\nb\n" in text
        assert text.endswith("me: last words\n")
        init.wait_for("shell", "running")
        eventually(lambda: len(rows(init, names=["shell"])) == 2, "two lines")
        shell = rows(init, names=["shell"])
        assert [(r["line"], r["priority"], r["facility"]) for r in shell] == [
            ("hello", 3, 4),
            ("text [x] more", 5, 1),
        ]
        assert "shell  | shell: hello\n" in init.out.read_text()
        assert "in no sealed file" in init.said()


def test_limits_and_filters_hold_when_lines_come_by_a_socket(tmp_path: pathlib.Path) -> None:
    """As for output; a pattern sees the text alone. What was left out is told and counted."""
    program = f"""
import logging, logging.handlers, time
handler = logging.handlers.SysLogHandler("{tmp_path}/log")
handler.ident, handler.append_nul = "me: ", False
logging.getLogger().addHandler(handler)
for n in range(300):
    logging.error("%03d", n)
    logging.error("secret")
time.sleep(1000)
"""
    config = f"""
[init]
syslog = "{tmp_path}/log"
[services.a]
command = ["python3", "-c", '''{program}''']
log = {{ rate_limit = {{ lines = 10 }}, exclude = "^secret", multiline = {{ first = "^0" }} }}
"""

    def lost() -> dict[str, int]:
        found = init.client.status(names=["a"])["services"][0]["logs"]["sinks"]
        return {one["sink"]: one["dropped"] for one in found if one["stream"] == "syslog"}

    def notes() -> list[dict[str, Any]]:
        return [row for row in rows(init, names=["a"]) if "over the rate limit" in row["line"]]

    with live(tmp_path, config) as init:
        init.wait_for("a", "running")
        eventually(lambda: lost().get("filter") == 300 * len("secret\n"), "all have come")
        eventually(
            lambda: (
                sum(int(r["line"].split("(")[1].split()[0]) for r in notes())
                == lost()["rate_limit"]
            ),
            "all is told",
        )
        kept = [row for row in rows(init, names=["a"]) if row not in notes()]
        assert 10 <= len(kept) < 200
        assert len(kept) * 4 + lost()["rate_limit"] == 300 * 4
        assert {row["identifier"] for row in kept} == {"me"}
        assert {row.get("identifier") for row in notes()} == {None}


def test_sockets_stay_when_init_is_replaced_and_go_with_it(tmp_path: pathlib.Path) -> None:
    """Anybody may write to them; a stranger's lines are told apart; nothing else is left behind."""
    path, journal = tmp_path / "log", tmp_path / "j" / "socket"
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    stale.bind(str(path))
    stale.close()
    config = CONFIG.format(here=tmp_path, talker="")
    with live(tmp_path, config) as init:
        init.wait_for("shell", "running")
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert stat.S_IMODE(journal.parent.stat().st_mode) == 0o755
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect(str(path))
            for n in range(3):
                out.send(b"<14>outsider: %d" % n)
                replace(init)
                out.send(b"<14>outsider: again %d" % n)
        eventually(lambda: len(strangers(init)) == 6, "all of them")
        assert strangers(init) == [f"{word}{n}" for n in range(3) for word in ("", "again ")]
        assert "outsider: again 2" in init.ctl("logs", "nsinit").stdout
        init.client.shutdown()
        assert init.wait() == 0
    assert not path.exists()
    assert not journal.parent.exists()


@pytest.mark.parametrize("where", ["{here}/taken", "{here}/file", "/proc/nothing/log"])
def test_services_run_when_a_socket_is_not_to_be_had(tmp_path: pathlib.Path, where: str) -> None:
    """What listens there stays; the reason is told."""
    (tmp_path / "file").write_text("x")
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.bind(str(tmp_path / "taken"))
    config = (
        f'[init]\nsyslog = "{where.format(here=tmp_path)}"\n[services.a]\ncommand = "sleep 99"\n'
    )
    with live(tmp_path, config) as init:
        eventually(lambda: "syslog is not heard" in init.said(), "the reason")
        init.wait_for("a", "running")
    assert (tmp_path / "file").read_text() == "x"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        probe.connect(str(tmp_path / "taken"))
    other.close()
    assert os.path.lexists(tmp_path / "taken")


def test_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """config/syslog.toml, with its sockets elsewhere."""
    config = (ROOT / "config" / "syslog.toml").read_text()
    config = config.replace("syslog = true", f'syslog = "{tmp_path}/log"')
    config = config.replace("journal = true", f'journal = "{tmp_path}/j"')
    config = config.replace("logger -t", f"logger -u {tmp_path}/log -t")
    with live(tmp_path, config.replace("/var/log/", f"{tmp_path}/")) as init:
        init.wait_for("clock", "running")
        eventually(lambda: rows(init, names=["clock"], stream="syslog"), "a tick")
        assert rows(init, names=["clock"])[0]["line"] == "tick"
        assert "clock: tick\n" in (tmp_path / "clock.log").read_text()
