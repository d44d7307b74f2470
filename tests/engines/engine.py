"""Own one private Docker engine: start it, talk to it, and leave nothing of it behind.

May import `packages` and the standard library. What must stay true:

* The daemon, its containerd, its shims and all containers live in a pid, mount and network
  namespace of their own. So the bridge, the iptables rules and the ip_forward switch that the
  engine makes are not the machine's, a container with ``--pid=host`` sees (and, if nsinit has a
  bug, kills) the engine's processes and nobody else's, and ending the namespace's first process
  ends all of it: no mount, process or network device can outlive `Engine.stop`.
* The network leads nowhere: an image that is not there is an error at once, not a download.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, Self

from .packages import SYSTEM_PATH

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 15.0
LOG_TAIL: Final = 15

# Runs as the first program in the new namespaces.
# /run is ours alone: containerd's shims use /run/containerd/s whatever the exec root is.
# /etc and /opt get a throw-away upper layer: the daemon writes /etc/docker/key.json and
# containerd makes /opt/containerd, and no flag moves either.
SETUP: Final = """\
set -e
mount -t tmpfs -o mode=755 tmpfs /run
for path in /etc /opt; do
    mkdir -p /run/engine/upper$path /run/engine/work$path
    mount -t overlay overlay \
        -o lowerdir=$path,upperdir=/run/engine/upper$path,workdir=/run/engine/work$path $path
