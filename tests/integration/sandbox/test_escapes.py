"""Every known way out of a sandbox is tried from inside of one with its own root, by its root.

What succeeds is told, and changes nothing: files are opened and closed, calls have arguments that
the kernel would refuse after it has looked at who asks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.live import toml

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

# Prints, as JSON, for each attempt "open" or what the kernel said.
TRY: Final = r"""
import array, ctypes, errno, fcntl, json, os, platform, signal, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
told = {}
def tried(name, call):
    try:
        result = call()
        told[name] = "open" if result is None or result >= 0 else "?"
    except OSError as error:
        told[name] = errno.errorcode.get(error.errno, str(error.errno))
def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result
def syscall(name, *arguments):
    arm = platform.machine() == "aarch64"
    numbers = NUMBERS[name]
    words = [ctypes.c_void_p(one) if isinstance(one, int) else one for one in arguments]
    tried(name, lambda: checked(libc.syscall(ctypes.c_long(numbers[arm]), *words)))
NUMBERS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "init_module": (175, 105), "kexec_load": (246, 104), "reboot": (169, 142),
    "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "fsopen": (430, 430),
    "open_tree": (428, 428), "move_mount": (429, 429), "setns": (308, 268), "unshare": (272, 97),
    "sethostname": (170, 161), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "bpf": (321, 280), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "perf_event_open": (298, 241), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "swapon": (167, 224), "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18), "clock_adjtime": (305, 266), "mount_setattr": (442, 442),
}
def opened(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags))
for path in ("sysrq-trigger", "sys/kernel/core_pattern", "sys/kernel/modprobe",
             "sys/vm/panic_on_oom",
             "sys/kernel/hotplug", "sys/fs/binfmt_misc/register", "1/mem", "1/setgroups", "kmem"):
    tried("write /proc/" + path, lambda: opened("/proc/" + path, os.O_WRONLY))
for path in ("1/root", "1/cwd", "1/exe", "1/fd/0", "1/environ", "1/mem", "1/maps", "1/ns/mnt",
             "1/ns/user",
             "1/task/1/fd/0", "1/map_files", "1/pagemap", "kpageflags"):
    def look(path=path):
        fd = os.open("/proc/" + path, os.O_RDONLY)
        try:
            os.listdir(fd) if os.path.isdir("/proc/" + path) else os.read(fd, 1)
        finally:
            os.close(fd)
    tried("read /proc/" + path, look)
for path in ("/dev/mem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/fuse",
             "/dev/kvm", "/dev/tty0",
             "/dev/net/tun", "/dev/loop-control", "/dev/mapper/control", "/dev/console"):
    tried("open " + path, lambda: opened(path, os.O_RDWR))
for path in ("/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/release_agent",
             "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/memory/tasks",
             "/sys/fs/cgroup/cgroup.procs",
             "/sys/firmware/efi/vars", "/sys/kernel/debug/x",
             "/sys/module/kernel/parameters/panic"):
    tried("write " + path, lambda: opened(path, os.O_WRONLY))
syscall("ptrace", 0x4206, 1, 0, 0)
word = ctypes.create_string_buffer(8)
here = (ctypes.c_size_t * 2)(ctypes.addressof(word), 8)
syscall("process_vm_readv", 1, ctypes.byref(here), 1, ctypes.byref(here), 1, 0)
pidfd = os.pidfd_open(1)
syscall("pidfd_getfd", pidfd, 0, 0)
syscall("kcmp", 1, os.getpid(), 2, 0, 0)
syscall("setns", pidfd, 0x20000)
for name in ("init_module", "kexec_load", "reboot", "acct", "quotactl", "swapon",
             "lookup_dcookie", "add_key",
             "request_key", "bpf", "perf_event_open", "open_by_handle_at", "io_uring_setup",
             "fanotify_init", "pivot_root", "settimeofday"):
    syscall(name, 0, 0, 0, 0, 0)
syscall("syslog", 3, ctypes.create_string_buffer(1), 1)
syscall("mount", b"none", b"/tmp", b"tmpfs", 0, None)
syscall("umount2", b"/proc/keys", 2)
syscall("fsopen", b"tmpfs", 0)
syscall("open_tree", -100 & (1 << 64) - 1, b"/", 1)
syscall("move_mount", 0, b"", 0, b"", 4)
syscall("mount_setattr", -100 & (1 << 64) - 1, b"/", 0, ctypes.create_string_buffer(32), 32)
syscall("unshare", 0x10000000)
syscall("keyctl", 0, 0)
syscall("userfaultfd", 0)
syscall("clock_adjtime", 0, 0)
def parent(request, kind):
    fd = os.open("/proc/self/ns/" + kind, os.O_RDONLY)
    os.close(fcntl.ioctl(fd, request))
tried("parent pid namespace", lambda: parent(0xB702, "pid"))
tried("parent user namespace", lambda: parent(0xB702, "user"))
def mapped():
    fd = os.open("/proc/1/uid_map", os.O_WRONLY)
    os.write(fd, b"0 0 1")
tried("map of init", mapped)
tried("kernel's log", lambda: opened("/proc/kmsg"))
def physical():
    shown = open("/proc/iomem").readline().split("-")[0], open("/proc/kallsyms").read(16)
    if not any(int(one, 16) for one in shown):
        raise OSError(errno.EPERM, "")
tried("addresses of the kernel", physical)
def renew():
    os.makedirs("/tmp/jail", exist_ok=True)
    up = os.open("/", os.O_RDONLY)
    os.chroot("/tmp/jail")
    os.fchdir(up)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    if "marker" in os.listdir("/"):
        raise OSError(errno.ENOENT, "")
if os.fork() == 0:
    tried("chroot", renew)
    print(json.dumps(told), flush=True)
    os._exit(0)
os.wait()
print(json.dumps(told), flush=True)
for number in (signal.SIGKILL, signal.SIGSTOP):
    os.kill(1, number)
print("signals sent", flush=True)
"""


@pytest.mark.row(22, 43, 47, 63)
def test_no_way_leads_out_when_root_of_a_sandbox_tries_them_all(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Files of init and of the machine, calls of the kernel, handles of namespaces, signals."""
    words = toml(["/usr/bin/python3", "-I", "-S", "-c", TRY])
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        'mounts = ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]\n'
        f"[services.a]\nmain = true\ncommand = {words}\n"
    ).run()
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.partition("| ")[2] for line in done.stdout.splitlines()]
    told = {name: how for line in said if line[:1] == "{" for name, how in json.loads(line).items()}
    assert len(told) > 75, done.stdout + done.stderr
    assert not [name for name, how in told.items() if how == "open"], told
    assert told["chroot"] == "ENOENT"
    assert "signals sent" in said
    assert "error" not in done.stdout + done.stderr
