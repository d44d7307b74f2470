"""Where output goes, in which form, and what is counted, with real services."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.live import DEADLINE, NSINIT, ROOT, Live, eventually, live
from tests.support.logfiles import SLEEPER
from tests.support.terminal import Screen

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start


def test_console_is_json_when_asked(start: Start) -> None:
    """Init's own lines too; a service may have another form, and stderr yet another."""
    config = f"""
[init]
log = {{format = "json", level = "debug"}}
{SLEEPER}
[services.b]
type = "oneshot"
command = ["sh", "-c", "echo out; printf 'last \\\\377' >&2"]
[services.c]
type = "oneshot"
command = ["sh", "-c", "echo one; echo two >&2"]
log = {{format = "text", stderr = {{format = "time"}}}}
"""
    init = start(config)
    init.wait_for("b", "exited")
    init.wait_for("c", "exited")
    out, err = init.out.read_text().splitlines(), init.err.read_text().splitlines()
    (plain,) = (line for line in out if not line.startswith("{"))
    assert plain == "c      | one"
    (timed,) = (line for line in err if not line.startswith("{"))
    assert timed.endswith("Z c      | two")
    rows = [json.loads(line) for line in out + err if line.startswith("{")]
    (b_out, b_err) = (row for row in rows if row["service"] == "b")
    keys = ("service", "replica", "run", "stream", "message", "base64")
    assert [b_out.get(key) for key in keys] == ["b", 1, 1, "stdout", "out", None]
    assert [b_err.get(key) for key in keys] == ["b", 1, 1, "stderr", "last \ufffd", "bGFzdCD/"]
    own = [row for row in rows if row["service"] == "nsinit"]
    assert any("b ended with code 0" in row["message"] for row in own)
    assert all(row["time"].endswith("Z") and len(row["time"]) == 27 for row in rows)


def test_names_have_colors_when_stdout_is_a_terminal(tmp_path: pathlib.Path) -> None:
    """Not when its user wants none, and not in a file."""
    config = tmp_path / "x.toml"
    config.write_text('[services.b]\ncommand = "echo hello"\ntype = "oneshot"\n')
    for words, text in (
        (["TERM=xterm"], "\x1b[33mb     \x1b[0m | hello"),
        (["TERM=xterm", "NO_COLOR=1"], "b      | hello"),
        (["TERM=dumb"], "b      | hello"),
    ):
        command = ["env", *words, *NSINIT, "run", str(config)]
        with Screen(command, tmp_path, NSINIT_SOCKET=str(tmp_path / "s")) as screen:
            screen.wait_for(rf"(^|\n){re.escape(text)}")


def test_every_byte_is_there_or_counted_when_stdout_is_blocked(tmp_path: pathlib.Path) -> None:
    """For each service: what was read of the console, and what its counter says was dropped."""
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    config = SLEEPER + "".join(
        f"[services.{name}]\ntype = 'oneshot'\n"
        f'command = ["sh", "-c", \'yes {name * 30} | head -c {size}\']\n'
        for name, size in (("b", 3_100_000), ("c", 6_200_000))
    )
    made = Live(tmp_path, config, "subreaper")
    try:
        made.start(stdout=writer)
        os.close(writer)
        for name in "bc":
            made.wait_for(name, "exited")
        before = made.status()["a"]
        os.kill(before["pid"], 9)  # who blocks stdout blocks nobody
        made.wait_for("a", "running", run=before["run"] + 1)
        rows = {name: made.client.status(names=[name])["services"][0]["logs"] for name in "bc"}
        read = bytearray()
        os.set_blocking(reader, False)

        def drained() -> bool:
            try:
                while True:
                    read.extend(os.read(reader, 1 << 20))
            except BlockingIOError:
                return b"were dropped here: stdout took no more" in read

        eventually(drained, "the loss is told")
        bytes(read).split(b"\n")
        for name, size in (("b", 3_100_000), ("c", 6_200_000)):
            logs = rows[name]
            (sink,) = (one for one in logs["sinks"] if one["stream"] == "stdout")
            lines = [
                line for line in bytes(read).split(b"\n") if line.startswith(f"{name} ".encode())
            ]
            assert set(lines) <= {f"{name:<6} | {name * 30}".encode()}
            assert logs["bytes"] == size
            assert sink["bytes"] == size + 9 * size // 31
            assert sum(len(line) + 1 for line in lines) == sink["bytes"] - sink["dropped"]
            assert logs["dropped"] == sink["dropped"] > 0
        told = [
            int(line.split()[3]) for line in bytes(read).split(b"\n") if b"dropped here" in line
        ]
        assert sum(told) == sum(row["dropped"] for row in rows.values())
    finally:
        made.close()
        os.close(reader)


