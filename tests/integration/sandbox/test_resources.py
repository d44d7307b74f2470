"""Limits of a sandbox: each is set, is met, and its group is gone at the end, whatever that was."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box
    from tests.support.cells import Cell

ROOTFUL = pytest.mark.parametrize("user", ["rootful"], indirect=True)
SLEEP = '[services.a]\ncommand = "sleep 1000"\n'
BUSY = """\
import os, resource, time
print("on CPUs", *os.sched_getaffinity(0), flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    pass
used = resource.getrusage(resource.RUSAGE_SELF)
print("share", (used.ru_utime + used.ru_stime) / 1.5, flush=True)
"""
FORKS = """\
import os, time
count = 0
try:
    while count < 100:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except OSError as error:
    print("forks", count, error.strerror, flush=True)
time.sleep(1000)
"""
EATER = """\
import sys
held = []
for count in range(128):
    held.append(b"x" * (1 << 20))
print("ate everything")
"""


SHARES = """\
import resource, time
end = time.monotonic() + 1.5
while time.monotonic() < end:
    pass
used = resource.getrusage(resource.RUSAGE_SELF)
print("used", used.ru_utime + used.ru_stime, flush=True)
"""
WRITER = """\
import mmap, os, time
path = f"/var/tmp/nsinit-test-{os.getpid()}"  # on a disk, as the other one may not be
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_DIRECT)
os.unlink(path)
data = mmap.mmap(-1, 1 << 18)
begin = time.monotonic()
for _ in range(8):
    os.write(fd, data)
