"""Figures as a real Prometheus has them, by the files in config/."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import DEADLINE, ROOT, eventually, live

from .packages import SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("machine")
FILES = ROOT / "config" / "prometheus"


def promtool(*words: str, text: str | None = None) -> None:
    """Let it check something; it has to find nothing."""
    done = subprocess.run(
        ["promtool", *words], cwd=FILES, env={"PATH": SYSTEM_PATH}, input=text,
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done


def free_port() -> int:
    """One that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def prometheus(directory: pathlib.Path, target: int) -> Iterator[str]:
    """One that scrapes that port by the example, every second; its address."""
    config = (FILES / "prometheus.yml").read_text()
    config = config.replace(": 15s", ": 1s").replace("127.0.0.1:9150", f"127.0.0.1:{target}")
    (directory / "prometheus.yml").write_text(config)
    shutil.copy(FILES / "alerts.yml", directory)
    port = free_port()
    process = subprocess.Popen(
        ["prometheus", f"--config.file={directory}/prometheus.yml",
         f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}"],
        env={"PATH": SYSTEM_PATH}, cwd=directory,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def query(address: str, expression: str) -> dict[str, float]:
    """The values of an expression by service and replica; nothing while there is no answer."""
    target = f"{address}/api/v1/query?query={urllib.parse.quote(expression)}"
    try:
        with urllib.request.urlopen(target, timeout=DEADLINE) as answer:
            rows: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
    except OSError:
        return {}
    return {
        "@".join(filter(None, (row["metric"].get(key) for key in ("service", "replica")))): float(
            row["value"][1]
        )
        for row in rows
    }


def test_prometheus_has_the_figures_when_it_scrapes_the_port() -> None:
    """It finds the target up, asks for OpenMetrics, and knows of a service that comes and goes."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as made:
        here = pathlib.Path(made)
        config = (ROOT / "config" / "metrics.toml").read_text()
        more = "[services.bad]\ncommand = 'sh -c \"exit 3\"'\nrestart = 'no'\n"
        port, web = free_port(), free_port()
        places = {"METRICS_PORT": str(port), "WEB_PORT": str(web)}
        with live(here, config + more, "subreaper", **places) as init:
            init.wait_for("worker@2", "running")
            init.wait_for("bad", "failed")
            text = init.client.metrics(format="prometheus")
            promtool("check", "metrics", text=text)
            with prometheus(here, port) as address:
                eventually(lambda: query(address, 'up{job="nsinit"}') == {"": 1.0}, "it is up")
                up = {"web": 1.0, "worker@1": 1.0, "worker@2": 1.0, "migrate": 0.0, "bad": 0.0}
                eventually(lambda: query(address, "nsinit_service_up") == up, "who is up")
                assert query(address, "nsinit_service_last_exit_code")["bad"] == 3
                failed = query(address, 'nsinit_service_state{state="failed"} == 1')
                assert failed == {"bad": 1.0}
                assert query(address, "nsinit_service_memory_bytes")["web"] > 1e6
                [(_, began)] = query(address, "process_start_time_seconds{job='nsinit'}").items()
                assert abs(time.time() - began) < 60
                init.client.stop(names=["worker@2"])
                eventually(
                    lambda: query(address, "nsinit_service_up").get("worker@2") == 0.0, "it is down"
                )
                with urllib.request.urlopen(f"{address}/api/v1/rules", timeout=DEADLINE) as answer:
                    groups = json.loads(answer.read())["data"]["groups"]
                assert {rule["health"] for rule in groups[0]["rules"]} <= {"ok", "unknown"}


def test_rules_are_right_when_promtool_reads_them() -> None:
    """The configuration, the alerts, and when those are raised."""
    promtool("check", "config", "prometheus.yml")
    promtool("test", "rules", "rules_test.yml")