def test_file_is_rotated_by_the_day_when_it_says_so(start: Start) -> None:
    """The clock jumps to the next day; lines have the time, and one that was cut is whole."""
    config = (
        SLEEPER
        + """
[services.b]
command = ["sh", "-c", "while :; do echo tick; head -c 100000 /dev/zero | tr '\\\\0' x; echo; \
sleep 0.2; done"]
min_uptime = 0
[services.b.log]
file = "${HERE}/x.log"
rotate = "daily"
file_format = "time"
compress = false
"""
    )
    init = start(config, NSINIT_CLOCK="1767225000,+86400@1.5", TZ="UTC")
    old, new = init.directory / "x.log.1", init.directory / "x.log"
    eventually(lambda: old.exists() and b"tick" in new.read_bytes(), "the day is over")
    first = old.read_text().splitlines()
    assert all(line.startswith("2025-12-31T23:50:") for line in first)
    assert new.read_text().startswith("2026-01-01T23:50:")
    assert {line.partition(" ")[2] for line in first} == {"tick", "x" * 100_000}


def test_lines_are_shaped_when_it_is_asked_for(start: Start) -> None:
    """Records in JSON, no noise, no more than may be: and a line that was left out is a sign."""
    config = f"""
[init.log]
format = "json"
{SLEEPER}
[services.b]
command = ["sh", "-c", '''echo "2026 boom"; echo "  at x"; echo noise; echo "2026 next"; \
echo ready >&2; sleep 1000''']
ready = {{ log = "^(ready|noise)" }}
[services.b.log]
multiline = {{ first = "^2026", timeout = "50ms" }}
exclude = "noise|^ready"
[services.c]
type = "oneshot"
command = ["sh", "-c", "seq 1 100000"]
log = {{ rate_limit = {{ lines = 1000 }}, file = "${{HERE}}/x.log", to = ["console", "file"] }}
"""
    init = start(config)
    init.wait_for("b", "running")
    init.wait_for("c", "exited")

    def said(name: str) -> list[str]:
        rows = [json.loads(row) for row in init.out.read_text().splitlines()]
        return [row["message"] for row in rows if row["service"] == name]

    eventually(lambda: "2026 next" in said("b"), "what was held for long enough")
    assert said("b") == ["2026 next"]  # the other record has noise in it
    logs = init.client.status(names=["b", "c"])["services"]
    drops = {
        (row["name"], one["stream"], one["sink"]): one["dropped"]
        for row in logs
        for one in row["logs"]["sinks"]
        if one["dropped"]
    }
    lost = drops.pop(("c", "stdout", "rate_limit"))
    assert drops == {("b", "stdout", "filter"): 23, ("b", "stderr", "filter"): 6}
    lines = said("c")
    assert lines == (init.directory / "x.log").read_text().splitlines()
    notes = [line for line in lines if "were dropped here: over the rate limit" in line]
    kept = sum(len(line) + 1 for line in lines if line not in notes)
    assert kept + lost == 588_895
    assert sum(int(line.split("(")[1].split()[0]) for line in notes) == lost
    assert 1000 <= len(lines) < 20_000


@pytest.mark.every_loop
def test_init_goes_on_when_a_pattern_takes_for_ever(start: Start, loop: str) -> None:
    """It is told, and lines pass without it; the next service is not kept waiting."""
    config = f"""
[init]
loop = "{loop}"
{SLEEPER}
[services.b]
command = ["sh", "-c", "head -c 2000 /dev/zero | tr '\\\\0' a; echo b; exec sleep 1000"]
log = {{ exclude = "^(a|a)*$" }}
"""
    init = start(config)
    eventually(lambda: "its patterns take too long" in init.said(), "it is told")
    eventually(lambda: "aaaab" in init.said(), "the line is there")
    before = init.wait_for("a", "running")
    os.kill(init.outer_pid(before["pid"]), 9)
    init.wait_for("a", "running", run=before["run"] + 1)
    assert "error" not in init.said()


def test_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """Of config/logs.toml: three places for one stream, a record of two lines, and a limit."""
    config = (ROOT / "config" / "logs.toml").read_text()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(DEADLINE)
        given = {"LOG_DIR": str(tmp_path), "SYSLOG": str(tmp_path / "log"), "LOG_FORMAT": "json"}
        with live(tmp_path, config, "subreaper", **given) as init:
            heard = {daemon.recv(1000) for _ in range(2)}
            assert {message[:5] for message in heard} == {b"<134>", b"<131>"}
            eventually(lambda: "Z web    | a request" in init.said(), "the console has it")
            row = json.loads((tmp_path / "web.log").read_text().splitlines()[0])
            assert row["message"] in ("a request", "a complaint")
            eventually(lambda: '"2026-01-01 boom\\n  at main()"' in init.said(), "a record")
            eventually(lambda: "over the rate limit" in init.said(), "there is a limit")
            assert "GET /health" not in init.said()
