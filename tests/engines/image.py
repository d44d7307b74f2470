"""Own the image that the engine tests run: Debian 12 with real services, and nsinit on top.

May import `engine`, `packages` and the standard library. What must stay true:

* The base (Debian, nsinit's dependencies, the launcher) is a tar archive that is built once per
  machine and kept under a name that is the hash of everything it is made of.
* The package itself is a second, thin layer, so that a changed nsinit costs about a second.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .engine import Engine
from .packages import SYSTEM_PATH

RELEASE: Final = "bookworm"
PYTHON_VERSION: Final = "3.11"
SITE: Final = "/opt/nsinit/site"
PROGRAM: Final = "/usr/local/bin/nsinit"

INCLUDED: Final = (
    # Keeps perl out (46 MB): the package that would pull it in accepts this one instead.
    "usr-is-merged",
    *("python3", "python3-venv", "tzdata"),
    *("nginx-light", "redis-server", "redis-tools"),
    *("curl", "procps", "iproute2"),
)
# Half of the size, and with it half of the import time, would be texts that no test reads.
EXCLUDED: Final = ("doc", "man", "info", "locale", "i18n")

# No site module and nothing from the environment: init hears signals as early as it can.
LAUNCHER: Final = f"""\
#!/usr/bin/python3 -IS
import sys

sys.path.insert(0, "{SITE}")

from nsinit.__main__ import main

sys.exit(main())
"""

# Hash-checked or dated .pyc files would be looked up and refused again in every start.
COMPILE: Final = f"/usr/bin/python3 -m compileall -q --invalidation-mode unchecked-hash {SITE}"
IMAGE_CHANGES: Final = (f'ENTRYPOINT ["{PROGRAM}"]', "CMD []")

BUILD_TIMEOUT: Final = 600.0


class BuildError(Exception):
    """A tool that builds the image ended with a status other than 0."""


def cache_directory() -> Path:
    """Return $NSINIT_TEST_CACHE, or a directory of this user's that outlives the checkout."""
    named = os.environ.get("NSINIT_TEST_CACHE")
    cache = Path(named or Path(tempfile.gettempdir()) / f"nsinit-test-cache-{os.geteuid()}")
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cache.stat().st_uid != os.geteuid():
        raise BuildError(f"cannot use {cache}: it belongs to somebody else")
    return cache


def requirements(project: Path) -> list[str]:
    """Return what nsinit declares to need at run time."""
    return sorted(map(str, _declared(project)["project"]["dependencies"]))


def build_requirements(project: Path) -> list[str]:
    """Return what nsinit declares to need while it is installed from its source."""
    return sorted(map(str, _declared(project)["build-system"]["requires"]))


def base_archive(project: Path, cache: Path) -> Path:
    """Return the base's root tar, built now unless this machine has it already."""
    needed = requirements(project)
    inputs = [RELEASE, PYTHON_VERSION, platform.machine(), INCLUDED, EXCLUDED, LAUNCHER, COMPILE]
    key = hashlib.sha256(json.dumps([inputs, needed]).encode()).hexdigest()[:16]
    archive = cache / f"base-{key}.tar"
    # Parallel test processes wait here for the one that builds.
    with locked(cache / "base.lock"):
        if not archive.exists():
            _build_base(needed, archive)
    return archive


def build_image(engine: Engine, project: Path, cache: Path | None = None) -> str:
    """Make the image with the nsinit package of this checkout, and return its tag."""
    base_tag = base_image(engine, project, cache or cache_directory())
    layer = _package_archive(project)
    content = hashlib.sha256(layer + base_tag.encode() + repr(IMAGE_CHANGES).encode())
    tag = f"nsinit-test:{content.hexdigest()[:16]}"
    if not _has(engine, tag):
        _add_layer(engine, base_tag, layer, tag)
    return tag


def base_image(engine: Engine, project: Path, cache: Path) -> str:
    """Make the image of the base alone, without a package nsinit, and return its tag."""
    base = base_archive(project, cache)
    tag = f"nsinit-base:{base.stem.removeprefix('base-')}"
    if not _has(engine, tag):
        engine.build_image(tag, base)
    return tag