done
ip link set lo up
exec "$@"
"""

# The parent-death signal ends the engine when pytest itself is killed; --kill-child hands it on
# to the namespace's first process, which is docker-init because dockerd would not reap shims.
NAMESPACES: Final = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "--net"),
    *("sh", "-c", SETUP, "engine", "docker-init", "--"),
)


class EngineUnavailable(Exception):  # noqa: N818 - a state of the machine, not a mistake
    """The daemon was given every chance and cannot run on this machine."""


class CommandError(Exception):
    """The docker client ended with a status other than 0."""

    def __init__(self, result: subprocess.CompletedProcess[str]) -> None:
        """Say what was run, how it ended and what it printed."""
        self.result = result
        words = " ".join(map(str, result.args))
        super().__init__(f"{words}: exit {result.returncode}\n{result.stdout}{result.stderr}")


class Engine:
    """A Docker engine on its own data root, usable as a context manager."""

    def __init__(self) -> None:
        """Choose the places; nothing runs yet."""
        # Not below pytest's tmp_path: a unix socket's path is limited to 107 bytes.
        self.directory: Final = Path(tempfile.mkdtemp(prefix="nsinit-engine-"))
        self.log: Final = self.directory / "dockerd.log"
        self._socket: Final = self.directory / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the engine."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the engine, whatever happened."""
        self.stop()

    def start(self) -> None:
        """Start the daemon and wait until it answers, or raise `EngineUnavailable`."""
        (self.directory / "daemon.json").write_text("{}")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*NAMESPACES, "dockerd", *self._flags()],
                env={"PATH": SYSTEM_PATH, "HOME": str(self.directory), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_answer(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the daemon and everything it started, and remove its files and cgroups."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process)
        _remove_cgroups(self._cgroup)
        shutil.rmtree(self.directory, ignore_errors=True)

    def run_cli(
        self,
        *args: str,
        check: bool = True,
        timeout: float = 60.0,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
    ) -> subprocess.CompletedProcess[str]:
        """Run the docker client with these arguments and return what it printed."""
        result = subprocess.run(
            self.command(*args),
            env=self.environment(),
            stdin=stdin,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )
        if check and result.returncode != 0:
            raise CommandError(result)
        return result

    def command(self, *args: str) -> list[str]:
        """Return the client's command line, for a test that starts it by itself (a pty, a pipe)."""
        return [_system_program("docker"), *args]

    def environment(self) -> dict[str, str]:
        """Return the environment in which the client finds this engine and no user's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        return {
            **kept,
            "DOCKER_HOST": f"unix://{self._socket}",
            "DOCKER_CONFIG": str(self.directory / "client"),
            # `docker build` by the daemon itself: the other builder is a plugin of the client.
            "DOCKER_BUILDKIT": "0",
        }

    def build_image(self, name: str, root_tar: Path, changes: Sequence[str] = ()) -> None:
        """Make an image of one layer from a root file system's tar archive."""
        options = [word for change in changes for word in ("--change", change)]
        self.run_cli("import", *options, str(root_tar), name, timeout=120)

    @contextlib.contextmanager
    def container(self, *args: str) -> Iterator[str]:
        """Run ``docker run --detach ARGS``, yield the container's id, and remove it at the end."""
        created = self.run_cli("run", "--detach", *args).stdout.strip()
        try:
            yield created
        finally:
            self.run_cli("rm", "--force", "--volumes", created)

    def enter(self, *args: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a host program in the engine's namespaces, where its pids and published ports are."""
        return subprocess.run(
            [*self.enter_command(), *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )

    def enter_command(self) -> list[str]:
        """Return the words that put a host program into the engine's namespaces."""
        target = str(self._first_pid())
        return [_system_program("nsenter"), "--target", target, "--mount", "--pid", "--net", "--"]

    def await_log(self, container: str, pattern: str, timeout: float = 30.0) -> str:
        """Wait until a line of the container's output matches, and return all output so far."""
        end = time.monotonic() + timeout
        seen = b""
        with subprocess.Popen(
            self.command("logs", "--follow", container),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as reader:
            assert reader.stdout is not None
            try:
                while re.search(pattern.encode(), seen, re.MULTILINE) is None:
                    left = end - time.monotonic()
                    ready = left > 0 and select.select([reader.stdout], [], [], left)[0]
                    block = os.read(reader.stdout.fileno(), 65536) if ready else b""
                    if not block:
                        reason = "output ended" if ready else f"nothing in {timeout} s"
                        raise AssertionError(f"no {pattern!r} ({reason}) in: {seen!r}")
                    seen += block
            finally:
                reader.kill()
        return seen.decode(errors="backslashreplace")

    @property
    def _cgroup(self) -> str:
        return self.directory.name

    def _flags(self) -> list[str]:
        """Return the daemon's flags: every place it writes to is named, none is its default."""
        place = self.directory
        return [
            f"--config-file={place / 'daemon.json'}",
            f"--data-root={place / 'data'}",
            f"--exec-root={place / 'exec'}",
            f"--pidfile={place / 'dockerd.pid'}",
            f"--host=unix://{self._socket}",
            "--group=root",
            "--log-level=warn",
            # The cgroup driver that needs no systemd, below a directory that we can find again.
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--cgroup-parent=/{self._cgroup}",
        ]

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        """Ask until the daemon answers; its end or the deadline make it unavailable."""
        end = time.monotonic() + START_TIMEOUT
        with _pidfd(process.pid) as ended:
            while True:
                if self._socket.exists() and self.run_cli("info", check=False).returncode == 0:
                    return
                if select.select([ended], [], [], 0.05)[0]:
                    raise EngineUnavailable(self._reason("the docker daemon ended"))
                if time.monotonic() > end:
                    raise EngineUnavailable(self._reason(f"no answer in {START_TIMEOUT:.0f} s"))

    def _reason(self, what: str) -> str:
        lines = self.log.read_text(errors="backslashreplace").splitlines()[-LOG_TAIL:]
        return "\n".join([f"{what}; the last lines of its log:", *lines])

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the daemon gently, then the whole namespace by force."""
        # Left-over containers would cost their stop timeout each.
        with contextlib.suppress(CommandError, subprocess.TimeoutExpired):
            left = self.run_cli("ps", "--all", "--quiet", timeout=10).stdout.split()
            if left:
                self.run_cli("rm", "--force", *left, timeout=20)
        for number, patience in ((signal.SIGTERM, STOP_TIMEOUT), (signal.SIGKILL, None)):
            # To the namespace's first process: unshare blocks TERM, and it is only after that
            # process's death that the kernel has killed all others and lets unshare return.
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.kill(self._first_pid(process), number)
                process.wait(patience)
        process.kill()
        process.wait()

    def _first_pid(self, process: subprocess.Popen[bytes] | None = None) -> int:
        """Return the pid, seen from outside, of the first process in the engine's namespace."""
        parent = process or self._process
        if parent is None:
            raise ProcessLookupError("the engine is not running")
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        try:
            return int(children.read_text().split()[0])
        except (FileNotFoundError, IndexError):
            raise ProcessLookupError("the engine has ended") from None


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    """Yield a descriptor that becomes readable when the process ends."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _system_program(name: str) -> str:
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        raise EngineUnavailable(f"the program {name} is not installed")
    return found


def _remove_cgroups(name: str) -> None:
    """Remove the engine's own directory from every cgroup hierarchy."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] not in {"cgroup", "cgroup2"}:
            continue
        top = Path(before.split()[4]) / name
        for directory, _, _ in os.walk(top, topdown=False):
            os.rmdir(directory)
