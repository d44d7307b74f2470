"""`config/identity.toml` runs as its first lines say, with docker's capabilities and with all."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ROOT, environment, have

if TYPE_CHECKING:
    import pathlib

# What docker gives to root by default, as numbers of capabilities(7).
DOCKERS = "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,"
DOCKERS += "sys_chroot,mknod,audit_write,setfcap"
CONTAINER = ["setpriv", "--bounding-set", "-all," + ",".join(f"+{n}" for n in DOCKERS.split(","))]
NAMESPACE = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the example changes users")
@pytest.mark.skipif(not have("setpriv", "unshare"), reason="needs setpriv of util-linux")
@pytest.mark.parametrize("prefix", [[], [*NAMESPACE, *CONTAINER]], ids=["host", "container"])
def test_example_runs_when_started_as_it_says(tmp_path: pathlib.Path, prefix: list[str]) -> None:
    """Each service shows what became of its keys."""
    env = environment(NSINIT_SOCKET=str(tmp_path / "s"), WHO="you")
    done = subprocess.run(
        [*prefix, *NSINIT, "run", "config/identity.toml"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert "| hello you, at http://localhost:8080, with a password of 17 characters" in done.stdout
    assert "| nobody is 65534:65534 at home in /nonexistent, in / with umask 0027" in done.stdout
    assert "| nice 10, oom_score_adj 500, 256 files" in done.stdout


def test_example_is_right_when_checked_with_a_command() -> None:
    """As the entry point of an image with a CMD."""
    done = subprocess.run(
        [*NSINIT, "check", "config/identity.toml", "--", "true"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "4 services" in done.stdout) == (0, True), done
