"""Where each stream goes, in nsinit's words and in supervisord's, and what is wrong with it."""

from __future__ import annotations

import tomllib

import pytest

from nsinit.errors import ConfigError
from nsinit.model.decode import decode
from nsinit.model.load import load, parse_source
from nsinit.model.logs import STREAMS, FileRules, file_rules, sinks
from nsinit.model.report import Report, Source
from nsinit.model.spec import Log, Service


def log(text: str) -> Log:
    """The log table of a service with these keys."""
    written = f"command = 'x'\n{text}"
    report = Report([Source("n.toml", written, tomllib.loads(written))])
    made = decode(report.sources[0].data, Service, ("services", "a"), report)
    assert report.problems == []
    return made.log


def places(text: str) -> str:
    """Where stdout and stderr go: "console+/file null"."""
    made, words = log(text), []
    for stream in STREAMS:
        rules = file_rules(made, stream)
        path = rules.path if rules else ""
        words.append("+".join(path if to == "file" else to for to in sinks(made, stream)))
    return " ".join(words)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "console console"),
        ("log = 'null'", "null null"),
        ("log = '/a.log'", "/a.log /a.log"),
        ("log = {file = '//a/./b'}", "/a/b /a/b"),
        ("log = {to = 'file', file = '/a'}", "/a /a"),
        ("log = {to = ['console', 'file'], file = '/a'}", "console+/a console+/a"),
        ("log = {file = '/a', stderr = 'console'}", "/a console"),
        ("log = {file = '/a', stderr = '/b'}", "/a /b"),
        ("log = {file = '/a', stderr = {to = ['console', 'file']}}", "/a console+/a"),
        ("log = {stderr = {file = '/b'}}", "console /b"),
        ("log = {to = 'inherit', stderr = {to = ['console', 'file'], file = '/b'}}",
            "inherit console+/b"),
        ("stdout_logfile = '/a'", "/a console"),
        ("stdout_logfile = '/a'\nredirect_stderr = true", "/a /a"),
        ("stdout_logfile = '/a'\nstderr_logfile = '/b'", "/a /b"),
        ("stdout_logfile = 'NONE'\nstderr_logfile = 'AUTO'", "null console"),
        (("stdout_logfile = '/dev/stdout'\nstdout_logfile_maxbytes = 0\n"
            "stderr_logfile = '/dev/fd/2'\nstderr_logfile_maxbytes = 0"), "console console"),
        ("stdout_logfile = '/dev/null'\nredirect_stderr = true", "null null"),
        ("stderr_logfile = '/b'", "console /b"),
    ],
)  # fmt: skip
def test_streams_go_where_they_should_when_it_is_written(text: str, where: str) -> None:
    """One word for each stream."""
    assert places(text) == where


def test_rules_have_their_defaults_when_only_a_path_is_given() -> None:
    """10 MiB, 5 rotated files, packed, for owner and group."""
    assert file_rules(log("log = '/a'"), "stdout") == FileRules("/a")
    assert FileRules("/a")[1:] == (10 << 20, 5, 0, True, 0o640, None, 16 << 10, "", "raw")


def test_stderr_has_the_rules_of_stdout_when_it_says_nothing_else() -> None:
    """Only what is written for it differs."""
    made = log(
        "log = {file = '/a', max_size = '1MiB', keep = 2, total = '2MiB', owner = 5,"
        " stderr = {file = '/b', keep = 9, compress = false, mode = '600'}}"
    )
    assert file_rules(made, "stdout") == FileRules("/a", 1 << 20, 2, 2 << 20, owner=5)
    expected = FileRules("/b", 1 << 20, 9, 2 << 20, compress=False, mode=0o600, owner=5)
    assert file_rules(made, "stderr") == expected


def test_sizes_are_understood_when_written_for_supervisord() -> None:
    """Its bytes and backups, for each stream."""
    made = log(
        "stdout_logfile = '/a'\nstdout_logfile_maxbytes = '50MB'\nstdout_logfile_backups = 7\n"
        "stderr_logfile = '/b'\nstderr_logfile_maxbytes = 0\nstderr_logfile_backups = 1\n"
    )
    assert file_rules(made, "stdout") == FileRules("/a", 50_000_000, 7)
    assert file_rules(made, "stderr") == FileRules("/b", 0, 1)


