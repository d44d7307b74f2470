"""What sandboxes are made of and known by: bundles, profiles, records, ranges, names."""

from __future__ import annotations

from typing import Final

from nsinit.bundles.read import Findings
from nsinit.bundles.translate import translate
from nsinit.isolation import files
from nsinit.model.callfilter import Machine
from nsinit.model.dockerprofile import ProfileError, evaluate, parse_profile
from nsinit.process.alive import owner_runs
from nsinit.sandbox import place, record, users
from scripts.fuzzing.target import ROOT, Target, plain_text, text_of, words_of


def _bundle(data: bytes) -> None:
    """A meaning, or problems that are told."""
    findings = Findings("config.json")
    made = translate(plain_text(data), "/pod", findings)
    assert made is not None or findings.problems
    assert all(problem.message and str(problem) for problem in findings.problems)


def _profile(data: bytes) -> None:
    machine = Machine("x86_64", (6, 1), frozenset({"CHOWN"}))
    evaluate(parse_profile(plain_text(data)), machine)


def _record(data: bytes) -> None:
    """It has the types that all its users count on."""
    found = record.decode(data)
    if found is not None:
        found.is_alive()
        found.countable()
        assert record.decode(found.encode()) == found
        owner_runs(found.owner)
    owner_runs(text_of(data))


def _place(data: bytes) -> None:
    made = place.decode(data)
    assert place.decode(made.encode()) == made


def _subordinate(data: bytes) -> None:
    for span in users.parse_subordinate(text_of(data), "web", 1000):
        assert span.size > 0


def _resolv(data: bytes) -> None:
    for line in files._reachable(plain_text(data)).splitlines():  # noqa: SLF001  (pure)
        assert line.split()[:2] != ["nameserver", "127.0.0.1"]


_BUNDLE: Final = b"""\
{"ociVersion": "1.0.2", "root": {"path": "r", "readonly": true}, "hostname": "a",
 "process": {"args": ["x"], "cwd": "/", "env": ["A=1"], "user": {"uid": 1, "gid": 1},
  "rlimits": [{"type": "RLIMIT_CPU", "hard": 2, "soft": 1}], "noNewPrivileges": true,
  "capabilities": {"bounding": ["CAP_KILL"], "effective": [], "ambient": []}},
 "mounts": [{"destination": "/tmp", "type": "tmpfs", "source": "t", "options": ["size=1m"]}],
 "hooks": {"prestart": [{"path": "/x", "args": ["x"], "env": ["A=1"], "timeout": 1}]},
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "user"}],
  "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
  "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 1}],
  "sysctl": {"kernel.sem": "1"}, "maskedPaths": ["/proc/kcore"], "cgroupsPath": "/x",
  "resources": {"memory": {"limit": 1048576}, "cpu": {"quota": 100, "period": 1000, "cpus": "0-1"},
   "pids": {"limit": 5}, "devices": [{"allow": false, "access": "rwm"}],
   "blockIO": {"weight": 10, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}]}},
  "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"],
   "action": "SCMP_ACT_ERRNO"}]}}}
"""
_PLACE: Final = (
    b'{"directory": "/", "env": {"A": "\\udcff"}, "shared": {"B": {"file": "c"}}, "own": {},'
    b' "security": {"capabilities": ["CHOWN"], "no_new_privs": true}}'
)

TARGETS: Final = (
    Target(
        "bundle", _bundle,
        ("nsinit.bundles.read", "nsinit.bundles.translate", "nsinit.bundles.process",
         "nsinit.bundles.mounts", "nsinit.bundles.linux", "nsinit.bundles.resources",
         "nsinit.bundles.hooks"),
        words=words_of(
            '"ociVersion":"1.0.2" "process":{ "args":["x"] "mounts":[ "destination":"/" "type":"bind"'
            ' "options":["rbind"] "linux":{ "namespaces":[{"type":"pid"}] "resources":{ "memory":{'
            ' "devices":[ "hooks":{ "root":{"path":"r"} "seccomp":{ null true -1 1e308 [] {} "\\u0000"'
        ),
        seeds=lambda: [(ROOT / "config/bundle/config.json").read_bytes(), _BUNDLE],
        most=16384,
    ),
    Target(
        "seccomp-profile", _profile, ("nsinit.model.dockerprofile",), answers=(ProfileError,),
        words=words_of(
            '"defaultAction":"SCMP_ACT_ERRNO" "SCMP_ACT_ALLOW" "names":["read"] "args":[{"index":0'
            ' "op":"SCMP_CMP_EQ" "value":1}] "minKernel":"4.8" "archMap":[ "excludes":{"caps":["x"]}'
        ),
        seeds=lambda: [
            (b'{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action":'
            b' "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}],'
            b' "includes": {"minKernel": "4.8", "caps": ["CAP_CHOWN"]}}],'
            b' "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}]}'),
        ],
    ),
    Target(
        "sandbox-record", _record, ("nsinit.sandbox.record", "nsinit.process.alive", "nsinit.jsontext"),
        words=words_of('"version":1 "pid":1 "name":"x" "cleanup":[["file","/x"]] "namespaces":{} NaN 1e999 true'),
        seeds=lambda: [
            record.Record("box").encode(),
            record.Record("b", pid=5, command=("x",), cleanup=(("file", "/x"),), boot="a").encode(),
        ],
    ),
    Target(
        "sandbox-place", _place, ("nsinit.sandbox.place",), answers=(ValueError, RecursionError),
        words=words_of('"directory": "env":{} "security":{ "capabilities": "seccomp": null'),
        seeds=lambda: [_PLACE],
    ),
    Target(
        "subordinate-ids", _subordinate, ("nsinit.sandbox.users",),
        words=words_of("web: 1000: :100000:65536 99999999999 : -1"),
        seeds=lambda: [b"web:100000:65536\n1000:1:1\n\nx:y:z\n"],
    ),
    Target(
        "resolv-conf", _resolv, ("nsinit.isolation.files",),
        words=words_of("nameserver 127.0.0.53 ::1 search # ; 10.0.0.1"),
        seeds=lambda: [b"# a\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch x\n"],
    ),
)  # fmt: skip