def _add_layer(engine: Engine, base_tag: str, layer: bytes, tag: str) -> None:
    """Unpack and compile the package in a container of the base, and keep the result.

    In a container, because only its Python makes the byte code that its Python reads.
    """
    script = f"tar --extract --directory {SITE} && {COMPILE}/nsinit"
    name = tag.replace(":", "-")
    changes = [word for change in IMAGE_CHANGES for word in ("--change", change)]
    options = ("--interactive", "--network", "none", "--entrypoint", "/bin/sh", "--name", name)
    with tempfile.TemporaryFile() as archive:
        archive.write(layer)
        archive.seek(0)
        try:
            engine.run_cli("run", *options, base_tag, "-c", script, stdin=archive)
            engine.run_cli("commit", *changes, name, tag)
        finally:
            engine.run_cli("rm", "--force", name)


def _package_archive(project: Path) -> bytes:
    """Return a tar of ``nsinit/`` that depends on names and contents alone."""
    package = project / "nsinit"
    if not (package / "__main__.py").is_file():
        raise BuildError(f"cannot build the image: {package}/__main__.py is missing")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                member = tarfile.TarInfo(str(path.relative_to(project)))
                member.size = len(content)
                member.mode = 0o644
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _build_base(needed: list[str], archive: Path) -> None:
    """Build the root file system with mmdebstrap, which lets no package start a service."""
    partial = archive.with_suffix(".partial.tar")
    with tempfile.TemporaryDirectory(prefix="nsinit-base-") as directory:
        stage = Path(directory) / "stage"
        _install_requirements(needed, stage / SITE.lstrip("/"))
        program = stage / PROGRAM.lstrip("/")
        program.parent.mkdir(parents=True)
        program.write_text(LAUNCHER)
        # The stage's own top directory becomes "/", and any user must be able to run nsinit.
        for made in (stage, *stage.rglob("*")):
            made.chmod(0o755 if made.is_dir() or made == program else 0o644)
        excludes = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in EXCLUDED]
        run_tool(
            "mmdebstrap",
            "--variant=essential",
            f"--include={','.join(INCLUDED)}",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=force-unsafe-io",
            *excludes,
            f"--customize-hook=sync-in {shlex.quote(str(stage))} /",
            f'--customize-hook=chroot "$1" {COMPILE}',
            RELEASE,
            str(partial),
            *_apt_sources(),
        )
    partial.rename(archive)


def _install_requirements(needed: list[str], target: Path) -> None:
    """Install wheels for the image's Python, whatever Python runs the tests."""
    run_tool(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)),
        *("--python-version", PYTHON_VERSION, "--only-binary", ":all:", "--no-compile"),
        *needed,
    )
    # Console scripts would start with the path of the Python that ran pip.
    shutil.rmtree(target / "bin", ignore_errors=True)


def _declared(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text())


def _apt_sources() -> list[str]:
    """Return this machine's own Debian sources where they are of the release in question."""
    if platform.freedesktop_os_release().get("VERSION_CODENAME") != RELEASE:
        return []
    places = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [str(place) for place in places if place.is_file()][:1]


def _has(engine: Engine, tag: str) -> bool:
    return engine.run_cli("image", "inspect", tag, check=False).returncode == 0


def run_tool(*command: str) -> None:
    """Run a build tool and put its last words into the error when it fails."""
    environment = {**os.environ, "PATH": f"{SYSTEM_PATH}:{os.environ.get('PATH', '')}"}
    # It would keep the image's Python from writing the byte code that it is asked for.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    result = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        timeout=BUILD_TIMEOUT,
        check=False,
    )
    if result.returncode != 0:
        last = "\n".join(result.stdout.splitlines()[-15:])
        raise BuildError(f"{command[0]}: exit {result.returncode}\n{last}")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock that the kernel drops when its holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
