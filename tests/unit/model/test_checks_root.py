"""The keys of a root file system: what is read, and what is refused."""

from __future__ import annotations

import pytest

from nsinit.errors import ConfigError
from nsinit.model.load import Loaded, load, parse_source
from nsinit.model.mounting import Mount, Overlay, at

NO_TYPE = (
    'mounts[0].type: expected one of "bind", "tmpfs", "proc", "sysfs", "devpts", "mqueue", '
    '"overlay", "cgroup", "cgroup2", "file", "directory", "symlink", '
    "got 'nfs'"
)
REST = '\n[services.a]\ncommand = "x"\n'


def loaded(text: str, file: str = "n.toml") -> Loaded:
    """A sandbox in a configuration that is complete."""
    return load([parse_source(file, f"[sandbox]\n{text}{REST}")], {})


def problems(text: str) -> list[str]:
    """What is told about a sandbox."""
    try:
        loaded(text)
    except ConfigError as error:
        return [f"{p.path.removeprefix('sandbox.')}: {p.message}" for p in error.problems]
    return []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('rootfs = "/r"\noverlay = {lower = ["/l"]}', ['overlay: there is "rootfs" already']),
        ('rootfs = ""', ["rootfs: the path is empty"]),
        ('overlay = {lower = [""]}', ["overlay.lower: the path is empty"]),
        ('overlay = {lower = ["/l"], upper = ""}', ["overlay.upper: the path is empty"]),
        (
            'mounts = [{source = "/a", target = "/b", idmap = "0:0:99999999999"}]',
            ["mounts[0].idmap: the ids on the disk end at 4294967294"],
        ),
        (
            'mounts = [{source = "/a", target = "/b", idmap = "u:0:5:2 g:0:5:2 b:1:9:1"}]',
            ["mounts[0].idmap: shares ids on the disk with the row '0 5 2'"],
        ),
        ("readonly = true", ["readonly: there is no own root"]),
        ("overlay = {lower = []}", ["overlay.lower: expected at least one directory"]),
        ("overlay = {}", ["overlay.lower: expected at least one directory"]),
        ('overlay = {lower = ["/l"], upper = "/l"}', ["overlay.upper: is a lower layer too"]),
        (
            'overlay = {lower = ["/l"], upper = "/u", ephemeral = true}',
            ['overlay.ephemeral: with "upper" nothing is thrown away'],
        ),
        ('overlay = {lower = ["/l"], work = "/w"}', ['overlay.work: is of use only with "upper"']),
        (
            f'overlay = {{lower = ["/{"x" * 255}"]}}',
            ["overlay.lower: the path of a layer has at most 255 bytes"],
        ),
        (
            'rootfs = "/r"\nnamespaces = {mount = "shared", pid = "shared"}',
            ["rootfs: others are in that mount namespace, and would see it"],
        ),
        (
            'mounts = ["/a:/b"]\nnamespaces = {mount = "shared", pid = "shared"}',
            ["mounts: others are in that mount namespace, and would see it"],
        ),
        ('masked_paths = ["proc"]', ["masked_paths[0]: expected an absolute path, got 'proc'"]),
        ('readonly_paths = ["/a/../b"]', ['readonly_paths[0]: a path in the sandbox has no ".."']),
        ('mounts = ["/a:b"]', ["mounts[0].target: expected an absolute path, got 'b'"]),
        ('mounts = ["/a:/b/../c"]', ['mounts[0].target: a path in the sandbox has no ".."']),
        ('mounts = ["/a:/"]', ["mounts[0].target: the root itself is no target"]),
        ('mounts = ["/a:/b:rp"]', ["mounts[0].options: a bind has no option 'rp'"]),
        ('mounts = [{target = "/b"}]', ['mounts[0]: a bind needs a "source"']),
        (
            'mounts = [{type = "symlink", target = "/b", options = ["ro"], source = "x"}]',
            ["mounts[0].options: a symlink has none"],
        ),
        (
            'mounts = [{type = "file", target = "/b"}]',
            ['mounts[0].content: a "content" is of a file, and a file has one'],
        ),
        (
            'mounts = [{content = "x", target = "/b", source = "/a", options = ["rbind"]}]',
            [
                "mounts[0].options: a file has no option 'rbind'",
                'mounts[0].source: a file has no "source"',
            ],
        ),
        (
            'mounts = [{type = "tmpfs", target = "/b", mode = "755", options = [""]}]',
            ["mounts[0].mode: is of files and directories", "mounts[0].options: '' is no option"],
        ),
        (
            'mounts = [{type = "tmpfs", target = "/b", idmap = "0:1:1"}]',
            ["mounts[0].idmap: is of binds"],
        ),
        (
            'mounts = [{source = "/a", target = "/b", idmap = "0:1:0"}]',
            ["mounts[0].idmap: expected \"[b:]ID:ID:COUNT ...\", got '0:1:0'"],
        ),
        (
            'mounts = [{type = "nfs", target = "/b"}]',
            [NO_TYPE],
        ),
        ('devices = ["fuse"]', ['devices[0]: expected "/dev/NAME" or "/dev/NAME:TARGET"']),
        (
            'sysctls = {"kernel.hostname" = "x"}',
            ['sysctls."kernel.hostname": is set by a key of its own'],
        ),
        (
            'sysctls = {"vm.swappiness" = 1}',
            [
                "sysctls.\"vm.swappiness\": is not the sandbox's alone: the host's would change",
            ],
        ),
        (
            'sysctls = {"net.ipv4.ip_forward" = 1}',
            ['sysctls."net.ipv4.ip_forward": with a shared net namespace the host\'s would change'],
        ),
        (
            'sysctls = {"kernel.msgmax" = 1}\nnamespaces = {ipc = "shared"}',
            ['sysctls."kernel.msgmax": with a shared ipc namespace the host\'s would change'],
        ),
    ],
)
def test_trouble_is_told_when_a_root_can_not_be_as_written(text: str, told: list[str]) -> None:
    """At the key that has to change, before anything is done."""
    assert problems(text) == told


