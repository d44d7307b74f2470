"""What the config.json of a bundle means in the words of nsinit, and what is wrong with it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.bundles.read import Findings
from nsinit.bundles.translate import Bundle, translate
from nsinit.errors import ConfigError
from nsinit.model.find import load_asked
from tests.support.bundles import CONFIG, rootless

if TYPE_CHECKING:
    import pathlib

    from nsinit.bundles.translate import Translated

_DROP = object()
_WORDS = ["rbind", "ro", "rnosuid", "rslave", "atime"]
_RATE = [{"major": 8, "minor": 0, "rate": 7}]


def changed(**more: Any) -> dict[str, Any]:
    """The usual config.json with other keys: process__cwd="/x"; `_DROP` takes one away."""
    config = copy.deepcopy(CONFIG)
    for key, value in more.items():
        *path, last = key.split("__")
        part = config
        for name in path:
            part = part.setdefault(name, {})
        part.pop(last, None)
        if value is not _DROP:
            part[last] = value
    return config


def found(config: object) -> tuple[Translated | None, Findings]:
    """What it means, and what was told of it."""
    findings = Findings("config.json")
    text = config if isinstance(config, str) else json.dumps(config)
    return translate(text, "/pod", findings), findings


def good(**more: Any) -> Translated:
    """What it means, without a problem."""
    made, findings = found(changed(**more))
    assert made is not None
    assert findings.problems == []
    return made


def test_service_is_the_process_when_all_is_said() -> None:
    """Key by key."""
    made = good(
        process__env=["A=1", "B=x=$y", "A=2"],
        process__user={"uid": 33, "gid": 34, "umask": 63, "additionalGids": [5, 6]},
        process__cwd="/srv//x",
        process__rlimits=[
            {"type": "RLIMIT_CORE", "soft": 0, "hard": (1 << 64) - 1},
            {"type": "RLIMIT_NPROC", "soft": 7, "hard": 8},
        ],
        process__oomScoreAdj=-5,
        process__scheduler={"policy": "SCHED_FIFO", "priority": 3},
        process__ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6},
        process__noNewPrivileges=False,
        linux__seccomp={"defaultAction": "SCMP_ACT_ALLOW"},
    )
    service = made.service
    assert json.loads(service.pop("seccomp")["profile"]) == {"defaultAction": "SCMP_ACT_ALLOW"}
    caps = ["AUDIT_WRITE", "KILL", "NET_BIND_SERVICE"]
    assert service == {
        "command": ["sh"], "main": True, "inherit_env": False, "min_uptime": 0,
        "environment": {"A": "2", "B": "x=$y"}, "working_dir": "/srv/x",
        "user": 33, "group": 34, "groups": [5, 6], "umask": 0o077,
        "limits": {"core": ["0", "unlimited"], "nproc": ["7", "8"]},
        "no_new_privs": False, "capabilities": caps, "ambient": [], "inheritable": [],
        "oom_score_adj": -5, "scheduler": "fifo:3", "ioprio": "best-effort:6",
    }  # fmt: skip
    assert (made.bundle.owner, made.bundle.cwd) == (33, "/srv/x")


def test_service_has_nothing_more_when_little_is_said() -> None:
    """No capabilities without the key, no filter, the umask of runc."""
    service = good(process__capabilities=_DROP).service
    assert service["capabilities"] == service["ambient"] == []
    assert service["seccomp"] == {"profile": "unconfined"}
    assert service["umask"] == 0o022


def test_sandbox_is_the_rest_when_all_is_said() -> None:
    """Every kind of namespace is said: what is not listed is shared."""
    config = changed(
        domainname="lan",
        linux__namespaces=[
            {"type": "mount"}, {"type": "uts"}, {"type": "pid"}, {"type": "time"},
            {"type": "network", "path": "/run/netns/a"},
        ],
        linux__timeOffsets={"monotonic": {"secs": 5, "nanosecs": 500_000_000}},
        linux__sysctl={"kernel.msgmax": "65536"},
        linux__rootfsPropagation="rshared",
        linux__cgroupsPath="/a",
        linux__resources={
            "memory": {"limit": 1 << 20, "swap": 3 << 20, "swappiness": 5},
            "cpu": {"quota": 20_000, "period": 40_000, "shares": 2048, "cpus": "0-1"},
            "pids": {"limit": 9},
            "blockIO": {"weight": 50, "throttleReadBpsDevice": _RATE},
            "devices": [{"allow": False, "access": "rwm"}],
        },
    )  # fmt: skip
    rootless(config, 1000)
    made, findings = found(config)
    assert made is not None
    assert findings.problems == []
    assert made.sandbox == {
        "namespaces": {
            "user": "new", "pid": "new", "net": "/run/netns/a", "mount": "new", "ipc": "shared",
            "uts": "new", "cgroup": "shared", "time": "new",
        },
        "masked_paths": CONFIG["linux"]["maskedPaths"],
        "readonly_paths": CONFIG["linux"]["readonlyPaths"],
        "sysctls": {"kernel.msgmax": "65536"}, "hostname": "box", "domainname": "lan",
        "users": {"uid_map": [[0, 1000, 1]], "gid_map": [[0, 1000, 1]]},
        "time_offsets": {"monotonic": 5.5, "boottime": 0.0},
        "rootfs": "/pod/rootfs", "readonly": True,
        "resources": {
            "memory": 1 << 20, "swap": 2 << 20, "cpu": 0.5, "cpu_weight": 200, "cpuset": "0-1",
            "pids": 9, "io": {"weight": 50, "limits": [{"device": "8:0", "read": 7}]},
        },
    }  # fmt: skip
    assert made.bundle.propagation == "rshared"
    assert [problem.path for problem in findings.warnings] == [
        "linux.resources.memory.swappiness",
        "linux.cgroupsPath",
    ]


def test_mount_is_sorted_out_when_it_has_options() -> None:
    """Flags of its own, flags below, propagation, ids, the file system's own words."""
    mounts = [
        {"destination": "/a", "source": "x", "options": _WORDS},
        {
            "destination": "/b", "type": "tmpfs", "source": "m",
            "options": ["mode=1", "tmpcopyup", "silent"],
        },
        {
            "destination": "c", "type": "bind", "source": "/y", "options": ["idmap"],
            "uidMappings": [{"containerID": 0, "hostID": 5, "size": 2}],
            "gidMappings": [{"containerID": 1, "hostID": 6, "size": 3}],
        },
        {"destination": "/proc/uptime", "source": "/up", "options": ["bind"]},
    ]  # fmt: skip
    made, findings = found(changed(mounts=mounts))
    assert made is not None
    first, second, third, _ = made.bundle.mounts
    assert (first.type, first.source, first.recursive) == ("bind", "/pod/x", True)
    assert (first.flags, first.below, first.propagation) == (
        ("ro", "relatime"),
        ("nosuid",),
        ("rslave",),
    )
    assert (second.data, second.copy_up, second.source) == (("mode=1",), True, "m")
    assert (third.target, third.idmap, third.map_below) == ("/c", "u:0:5:2 g:1:6:3", False)
    assert findings.problems == []
    assert [problem.path for problem in findings.warnings] == ["mounts[2].destination"]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"root": {"path": "/pod/../"}}, "root.path"),  # devices would be the host's own
        ({"ociVersion": "2.0.0"}, "ociVersion"),
        ({"ociVersion": _DROP}, ""),
        ({"process": _DROP}, "process"),
        ({"root": _DROP}, "root"),
        ({"hostname": "x" * 65}, "hostname"),
        ({"process__args": []}, "process.args"),
        ({"process__args": [""]}, "process.args"),
        ({"process__args": ["a\0b"]}, "process.args[0]"),
        ({"process__args": "sh"}, "process.args"),
        ({"process__env": ["A"]}, "process.env[0]"),
        ({"process__cwd": "x"}, "process.cwd"),
        ({"process__cwd": "/proc/self/fd/7"}, "process.cwd"),
        ({"process__user": {"uid": -1}}, "process.user.uid"),
        ({"process__user": {"uid": (1 << 32) - 1}}, "process.user.uid"),
        ({"process__terminal": True, "mounts": []}, "process.terminal"),
        ({"process__apparmorProfile": "x"}, "process.apparmorProfile"),
        (
            {"process__rlimits": [{"type": "NOFILE", "soft": 1, "hard": 1}]},
            "process.rlimits[0].type",
        ),
        (
            {"process__rlimits": [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}]},
            "process.rlimits[0].soft",
        ),
        (
            {"process__rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}] * 2},
            "process.rlimits[1].type",
        ),
        ({"process__scheduler": {"policy": "SCHED_DEADLINE"}}, "process.scheduler.policy"),
        ({"process__ioPriority": {"class": "x"}}, "process.ioPriority.class"),
        ({"mounts": [{"destination": "/", "type": "tmpfs"}]}, "mounts[0].destination"),
        ({"mounts": [{"destination": "/a/../..", "type": "tmpfs"}]}, "mounts[0].destination"),
        ({"mounts": [{"destination": "/proc/self", "type": "tmpfs"}]}, "mounts[0].destination"),
        ({"mounts": [{"destination": "/a"}]}, "mounts[0].type"),
        ({"mounts": [{"destination": "/a", "options": ["bind"]}]}, "mounts[0].source"),
        (
            {"mounts": [{"destination": "/a", "type": "tmpfs", "options": ["remount"]}]},
            "mounts[0].options[0]",
        ),
        ({"hooks": {"prestart": [{"path": "x"}]}}, "hooks.prestart[0].path"),
        ({"hooks": {"poststop": [{"path": "/x", "timeout": 0}]}}, "hooks.poststop[0].timeout"),
        ({"linux__namespaces": []}, "linux.namespaces"),
        ({"linux__namespaces": [{"type": "mount"}]}, "hostname"),
        ({"linux__namespaces": [{"type": "moon"}]}, "linux.namespaces[0].type"),
        (
            {"linux__namespaces": [{"type": "mount"}, {"type": "uts"}] * 2},
            "linux.namespaces[2].type",
        ),
        (
            {"linux__namespaces": [{"type": t} for t in ("mount", "uts", "user")]},
            "linux.uidMappings",
        ),
        ({"linux__uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}, "linux.uidMappings"),
        ({"linux__timeOffsets": {}}, "linux.timeOffsets"),
        ({"linux__sysctl": {"kernel.hostname": "x"}}, "linux.sysctl.kernel.hostname"),
        ({"linux__devices": [{"path": "/dev/x", "type": "c"}]}, "linux.devices[0]"),
        ({"linux__maskedPaths": ["proc"]}, "linux.maskedPaths[0]"),
        ({"linux__rootfsPropagation": "x"}, "linux.rootfsPropagation"),
        ({"linux__intelRdt": {"closID": "x"}}, "linux.intelRdt"),
        ({"linux__netDevices": {"eth0": {}}}, "linux.netDevices"),
        ({"linux__mountLabel": "x"}, "linux.mountLabel"),
        ({"linux__personality": {"domain": "LINUX32"}}, "linux.personality"),
        ({"linux__resources": {"memory": {"swap": 5}}}, "linux.resources.memory.swap"),
        ({"linux__resources": {"cpu": {"quota": "x"}}}, "linux.resources.cpu.quota"),
    ],
)
def test_problem_has_its_path_when_something_is_wrong(more: dict[str, Any], path: str) -> None:
    """By the key in the file."""
    _, findings = found(changed(**more))
    assert path in [problem.path for problem in findings.problems], findings.problems
    assert all(problem.message for problem in findings.problems)


def test_all_is_told_when_many_things_are_wrong() -> None:
    """Types first: what they mean is not known before they are right."""
    config = changed(process__args=5, process__env={}, linux__maskedPaths=[1, "/a", 2], mounts=None)
    _, findings = found(config)
    assert [(problem.path, problem.message) for problem in findings.problems] == [
        ("process.args", "expected an array, got a number"),
        ("process.env", "expected an array, got an object"),
        ("linux.maskedPaths[0]", "expected a string, got a number"),
        ("linux.maskedPaths[2]", "expected a string, got a number"),
    ]
    for text in ("", "[]", "5", '{"a": }', "[" * 5000, '{"ociVersion": ' * 3000):
        made, findings = found(text)
        assert (made, len(findings.problems)) == (None, 1)


def test_capability_is_left_out_when_it_can_not_be_had() -> None:
    """As the specification asks for: a warning, and no error."""
    sets = {
        "bounding": ["CAP_KILL", "CAP_SING"], "permitted": ["CAP_KILL"], "effective": ["CAP_CHOWN"],
        "inheritable": ["CAP_KILL", "CAP_CHOWN"], "ambient": ["CAP_KILL", "CAP_CHOWN"],
    }  # fmt: skip
    made, findings = found(changed(process__capabilities=sets))
    assert made is not None
    assert made.service["capabilities"] == ["KILL"]
    assert made.service["inheritable"] == made.service["ambient"] == ["KILL"]
    assert len(findings.warnings) == 4
    assert findings.problems == []


def test_file_goes_before_the_bundle_when_both_say_something(tmp_path: pathlib.Path) -> None:
    """Key by key, also within namespaces; what can't be both is told."""
    (tmp_path / "pod").mkdir()
    (tmp_path / "pod/config.json").write_text(json.dumps(CONFIG))
    file = tmp_path / "nsinit.toml"
    file.write_text(
        "[sandbox]\nbundle = 'pod'\nhostname = 'mine'\nnamespaces = {net = 'shared'}\n"
        "[services.main]\ntags = ['x']\nenvironment = {B = '2'}\n[services.b]\ncommand = 'b'\n"
    )
    loaded = load_asked(str(file), {}, ())
    sandbox, main = loaded.config.sandbox, loaded.config.services["main"]
    assert sandbox is not None
    assert (sandbox.hostname, sandbox.readonly) == ("mine", True)
    assert (sandbox.namespaces["net"], sandbox.namespaces["pid"]) == ("shared", "new")
    assert (main.tags, main.command, main.main) == (("x",), ("sh",), True)
    assert (main.environment["B"], main.environment["TERM"]) == ("2", "xterm")
    assert list(loaded.config.services) == ["main", "b"]
    assert isinstance(loaded.bundle, Bundle)
    other = load_asked(None, {}, ("ls", "-l"), options={"bundle": str(tmp_path / "pod")})
    assert other.config.services["main"].command == ("ls", "-l")
    file.write_text("[sandbox]\nbundle = 'pod'\nrootfs = '/'\n[services.main]\ncommand = 'x'\n")
    with pytest.raises(ConfigError) as told:
        load_asked(str(file), {}, ())
    assert [problem.path for problem in told.value.problems] == [
        "sandbox.rootfs", "services.main.command",
    ]  # fmt: skip
