"""Own the images of the README's Dockerfile and of `nsinit init`'s: their texts, an offline pip.

May import `engine`, `image` and the standard library. What must stay true:

* The Dockerfile is that text but for the line of apt, which can't run without a
  network: that line must be the known one, and the base has the packages that it names.
* What pip would download is in the base, so the README's pip line is the one that runs. It is
  downloaded once per machine; when that fails the image can't be made, which is an error.
"""

import hashlib
import json
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from .engine import Engine
from .image import (
    INCLUDED,
    PYTHON_VERSION,
    BuildError,
    base_image,
    build_requirements,
    cache_directory,
    locked,
    requirements,
    run_tool,
)

FROM: Final = "debian:12-slim"
APT: Final = "RUN apt-get update && apt-get install -y --no-install-recommends "
PACKAGES: Final = ("python3", "python3-venv")
TAG: Final = "nsinit-readme:1"
TEMPLATE_TAG: Final = "nsinit-template:1"
BUILD_TIMEOUT: Final = 300.0

# The tests' base without their launcher and what it imports: nobody but pip brings nsinit.
BASE: Final = """\
FROM {base}
RUN rm -rf /opt/nsinit /usr/local/bin/nsinit
COPY wheels /usr/share/wheels
COPY pip.conf /etc/pip.conf
"""
PIP_CONF: Final = "[global]\nno-index = true\nfind-links = /usr/share/wheels\n"


def readme_block(project: Path, kind: str) -> str:
    """Return the README's first example of this kind, such as "toml"."""
    text = (project / "README.md").read_text()
    found = re.search(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise BuildError(f"cannot find an example of {kind} in README.md")
    return found[1]


def without_apt(dockerfile: str) -> str:
    """Leave out the one line that needs a network, if it is the known one."""
    known = APT + " ".join(PACKAGES)
    lines = dockerfile.splitlines()
    if [line for line in lines if "apt" in line] != [known]:
        raise BuildError(f"the Dockerfile's only line of apt is not {known!r}: {dockerfile}")
    if not set(PACKAGES) <= set(INCLUDED):
        raise BuildError(f"the tests' base lacks some of {PACKAGES}")
    return "\n".join(line for line in lines if line != known) + "\n"


def wheels(project: Path, cache: Path) -> Path:
    """Return a directory of all that pip needs to install nsinit, downloaded unless it is there."""
    needed = [*requirements(project), *build_requirements(project)]
    inputs = [PYTHON_VERSION, platform.machine(), needed]
    key = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]
    target = cache / f"wheels-{key}"
    # Parallel test processes wait here for the one that downloads.
    with locked(cache / "wheels.lock"):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=cache) as directory:
                made = Path(directory) / "wheels"
                run_tool(
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(made)),
                    *("--python-version", PYTHON_VERSION, "--only-binary", ":all:"),
                    *needed,
                )
                made.rename(target)
    return target


def build_readme_image(engine: Engine, project: Path, directory: Path) -> str:
    """Build the README's Dockerfile from this checkout and the README's first nsinit.toml."""
    context = directory / "checkout"
    _copy(project, context)
    (context / "nsinit.toml").write_text(readme_block(project, "toml"))
    (context / "Dockerfile").write_text(readme_block(project, "dockerfile"))
    return _build(engine, project, context, TAG)


def build_template_image(engine: Engine, project: Path, context: Path) -> str:
    """Build what `nsinit init --template container` writes, with this checkout beside it."""
    run_tool(*(sys.executable, "-m", "nsinit", "init", str(context)), "--template", "container")
    _copy(project, context / "nsinit")
    return _build(engine, project, context, TEMPLATE_TAG)


def _copy(project: Path, target: Path) -> None:
    ignored = (project / ".gitignore").read_text().split()
    patterns = (".git", *(pattern.rstrip("/") for pattern in ignored))
    shutil.copytree(project, target, symlinks=True, ignore=shutil.ignore_patterns(*patterns))


def _build(engine: Engine, project: Path, context: Path, tag: str) -> str:
    """Build the Dockerfile that is there, from a base without a network, and return the tag."""
    _build_from(engine, project, context.parent / f"from-{context.name}")
    dockerfile = context / "Dockerfile"
    dockerfile.write_text(without_apt(dockerfile.read_text()))
    engine.run_cli("build", "--tag", tag, str(context), timeout=BUILD_TIMEOUT)
    return tag


def _build_from(engine: Engine, project: Path, context: Path) -> None:
    """Make what stands for the image of Debian: the base, with wheels for an offline pip."""
    cache = cache_directory()
    shutil.copytree(wheels(project, cache), context / "wheels")
    (context / "pip.conf").write_text(PIP_CONF)
    (context / "Dockerfile").write_text(BASE.format(base=base_image(engine, project, cache)))
    engine.run_cli("build", "--tag", FROM, str(context), timeout=BUILD_TIMEOUT)