def test_nothing_is_told_when_all_is_right() -> None:
    """Up to the limits."""
    assert not problems(
        'overlay = {lower = ["/a", "/b"], upper = "/u", work = "/w"}\nreadonly = true\n'
        'masked_paths = []\nreadonly_paths = ["/proc/sys"]\npropagation = "slave"\n'
        'devices = ["/dev/fuse", "/dev/null:/dev/other"]\n'
        'sysctls = {"kernel.shm_rmid_forced" = 1, "fs/mqueue/msg_max" = "5"}\n'
        'mounts = ["/a:/b:ro,rslave", {type = "tmpfs", target = "/c", options = ["size=1m"]},'
        '{source = "/a", target = "/d", idmap = "u:0:1000:1 g:0:100:5"}]'
    )


def test_mounts_are_written_out_when_they_are_short() -> None:
    """A string as docker has it, and a table that leaves out what goes without saying."""
    box = loaded(
        'mounts = ["/a:/b:ro,nosuid", "/same", {content = "x", target = "/c/"}]'
    ).config.sandbox
    assert box is not None
    assert box.mounts == [
        Mount(source="/a", target="/b", options=["ro", "nosuid"]),
        Mount(source="/same", target="/same"),
        Mount(type="file", content="x", target="/c/"),
    ]
    assert [at(mount) for mount in box.mounts] == ["/b", "/same", "/c"]


def test_sources_are_beside_the_file_when_they_are_relative() -> None:
    """As all that the configuration names; what a link says is its own business."""
    box = loaded(
        'rootfs = "r"\nmounts = ["a:/b", {source = "x", target = "/c"}, '
        '{type = "symlink", source = "y", target = "/d"}]',
        "/etc/nsinit.toml",
    ).config.sandbox
    assert box is not None
    assert box.rootfs == "/etc/r"
    assert [mount.source for mount in box.mounts] == ["/etc/a", "/etc/x", "y"]
    box = loaded('overlay = {lower = ["a", "/b"], upper = "u"}', "/etc/nsinit.toml").config.sandbox
    assert box is not None
    assert box.overlay == Overlay(lower=["/etc/a", "/b"], upper="/etc/u")
