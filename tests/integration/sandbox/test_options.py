"""Sandboxes from options on the command line, with a file and without."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box


@pytest.mark.row(58)
def test_sandbox_needs_no_file_when_there_are_options(box: Callable[..., Box]) -> None:
    """The command is its main service, in new namespaces, and its code is the end's."""
    script = "hostname; readlink /proc/self/ns/net /proc/self/ns/uts; id -u; exit 5"
    words = ["run", "--namespaces", "pid,mount,uts,net", "--hostname", "a_box"]
    done = box("").run(*words, "--", "sh", "-c", script)
    assert done.returncode == 5, done.stderr
    lines = [line.removeprefix("main   | ") for line in done.stdout.splitlines()]
    assert lines[0] == "a_box"
    assert lines[1] != os.readlink("/proc/self/ns/net")
    assert lines[2] != os.readlink("/proc/self/ns/uts")
    assert lines[3] == "0"


def test_options_count_when_the_file_says_something_else(box: Callable[..., Box]) -> None:
    """Key by key: the others are those of the file; before FILE or after it."""
    config = '[sandbox]\nhostname = "old"\ndomainname = "kept"\n'
    for before, after in ((["--hostname", "new"], []), ([], ["--hostname=new"])):
        made = box(config)
        script = "hostname; cat /proc/sys/kernel/domainname"
        done = made.run("run", *before, str(made.config), *after, "--", "sh", "-c", script)
        assert done.stdout.split() == ["main", "|", "new", "main", "|", "kept"], done


def test_plan_has_the_options_when_it_is_printed(box: Callable[..., Box]) -> None:
    """Nothing is made, nor listed."""
    made = box("")
    done = made.run("run", "--hostname", "box", "--dry-run", "--", "sh")
    assert done.returncode == 0, done.stderr
    assert "set the host name to box" in done.stdout
    assert os.listdir(made.directory / "run") == []


def test_dollar_is_itself_when_it_is_in_an_option(box: Callable[..., Box]) -> None:
    """The shell has filled in what was to be filled in."""
    done = box("").run("run", "--hostname", "a${HOME}$$", "--", "hostname")
    assert done.stdout == "main   | a${HOME}$$\n", done


@pytest.mark.row(61)
def test_sandbox_ends_when_who_asked_can_not_be_told(box: Callable[..., Box]) -> None:
    """A pid file that can't be written: code 125, and nothing is left."""
    made = box("")
    done = made.run("run", "--pid-file", "/nowhere/at/all", "--name", "x", "--", "true")
    assert done.returncode == 125, done
    assert "cannot write the pid file" in done.stderr
    assert os.listdir(made.directory / "run") == []


@pytest.mark.row(61)
def test_who_asked_is_told_before_any_service_runs(box: Callable[..., Box]) -> None:
    """The pid file, the descriptor for programs, and the list have the same init."""
    made = box("")
    pid_file = made.directory / "shop.pid"
    script = f"cat {pid_file}; cat {made.directory}/run/shop/record.json"
    words = f'exec {made.typed()} run --name shop --pid-file {pid_file} --info-fd 3 "$@" 3>info'
    done = made.shell(words, "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    lines = [line.removeprefix("main   | ") for line in done.stdout.splitlines()]
    record = json.loads("".join(lines[1:]))
    info = json.loads((made.directory / "info").read_text())
    assert int(lines[0]) == record["pid"] == info["child-pid"]
    assert info["pid-namespace"] == record["namespaces"]["pid"]
    assert info["name"] == "shop"
    assert not pid_file.exists()


def test_services_wait_when_a_descriptor_blocks_them(box: Callable[..., Box]) -> None:
    """Until it can be read; the sandbox is there before."""
    made = box("")
    reader, writer = os.pipe()
    try:
        words = ["run", "--name", "shop", "--block-fd", str(reader), "--", "echo", "free"]
        process = made.with_descriptors(reader).beside(*words)
        made.wait_for_file("run/shop/record.json", '"pid": ')
        assert made.run("list", "-q").stdout == "shop\n"
        assert made.run("ctl", "-s", "shop", "--help").returncode == 0
        assert process.poll() is None
        os.close(writer)
        writer = -1
        assert process.wait(20) == 0
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)


def test_sandbox_ends_when_it_is_told_to_before_its_services(box: Callable[..., Box]) -> None:
    """A TERM while they wait is enough."""
    made = box("")
    reader, writer = os.pipe()
    try:
        words = ["run", "--name", "shop", "--block-fd", str(reader), "--", "sleep", "1000"]
        process = made.with_descriptors(reader).beside(*words)
        made.wait_for_file("run/shop/record.json", '"pid": ')
        process.terminate()
        assert process.wait(20) == 128 + 15
        assert os.listdir(made.directory / "run") == []
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.row(58)
def test_root_is_found_from_where_the_caller_is(
    box: Callable[..., Box], rootfs: pathlib.Path
) -> None:
    """A path on the command line is not relative to the file; mounts in docker's words too."""
    made = box("")
    (made.directory / "deep").mkdir()
    config = made.directory / "deep" / "x.toml"
    config.write_text('[sandbox]\nrootfs = "nowhere"\n')
    (made.directory / "data").mkdir()
    (made.directory / "data" / "file").write_text("of the host\n")
    words = ["--rootfs", f"../{rootfs.name}", "--mounts", "type=bind,src=data,dst=/data,ro"]
    script = "cat /marker /data/file; touch /data/x || echo readonly"
    done = made.run("run", *words, str(config), "--", "sh", "-c", script)
    assert done.returncode == 0, done
    assert "of the host" in done.stdout
    assert "main   | readonly" in done.stdout


@pytest.mark.row(65)
def test_shell_is_that_of_the_root_when_somebody_enters(
    box: Callable[..., Box], rootfs: pathlib.Path
) -> None:
    """Neither the caller's shell nor its directory need to be there."""
    made = box("", SHELL="/no/such/shell")
    started = made.run("run", "-d", "--name", "shop", "--rootfs", str(rootfs), "--", "sleep", "999")
    assert started.returncode == 0, started
    done = made.run("enter", "shop", text="echo $0 $PWD; ls /marker\n")
    assert (done.returncode, done.stdout) == (0, "/bin/sh /\n/marker\n"), done
    assert made.run("stop", "shop").returncode == 0