print("seconds", time.monotonic() - begin, flush=True)
"""


def run_python(name: str, script: str, rest: str = "") -> str:
    """A service that runs a script."""
    return f"[services.{name}]\ncommand = ['{sys.executable}', '-c', '''\n{script}''']\n{rest}\n"


def _throttled(cell: Cell) -> int:
    """How often the group has been held back."""
    words = cell.read("cpu", "cpu.stat", "cpu.stat").split()
    return int(words[words.index("nr_throttled") + 1])


@pytest.mark.row(44, 46)
def test_sandbox_has_its_limits_when_they_are_typed(celled: Callable[..., Box], cell: Cell) -> None:
    """By options: in the files of its group outside, and inside there is a fifth of a CPU."""
    limits = ("--cpu", "20%", "--memory", "64M", "--pids", "40", "--cpu-weight", "200")
    made = celled(
        run_python("main", BUSY, "main = true"), *limits, "--cpuset", "0", "--name", "box"
    ).start()
    made.wait_for_line("on CPUs 0")
    assert cell.read("cpu", "cpu.cfs_quota_us", "cpu.max").split()[0] == "20000"
    assert cell.read("cpu", "cpu.shares", "cpu.weight") == ("200" if cell.unified else "2048")
    assert cell.read("memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert cell.read("pids", "pids.max", "pids.max") == "40"
    assert cell.read("cpuset", "cpuset.cpus", "cpuset.cpus") == "0"
    eventually(lambda: _throttled(cell) > 0, "it is held back")
    share = float(made.wait_for_line("share").split()[-1])
    assert made.wait() == 0, made.said()
    if not cell.unified:  # that is tested in an emulated machine, whose clocks don't agree
        assert 0.1 < share < 0.4  # without a limit it is 1


@ROOTFUL
@pytest.mark.row(46)
def test_service_has_its_limits_when_the_sandbox_has_more(
    celled: Callable[..., Box], cell: Cell
) -> None:
    """No fork beyond the number of pids; whatever it makes is in its group, that of no other is."""
    made = celled(
        '[sandbox]\nname = "box"\nresources = {pids = 60}\n'
        + run_python(
            "few", FORKS, "resources = {pids = 5}\nrestart = 'no'\nready = {log = 'forks'}"
        )
        + run_python("many", FORKS, "restart = 'no'\ndepends_on = ['few']"),
    ).start()
    assert "forks 4 Resource temporarily unavailable" in made.wait_for_line("few    | forks")
    assert cell.read("pids", "pids.max", "pids.max", "few.service") == "5"
    # Init itself counts as well, and what it starts; at least nothing near 60 is left to them.
    count = int(made.wait_for_line("many   | forks").split()[3])
    assert 30 < count < 60
    assert made.stop() == 0


@ROOTFUL
@pytest.mark.row(46)
def test_devices_can_not_be_opened_when_no_rule_allows_them(celled: Callable[..., Box]) -> None:
    """Those of the sandbox, and fewer of one service; init can still make its /dev."""
    script = (
        "for x in null zero full random; do"
        " (exec 3</dev/$x) 2>&1 | grep -q permitted && echo no $x || echo has $x; done; echo over"
    )
    rule = 'resources = {device_access = ["c 1:3 rwm", "c 1:5 r"]}'
    one = f"shell = true\ncommand = '''{script}'''\nrestart = 'no'\n"
    made = celled(
        f"[services.all]\n{one}[services.few]\n{one}{rule}\n" + SLEEP,
        "--device-access",
        "default,c 10:* rw",
    ).start()
    made.wait_for_line("all    | over")
    made.wait_for_line("few    | over")
    said = made.said()
    assert [f"all    | has {name}" in said for name in ("null", "zero", "full")] == [True] * 3
    assert [f"few    | has {name}" in said for name in ("null", "zero")] == [True] * 2
    assert "few    | no full" in said
    assert "few    | no random" in said
    assert made.stop() == 0


@pytest.mark.row(46)
def test_service_is_killed_when_it_takes_too_much_memory(
    celled: Callable[..., Box], cell: Cell
) -> None:
    """By the kernel, which counts it in the group; the sandbox goes on."""
    made = celled(
        "[sandbox]\n" + SLEEP + run_python(
            "eater", EATER, "resources = {memory = '32M', swap = 0}\nrestart = 'no'\n"
            'post_stop = {command = "pwd; sleep 99", shell = true, timeout = 99}'
        )
    ).start()  # fmt: skip
    made.wait_for_line("eater  | ")
    events = cell.read("memory", "memory.oom_control", "memory.events", "eater.service")
    assert "oom_kill 1" in events.splitlines()
    assert "ate everything" not in made.said()
    assert made.process is not None
    made.process.send_signal(signal.SIGQUIT)  # the hook need not end by itself
    made.wait()


@pytest.mark.row(45)
@ROOTFUL
def test_services_share_a_cpu_when_both_are_busy(celled: Callable[..., Box]) -> None:
    """Half of it each by equal weights; when one has ended, the other has all of it."""
    both = "resources = {cpu_weight = 100, cpuset = '0'}\nrestart = 'no'"
    made = celled(
        "[sandbox]\n" + run_python("one", SHARES, both) + run_python("two", SHARES, both)
        + run_python("alone", SHARES, f'{both}\nafter = ["one", "two"]\n'
        'depends_on = {one = "exited", two = "exited"}')
    ).start()  # fmt: skip
    used = {
        name: float(made.wait_for_line(f"{name:<6} | used").split()[-1])
        for name in ("one", "two", "alone")
    }
    made.stop()
    assert 0.6 < used["one"] / used["two"] < 1.7, used
    assert used["alone"] > 1.3 * min(used["one"], used["two"]), used


@pytest.mark.row(46)
@ROOTFUL
def test_sandbox_writes_slowly_when_its_io_is_limited(celled: Callable[..., Box]) -> None:
    """To the device that a directory is on."""
    made = celled(
        run_python("main", WRITER, "main = true"),
        *("--io", '{limits = [{device = "HERE", write = "1M"}]}'.replace("HERE", "/var/tmp")),
    ).start()
    assert float(made.wait_for_line("seconds").split()[-1]) > 1
    assert made.wait() == 0


@pytest.mark.row(43)
def test_sandbox_sees_its_own_root_when_it_has_a_cgroup_namespace(
    celled: Callable[..., Box], cell: Cell
) -> None:
    """With a namespace it is in "/"; a cgroupfs inside shows its own group and can't be written."""
    script = (
        "cat /proc/self/cgroup; ls /sys/fs/cgroup; cat /sys/fs/cgroup/pids.max; "
        "echo 1000 >/sys/fs/cgroup/pids.max || echo refused"
    )
    kind = "cgroup2" if cell.unified else "cgroup"
    data = "" if cell.unified else ', options = ["pids"]'
    done = celled(
        f'[sandbox]\nnamespaces = {{cgroup = "new"}}\nresources = {{pids = 77}}\n'
        f'mounts = [{{type = "{kind}", target = "/sys/fs/cgroup"{data}}}]\n'
        f"[services.main]\nmain = true\ncommand = ['sh', '-c', '{script}']\n"
    ).run()
    assert done.returncode == 0, done.stderr
    words = [line.partition("| ")[2] for line in done.stdout.splitlines()]
    assert ("0::/" if cell.unified else next(w for w in words if ":pids:" in w)).endswith(":/")
    assert "77" in words, done
    assert "refused" in words


