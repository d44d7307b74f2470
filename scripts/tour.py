"""The tour of scripts/run: what a user would type, one after the other, and what it prints."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NSINIT = [str(pathlib.Path(sys.executable).parent / "nsinit")]
DEADLINE = 30.0


def say(text: str) -> None:
    """Tell what comes next."""
    print(f"\n\x1b[1m# {text}\x1b[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def ctl(*arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `nsinit ctl -s demo ...`, shown with what it prints."""
    command = [*NSINIT, "ctl", "-s", "demo", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not quiet:
        print("$ nsinit ctl", *arguments, flush=True)
        print(done.stdout or done.stderr, end="", flush=True)
    return done


def wait_until_up(init: subprocess.Popen[bytes], *names: str) -> None:
    """Wait until services are as they should be; end if init does."""
    until = time.monotonic() + DEADLINE
    while ctl("status", *names, quiet=True).returncode:
        if init.poll() is not None:
            sys.exit(init.returncode)
        if time.monotonic() > until:
            ctl("status")
            sys.exit("the demo does not come up: see above")
        time.sleep(0.05)


def wait_for_run(number: int) -> None:
    """Wait until web has been started that many times."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        service = json.loads(ctl("status", "web", "--json", quiet=True).stdout)["services"][0]
        if service["run"] >= number:
            return
        time.sleep(0.02)
    sys.exit("web does not come back")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pid_on_this_side(init: subprocess.Popen[bytes], script: str) -> int:
    """The pid that a service of the sandbox has out here: ps shows it as a process like any."""
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 1) for line in listing.stdout.splitlines())
    return next(int(pid) for pid, args in rows if script in args and int(pid) != init.pid)


def show(init: subprocess.Popen[bytes]) -> int:
    """The tour; the exit code of init."""
    wait_until_up(init, "migrate", "web", "worker")
    say("three services, in order: migrate has completed, web said that it is ready, worker works")
    ctl("status")
    before = pid_on_this_side(init, "demo/web.py")
    say(f"kill -9 {before}: the web service dies")
    os.kill(before, signal.SIGKILL)
    wait_for_run(2)
    wait_until_up(init, "web")
    ctl("status")
    say("what they have written, and what happened")
    ctl("logs", "-n", "5")
    ctl("events")
    say("shut down: worker first, then web")
    ctl("shutdown")
    return init.wait(timeout=DEADLINE)


def main() -> int:
    """Start the demo, show it or stay with it; ends with init's exit code."""
    parser = argparse.ArgumentParser(prog="scripts/run", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="keep the demo in the foreground")
    stay = parser.parse_args().stay
    with tempfile.TemporaryDirectory(prefix="nsinit-demo-") as directory:
        env = os.environ | {
            "DEMO_DIR": directory,
            "DEMO_PORT": str(free_port()),
            "PYTHON": sys.executable,
        }
        say("nsinit run config/demo.toml: PID 1 of new pid, mount, uts and ipc namespaces")
        if stay:
            print("in a second terminal: . .venv/bin/activate, then")
            print("  nsinit ctl status | nsinit ctl logs -f | nsinit ctl restart web")
            print(f"  curl http://127.0.0.1:{env['DEMO_PORT']}/")
            print("and ^C here to shut down", flush=True)
        init = subprocess.Popen([*NSINIT, "run", "config/demo.toml"], cwd=ROOT, env=env)
        try:
            code = init.wait() if stay else show(init)
        except KeyboardInterrupt:
            code = init.wait()
        finally:
            if init.poll() is None:
                init.terminate()
                init.wait()
    say(f"init has ended with code {code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
