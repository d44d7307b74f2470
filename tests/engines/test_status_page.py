"""The status page in a real browser: Debian's Chromium, driven as a person would."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import tempfile
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.live import ROOT, Live, eventually, live

from .browser import DOWN, ENTER, ESCAPE, Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("machine")

TOKEN: Final = "correct-horse-battery"
HOSTILE: Final = "<img src=x onerror=pwned=1><script>pwned=1</script>"
CONFIG: Final = """
[init]
keep_running = true
[init.listen]
address = "127.0.0.1:{port}"
token_file = "{token}"
actions = true
[services.db]
description = "{hostile}"
command = "sh -c 'echo lo''ok; exec sleep 1000'"
min_uptime = 0
restart = "always"
restart_delay = 0.3
[services.hostile]
type = "notify"
command = ["python3", "{here}/tell.py", "{hostile}"]
[services.job]
type = "oneshot"
command = "sh -c 'exit 3'"
[services.web]
command = "sleep 1000"
depends_on = ["db"]
replicas = 2
min_uptime = 0
"""
TELL: Final = """\
import os, socket, sys, time
made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
made.connect(os.environ["NOTIFY_SOCKET"])
made.send(b"READY=1\\nSTATUS=" + sys.argv[1].encode())
print(sys.argv[1], flush=True)
time.sleep(1000)
"""
ROWS: Final = "[...document.querySelectorAll('#rows tr')].map(row => row.dataset.name)"
STATE: Final = "document.querySelector('#rows tr[data-name=\"{}\"] .tag')?.textContent"


def equals(value: object) -> Callable[[object], bool]:
    """What an expression has to be."""
    return lambda got: got == value


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests: it takes a second to start."""
    with Browser() as made:
        yield made