# --- The end --------------------------------------------------------------------------------------


def test_group_is_gone_when_launcher_and_init_are_killed(
    celled: Callable[..., Box], cell: Cell
) -> None:
    """The next command that looks removes what the dead have left."""
    made = celled(
        '[sandbox]\nname = "box"\nresources = {memory = "64M"}\n' + SLEEP
        + "resources = {pids = 10}\n"
    ).start()  # fmt: skip
    made.wait_for_line("a is running")
    assert cell.groups("pids", "a.service")
    assert made.process is not None
    made.process.send_signal(signal.SIGKILL)
    made.wait()
    assert cell.left()
    made.cell = None
    eventually(lambda: "box" not in made.run("list").stdout, "nothing is listed")
    assert not cell.left()


@ROOTFUL
def test_sandbox_is_not_made_when_a_limit_is_refused(
    celled: Callable[..., Box], cell: Cell
) -> None:
    """The kernel has no such CPU: the error names key and file, and nothing is left."""
    made = celled("[sandbox]\nresources = {cpuset = '4000', memory = '64M'}\n" + SLEEP)
    done = made.run()
    assert done.returncode == 125
    assert "cannot make the cgroup nsinit-nsinit-*" in done.stderr
    assert "hint: cpuset in /" in done.stderr
    assert "cpuset.cpus" in done.stderr
    assert not cell.left()


@ROOTFUL
def test_limits_are_an_error_when_there_are_no_cgroups(box: Callable[..., Box]) -> None:
    """Before anything is started, with file, line and hint; or it is only a word."""
    hide = 'umount -l /sys/fs/cgroup/unified 2>/dev/null; umount -Rl /sys/fs/cgroup; exec "$@"'
    hidden = ["unshare", "--mount", "--propagation", "private", "sh", "-c", hide, "sh"]
    config = "[sandbox]\n{}[services.a]\nmain = true\ncommand = 'true'\nresources.memory = '64M'\n"
    for text, words, code in (
        (config.format("resources = {cpu = 0.5}\n"), ["run"], 78),
        (config.format(""), ["check"], 78),
        (config.format("") + "resources_optional = true\n", ["run"], 0),
    ):
        made = box(text)
        made.program = [*hidden, *made.program]
        done = made.run(*words, str(made.config))
        assert done.returncode == code, done
        said = done.stderr + done.stdout
        if code:
            place = f"nsinit.toml:{text.count(chr(10)) + 2}: services.a.resources.memory: "
            assert f"{place}cannot be limited: no cgroups" in said
            assert "no cgroups are mounted here (mount -t cgroup2" in said
        else:
            assert "resources.memory: is not limited: no cgroups are mounted here" in said
