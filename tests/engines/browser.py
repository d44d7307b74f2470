"""Own one headless Chromium, driven by chromedriver's WebDriver protocol over HTTP.

Imports the standard library and `packages` only. What must stay true: the browser has a profile of
its own, loads nothing from anywhere but the address that it is given, and is gone after `close`.

Source: WebDriver, W3C Recommendation.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final, Self

from .packages import SYSTEM_PATH

START_TIMEOUT: Final = 30.0
ANSWER_TIMEOUT: Final = 30.0
PATIENCE: Final = 20.0
ENTER, ESCAPE, DOWN = "\ue007", "\ue00c", "\ue015"
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip


class Browser:
    """A window with one page."""

    def __init__(self, width: int = 1200, height: int = 800) -> None:
        self._profile = tempfile.TemporaryDirectory(
            prefix="nsinit-test-browser-", ignore_cleanup_errors=True
        )
        self._flags = [*FLAGS, f"--window-size={width},{height}"]
        self._flags.append(f"--user-data-dir={self._profile.name}/profile")
        self._driver: subprocess.Popen[bytes] | None = None
        self._address = ""

    def __enter__(self) -> Self:
        environment = {"PATH": SYSTEM_PATH, "HOME": self._profile.name, "LANG": "C.UTF-8"}
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            base = f"http://127.0.0.1:{self._read_port()}/session"
            options = {"args": self._flags}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options}
            made = _ask("POST", base, {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self.close()
            raise
        self._address = f"{base}/{made['sessionId']}"
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and the driver, and all that they have started."""
        if self._address:
            with contextlib.suppress(OSError, RuntimeError):
                _ask("DELETE", self._address)
        if self._driver is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._driver.pid, signal.SIGKILL)
            self._driver.wait()
            if self._driver.stdout is not None:
                self._driver.stdout.close()
        self._profile.cleanup()

    def _read_port(self) -> int:
        """What the driver says on its way up."""
        assert self._driver is not None
        assert self._driver.stdout is not None
        end, text = time.monotonic() + START_TIMEOUT, ""
        while not (found := re.search(r"started successfully on port (\d+)", text)):
            ready, _, _ = select.select(
                [self._driver.stdout], [], [], max(0.0, end - time.monotonic())
            )
            piece = os.read(self._driver.stdout.fileno(), 4096) if ready else b""
            assert piece, f"chromedriver does not start: {text}"
            text += piece.decode(errors="replace")
        return int(found[1])

    # --- What a person does -----------------------------------------------------------------------

    def go(self, address: str) -> None:
        """Load a page."""
        _ask("POST", f"{self._address}/url", {"url": address})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        moves = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": moves}
        _ask("POST", f"{self._address}/actions", {"actions": [source]})

    def screenshot(self, path: pathlib.Path) -> None:
        """Keep what is seen, as a PNG."""
        path.write_bytes(base64.b64decode(_ask("GET", f"{self._address}/screenshot")))

    # --- What a test looks at ---------------------------------------------------------------------

    def run(self, script: str, *arguments: object) -> Any:
        """The value of an expression of JavaScript."""
        body = {"script": f"return ({script});", "args": list(arguments)}
        return _ask("POST", f"{self._address}/execute/sync", body)

    def command(self, name: str, **parameters: object) -> Any:
        """A command of the DevTools protocol."""
        body = {"cmd": name, "params": parameters}
        return _ask("POST", f"{self._address}/goog/cdp/execute", body)

    def accept(self) -> str:
        """Say yes to the question that is asked; its text."""
        text = str(_ask("GET", f"{self._address}/alert/text"))
        _ask("POST", f"{self._address}/alert/accept", {})
        return text

    def wait(self, script: str, why: str, right: Callable[[Any], Any] = bool) -> Any:
        """Wait until an expression is as it should be; its value."""
        end = time.monotonic() + PATIENCE
        while not right(got := self.run(script)):
            assert time.monotonic() < end, f"waited too long: {why}; it is {got!r}"
            select.select([], [], [], 0.05)
        return got

    def text(self) -> str:
        """All that can be read."""
        return str(self.run("document.body.innerText"))


def _ask(method: str, address: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, data, head, method=method)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT) as answer:
            return json.loads(answer.read())["value"]
    except urllib.error.HTTPError as error:
        with error:
            told = json.loads(error.read())["value"]
        raise RuntimeError(f"{told['error']}: {told['message']}") from None