@pytest.fixture
def init() -> Iterator[Live]:
    """An init with a page, and `page` in its environment as the address of that."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as made:
        here = pathlib.Path(made)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (here / "token").write_text(TOKEN)
        (here / "tell.py").write_text(TELL)
        config = CONFIG.format(port=port, token=here / "token", hostile=HOSTILE, here=here)
        with live(here, config, PAGE=f"http://127.0.0.1:{port}/") as init:
            init.wait_for("web@2", "running")
            init.wait_for("hostile", "running")
            init.wait_for("job", "failed")
            yield init


def test_page_is_live_when_services_change(browser: Browser, init: Live) -> None:
    """What is killed is seen to die and to come back; all is reached by keys; nothing is loaded."""
    browser.go(init.env["PAGE"])
    browser.wait(ROWS, "rows", lambda got: got == ["db", "hostile", "job", "web@1", "web@2"])
    browser.wait("document.getElementById('link').textContent", "live", equals("live"))
    assert browser.run(STATE.format("job")) == "failed"
    assert "(1) nsinit" in browser.run("document.title")
    pid = init.status()["db"]["pid"]
    browser.run("window.seen = [], new MutationObserver(() => seen.push(" + STATE.format("db")
                + ")).observe(document.getElementById('rows'), {subtree: true, childList: true,"
                " characterData: true})")  # fmt: skip
    os.kill(pid, signal.SIGKILL)
    browser.wait("window.seen", "its end is seen", lambda seen: "backoff" in seen)
    browser.wait(STATE.format("db"), "it is back", equals("running"))
    restarts = "document.querySelector('#rows tr[data-name=db]').cells[3].textContent"
    browser.wait(restarts, "restarts", equals("1"))
    browser.wait("document.querySelector('#rows tr[data-name=db]').cells[6].textContent", "memory")

    browser.press("/")
    browser.press(*"WEB")
    browser.wait(ROWS, "those that fit", equals(["web@1", "web@2"]))
    browser.press(ENTER, DOWN, ENTER)
    heading = "document.querySelector('#detail h2')?.textContent"
    browser.wait(heading, "details of the second", equals("web@2"))
    assert "db: running" in browser.run("document.getElementById('detail').innerText")
    browser.press(ESCAPE)
    assert browser.run("document.getElementById('detail').hidden") is True
    assert browser.run("document.activeElement.dataset.name") == "web@2"
    browser.press(ESCAPE)
    browser.wait(f"({ROWS}).length", "all again", equals(5))
    browser.press("?")
    assert browser.run("document.getElementById('keys').open") is True
    browser.press(ESCAPE)
    loaded = browser.run("performance.getEntriesByType('resource').map(one => one.name)")
    assert all(name.startswith(init.env["PAGE"]) for name in loaded)


def test_text_is_only_text_when_it_is_hostile(browser: Browser, init: Live) -> None:
    """In descriptions, in what a service says of itself, in its output; also for who may read it.

    Whoever has the token may steer: the button stops a service, after a question.
    """
    browser.go(init.env["PAGE"])
    browser.wait(STATE.format("hostile"), "rows", equals("running"))
    assert browser.text().count(HOSTILE) >= 2
    browser.run("document.getElementById('key').click()")
    browser.run("(document.getElementById('token').value = arguments[0], "
                "document.getElementById('ask-form').requestSubmit())", TOKEN)  # fmt: skip
    browser.run("document.querySelector('#rows tr[data-name=hostile]').click()")
    browser.wait("document.querySelector('#detail pre')?.textContent", "output", equals(HOSTILE))
    assert browser.run("typeof pwned") == "undefined"
    assert browser.run("document.querySelectorAll('img, #rows script, #detail script').length") == 0
    browser.run("document.querySelector('#rows tr[data-name=db]').click()")
    heading = "document.querySelector('#detail h2')?.textContent"
    browser.wait(heading, "details of the other", equals("db"))
    stop = "[...document.querySelectorAll('#detail button')].find(one => one.textContent == 'Stop')"
    browser.wait(stop, "a button")
    browser.run(f"setTimeout(() => {stop}.click())")
    assert eventually(lambda: _accepted(browser), "a question") == "stop db?"
    browser.wait(STATE.format("db"), "it is stopped", equals("stopped"))
    browser.run("sessionStorage.clear()")


def _accepted(browser: Browser) -> str:
    try:
        return browser.accept()
    except RuntimeError:
        return ""


def test_page_finds_back_when_init_was_away(browser: Browser, init: Live) -> None:
    """It says so meanwhile, and then shows what there is: of another init, other services."""
    browser.go(init.env["PAGE"])
    link = "document.getElementById('link').textContent"
    browser.wait(link, "live", equals("live"))
    init.client.shutdown(now=True)
    assert init.wait() == 0
    browser.wait(link, "it tells", lambda text: "disconnected" in text)
    init.config.write_text(init.config.read_text().replace("[services.job]", "[services.fresh]"))
    init.start()
    browser.wait(link, "live again", equals("live"))
    browser.wait(ROWS, "the services of the other", lambda names: "fresh" in names)
    if shots := os.environ.get("NSINIT_SCREENSHOTS"):
        _take(browser, pathlib.Path(shots))


def _take(browser: Browser, directory: pathlib.Path) -> None:
    """For a person to look at: light, dark, narrow."""
    browser.screenshot(directory / "light.png")
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.command("Emulation.setEmulatedMedia", features=dark)
    browser.screenshot(directory / "dark.png")
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.command("Emulation.setDeviceMetricsOverride", **size)
    browser.screenshot(directory / "narrow.png")


def test_page_fits_when_the_window_is_narrow(browser: Browser, init: Live) -> None:
    """Nothing is cut off, and a row is one to a screen reader."""
    size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": True}
    browser.command("Emulation.setDeviceMetricsOverride", **size)
    try:
        browser.go(init.env["PAGE"])
        browser.wait(f"({ROWS}).length", "rows", equals(5))
        assert browser.run("document.documentElement.scrollWidth") <= 360
        tree = browser.command("Accessibility.getFullAXTree")["nodes"]
        roles = [node["role"]["value"] for node in tree if not node.get("ignored")]
        assert roles.count("row") >= 5
        assert {"grid", "status", "searchbox", "toolbar", "heading"} <= set(roles)
        unnamed = [
            node for node in tree
            if node["role"]["value"] in ("button", "searchbox") and not node.get("ignored")
            and not node["name"]["value"]
        ]  # fmt: skip
        assert unnamed == []
    finally:
        browser.command("Emulation.clearDeviceMetricsOverride")


def test_page_is_small_when_it_is_installed() -> None:
    """It is part of the package."""
    assert (ROOT / "nsinit" / "resources" / "status.html").stat().st_size < 60_000
