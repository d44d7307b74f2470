"""The examples in config/ of what starts and restarts services are run."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.support.live import ROOT, Live, eventually, live

if TYPE_CHECKING:
    import pathlib


def said(init: Live, name: str, text: str) -> bool:
    """Whether a service has written a line."""
    return any(row["line"] == text for row in init.client.logs(names=[name]))


def test_schedule_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """With a short beat; each has a time for its next run, and can be run at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    config = (ROOT / "config" / "schedule.toml").read_text()
    with live(tmp_path, config, "subreaper", BEAT="1s", PORT=port) as init:
        init.wait_for("web", "running")
        eventually(lambda: init.status()["beat"]["run"] >= 2, "two beats")
        assert said(init, "beat", "still here")
        for name, text in (("report", "the report of the day"), ("backup", "saved")):
            assert init.status()[name]["next_run"] is not None
            init.ctl("start", name)
            assert said(init, name, text)


def test_watch_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """A change of a source restarts two services, one of its configuration reloads the third."""
    src = tmp_path / "src"
    config = (ROOT / "config" / "watch.toml").read_text()
    with live(tmp_path, config, "subreaper", SRC=str(src), DEBOUNCE="100ms") as init:
        for name in ("worker", "proxy"):
            init.wait_for(name, "running")
        src.mkdir()
        init.wait_for("worker", "running", run=2)
        assert init.status()["app"]["run"] == 2
        (src / "proxy.conf").write_text("x")
        eventually(lambda: said(init, "proxy", "proxy has read it"), "the reload")
        assert init.status()["proxy"]["run"] == 1