NO_FILE = 'log.{}: nothing goes there: "to" has no "file" (to = ["console", "file"])'
WRONG = [
    ("log = {to = 'file'}", [
        'log.to: the key "file" is missing (file = "/var/log/NAME.log")']),
    ("log = {to = ['console', 'null']}", [
        "log.to: expected one place or [\"console\", \"file\"], got ['console', 'null']"]),
    ("log = {to = []}", ['log.to: expected one place or ["console", "file"], got []']),
    ("log = {to = 'console', file = '/a'}", [NO_FILE.format("file")]),
    ("log = {stderr = {to = 'null', file = '/a'}}", [NO_FILE.format("stderr.file")]),
    ("log = {stderr = {to = 'file'}}", [
        'log.stderr.to: the key "file" is missing (file = "/var/log/NAME.err")']),
    ("log = {max_size = 99999, keep = 2}", [
        "log.keep: has no effect without a file", "log.max_size: has no effect without a file"]),
    ("log = {file = '/a', stderr = {keep = 3}}", [
        "log.stderr.keep: has no effect without a file of its own"]),
    ("log = {file = 'a'}", ["log.file: expected an absolute path, got 'a'"]),
    ("log = '/a/'", ["log.file: expected the path of a file, got '/a/'"]),
    ("log = '/dev/stdout'", [
        'log.file: /dev/stdout is no file that can be rotated (to = "console")']),
    ("stderr_logfile = 'syslog'", ["stderr_logfile: expected an absolute path, got 'syslog'"]),
    ("log = {file = '/a', stderr = '//a'}", [
        ('log.stderr.file: stdout goes there already (leave "stderr" out to have both there)')]),
    ("log = {file = '/a', stderr = '/a.1.gz'}", [
        'log.stderr.file: is in the way of the rotated files of "a": /a']),
    ("log = '/b.log'", [
        'services.b.log.file: "a" writes to it already (give each service its own file)']),
    ("log = '/b.log.12'", [
        'services.b.log.file: is in the way of the rotated files of "a": /b.log.12']),
    ("log = {file = '/a', max_size = 65535}", [
        "log.max_size: expected at least 64KiB, or 0 for no rotation"]),
    ("log = {file = '/a', keep = -1}", ["log.keep: expected a number from 0 to 1000, got -1"]),
    ("log = {file = '/a', total = '1MiB'}", [
        "log.total: is less than max_size, which one file may have"]),
    ("log = {file = '/a', max_size = 0, total = '1MiB'}", [
        "log.total: has no effect with max_size = 0"]),
    ("log = {file = '/a', mode = '755'}", ["log.mode: a log file is read and written: up to 0666"]),
    ("log = {file = '/a', max_size = '64KiB', line_limit = '33KiB'}", [
        "log.line_limit: is more than half of max_size: a line may not fit into a file"]),
    ("log = {file = '/a', maxsize = 3}", [
        'log.maxsize: unknown key (did you mean "max_size"?)']),
    ("log = {file = '/a', stderr = {fil = '/b'}}", [
        'log.stderr.fil: unknown key (did you mean "file"?)']),
    ("stdout_logfiles = '/a'", ['stdout_logfiles: unknown key (did you mean "stdout_logfile"?)']),
    ("stdout_logfile = '/a'\nlog = {file = '/c'}", [
        'stdout_logfile: is another name of "log.file", and both are given']),
    ("stdout_logfile = '/a'\nredirect_stderr = 1", [
        "redirect_stderr: expected true or false, got 1"]),
    ("stderr_logfile = '/a'\nredirect_stderr = true", [
        "redirect_stderr: stderr has a place of its own here (leave one of them out)"]),
    ("stdout_logfile = '/a'\nlog = 'null'", [
        'stdout_logfile: nothing goes there: "to" has no "file" (to = ["console", "file"])']),
    ("stdout_logfile = '/a'\nstdout_logfile_maxbytes = 'big'", [
        ('stdout_logfile_maxbytes: expected a size such as 4096, "64KiB", "10M" or "1.5GiB",'
            " got 'big'")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_trouble_is_told_when_a_log_is_wrong(text: str, told: list[str]) -> None:
    """Everything that is wrong, each at its key as it was written."""
    other = "[services.b]\ncommand = 'x'\nlog = '/b.log'\n"
    source = parse_source("n", f"[services.a]\ncommand = 'x'\n{text}\n{other}")
    with pytest.raises(ConfigError) as caught:
        load([source], {})
    made = [str(p).split(": ", 1)[1].removeprefix("services.a.") for p in caught.value.problems]
    assert made == told
