"""An image that Docker has built and saved runs as a sandbox, of root and of an ordinary user."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.boxes import Box, traces
from tests.support.live import ROOT, eventually, status_field
from tests.support.ranges import FIRST, RangedBox

from .image import base_image, cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .engine import Engine

pytestmark = pytest.mark.root
NAME = "nsinit-saved:1"
# What is there, what is hidden, what became something else, and who it runs as.
DOCKERFILE = """\
FROM {base}
RUN rm -r /usr/share/zoneinfo && mkdir /usr/share/zoneinfo && echo only > /usr/share/zoneinfo/one \\
    && rm /etc/nginx/nginx.conf && rm -r /var/log/apt && echo file > /var/log/apt \\
    && ln -s /etc/passwd /usr/share/link && echo 'mine' > /srv/mine && chown www-data /srv/mine \\
    && chmod 4711 /srv/mine
ENV GREETING="hello $world" PATH=/usr/local/bin:/usr/bin:/bin
RUN rm /usr/share/zoneinfo/one && echo two > /usr/share/zoneinfo/two
WORKDIR /srv/work
USER www-data
STOPSIGNAL SIGUSR1
ENTRYPOINT ["python3", "-c"]
CMD ["{script}"]
"""
SCRIPT = (
    "import json,os,signal,time;"
    "signal.signal(signal.SIGUSR1, lambda *_: os._exit(7));"
    "s=os.stat('/srv/mine');"
    "print('told', json.dumps({"
    "'uid': os.getuid(), 'cwd': os.getcwd(), 'greeting': os.environ['GREETING'],"
    "'zones': os.listdir('/usr/share/zoneinfo'), 'conf': os.path.exists('/etc/nginx/nginx.conf'),"
    "'apt': os.path.isfile('/var/log/apt'), 'link': os.readlink('/usr/share/link'),"
    "'mine': [s.st_uid, oct(s.st_mode)], 'home': 'HERE' in os.environ}), flush=True);"
    "time.sleep(1000)"
)


@pytest.fixture(scope="module")
def archive(engine: Engine, machine: None) -> Iterator[Path]:
    """What docker save has written of an image of several layers."""
    base = base_image(engine, ROOT, cache_directory())
    with tempfile.TemporaryDirectory(prefix="nsinit-saved-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        text = DOCKERFILE.format(base=base, script=SCRIPT.replace('"', '\\"'))
        (directory / "Dockerfile").write_text(text.replace("$world", "\\$world"))
        engine.run_cli("build", "--network", "none", "--tag", NAME, name, timeout=300)
        path = directory / "saved.tar"
        engine.run_cli("save", "--output", str(path), NAME, timeout=300)
        path.chmod(0o644)
        yield path


@pytest.fixture(params=["rootful", "rootless"])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """A box of root, and of a user who has a range of ids."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as name:
        directory = Path(name) / "box"
        directory.parent.chmod(0o755)
        made: Box
        if request.param == "rootful":
            directory.mkdir()
            made = Box(directory, "", 0)
        else:
            made = RangedBox(directory, "")
        made.env["NSINIT_IMAGE_DIR"] = str(directory / "images")
        try:
            yield made
        finally:
            made.close()
            eventually(lambda: not traces(Path(name)), "nothing is left")
            shutil.rmtree(directory)


@pytest.mark.row(48, 49, 50)
def test_image_runs_as_docker_would_run_it_when_it_was_saved(archive: Path, box: Box) -> None:
    """Its layers, its command, user, directory and stop signal; a command of one's own too."""
    done = box.run("image", "import", str(archive))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{NAME}: 4 layers, 4 of them new"), done.stdout
    assert "become yours" not in done.stderr
    box.options = ["--image", NAME]
    box.start()
    told = json.loads(box.wait_for_line("told ").partition("told ")[2])
    assert told == {
        "uid": 33,
        "cwd": "/srv/work",
        "greeting": "hello $world",
        "zones": ["two"],
        "conf": False,
        "apt": True,
        "link": "/etc/passwd",
        "mine": [33, "0o104711"],
        "home": False,
    }
    shift = 0 if box.user == 0 else FIRST - 1
    pids = Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split()
    assert status_field(int(pids[0]), "Uid").split()[0] == str(33 + shift)
    refused = box.run("image", "remove", NAME)
    assert refused.returncode == 1
    assert "it is in use by process" in refused.stderr
    box.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]  # it was started
    assert box.wait() == 7
    box.options = ["--image", NAME, "--", "import os; print('mine', os.listdir('.'))"]
    again = box.run()
    assert "mine []" in again.stdout, again
    assert box.run("image", "remove", NAME).returncode == 0
    left = subprocess.run(
        ["find", box.env["NSINIT_IMAGE_DIR"], "-mindepth", "2"], capture_output=True, check=True
    )
    assert left.stdout == b""
