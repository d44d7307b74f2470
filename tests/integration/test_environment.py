"""The environment of a service: whose variables win, files of them, secrets, odd bytes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import live

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.integration.conftest import Start
    from tests.support.live import Live

# A name for each road that a service can take to its exec.
ROADS = {"vfork": "", "fork": "no_new_privs = true"}


def _config(more: str = "", init: str = "") -> str:
    return f"""
        [init]
        keep_running = true
        {init}
        [services.a]
        type = "oneshot"
        command = ["env", "-0"]
        log = {{line_limit = "1MiB"}}
        {more}
        """


def _told(init: Live) -> dict[str, str]:
    """The environment of the last run of service a."""
    run = init.wait_for("a", "exited")["run"]
    text = "\n".join(row["line"] for row in init.client.logs() if row["run"] == run)
    rows = [row.partition("=") for row in text.rstrip("\n").split("\0")]
    return {name: value for name, _, value in rows if name}


def _reason(init: Live) -> str:
    return str(init.wait_for("a", "failed")["reason"])


# --- Complaint: lost environment ------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_lost_environment_when_services_need_what_the_container_was_given(
    start: Start, road: str
) -> None:
    """All that `docker run -e` set arrives, untouched, and nothing of Python's own comes along."""
    given = {"DATABASE_URL": "postgres://u:p@h/d?x=y", "MULTI": "a\nb", "EMPTY": "", "SP": " x "}
    told = _told(start(_config(road), **given))
    assert {name: told[name] for name in given} == given
    assert told["NSINIT_TEST"] == "1"
    assert "LC_CTYPE" not in told


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_lost_environment_when_the_locale_is_the_users_own(
    tmp_path: pathlib.Path, road: str
) -> None:
    """An LC_CTYPE that the user set is handed on; the one that Python sets (PEP 538) is not."""
    for number, lang in enumerate(({"LC_CTYPE": "C.UTF-8"}, {"LC_CTYPE": "POSIX"}, {})):
        directory = tmp_path / str(number)
        directory.mkdir()
        with live(directory, _config(road)) as init:
            init.close()
            init.env.pop("LANG")
            init.env |= lang
            init.start()
            assert _told(init).get("LC_CTYPE") == lang.get("LC_CTYPE")


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_bytes_pass_when_names_and_values_are_not_utf8(tmp_path: pathlib.Path, road: str) -> None:
    """Inherited ones, those of an env_file, and those of a secret."""
    (tmp_path / "odd.env").write_bytes(b"FILE=\xff\x01\nQUOTED='\xfe\n\xfd'\n")
    (tmp_path / "secret").write_bytes(b"\xc3\x28\n")
    more = f'{road}\nenv_file = "odd.env"\nenvironment = {{SECRET = {{file = "secret"}}}}'
    script = (
        "env -0 | LC_ALL=C grep -z -a -E '^(FILE|QUOTED|SECRET|.ODD)=' | sort -z | od -An -v -tx1"
    )
    config = _config(more).replace('["env", "-0"]', f'["bash", "-c", "{script}"]')
    odd = {os.fsdecode(b"\xffODD"): os.fsdecode(b"\x80\xff")}
    with live(tmp_path, config) as init:
        init.close()
        init.env |= odd
        init.start()
        init.wait_for("a", "exited")
        lines = [row["line"] for row in init.client.logs()]
    data = bytes.fromhex("".join(lines))
    assert sorted(data.rstrip(b"\0").split(b"\0")) == sorted(
        [b"FILE=\xff\x01", b"QUOTED=\xfe\n\xfd", b"SECRET=\xc3\x28", b"\xffODD=\x80\xff"]
    )


# --- Complaint: env file --------------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_env_file_when_users_bring_the_one_they_have(
    start: Start, tmp_path: pathlib.Path, road: str
) -> None:
    """Lines of docker, compose and shells; `${X}` from before; a missing one with a "?"."""
    (tmp_path / "app.env").write_text(
        "# how compose has it\n"
        "export PLAIN=value # with a comment\n"
        'QUOTED="two words\\n${GIVEN}"\n'
        "RAW='${GIVEN}'\n"
        'JSON={"a": 1}\n'
        'KEY="-----BEGIN-----\nabc=\n-----END-----"\n'
        "GIVEN\n"
    )
    (tmp_path / "more.env").write_text("PLAIN=later\nFROM=${PLAIN}\n")
    files = f'["{tmp_path}/app.env", "../more.env", "../missing.env?"]'
    told = _told(start(_config(f"{road}\nenv_file = {files}"), GIVEN="given"))
    assert told["PLAIN"] == told["FROM"] == "later"
    assert told["QUOTED"] == "two words\ngiven"
    assert told["RAW"] == "${GIVEN}"
    assert told["JSON"] == '{"a": 1}'
    assert told["KEY"] == "-----BEGIN-----\nabc=\n-----END-----"
    assert told["GIVEN"] == "given"


def test_later_ones_win_when_a_variable_is_set_everywhere(
    start: Start, tmp_path: pathlib.Path
) -> None:
    """Inherited < [init].environment < env_file < environment."""
    (tmp_path / "a.env").write_text("C=file\nD=file\nSEEN=${A}${B}${C}\n")
    more = f'env_file = "{tmp_path}/a.env"\nenvironment = {{D = "own"}}'
    init = 'environment = {B = "init", C = "init", D = "init"}'
    told = _told(start(_config(more, init), A="given", B="given", C="given", D="given"))
    assert [told[name] for name in "ABCD"] == ["given", "init", "file", "own"]
    assert told["SEEN"] == "giveninitfile"


def test_changed_env_file_counts_when_the_service_starts_again(
    start: Start, tmp_path: pathlib.Path
) -> None:
    """It is read at each start, and so is a secret; a file that broke is told, and init lives."""
    (tmp_path / "a.env").write_text("A=1\n")
    (tmp_path / "secret").write_text("one\n")
    secret = f'{{file = "{tmp_path}/secret"}}'
    init = start(_config(f'env_file = "{tmp_path}/a.env"\nenvironment = {{S = {secret}}}'))
    told = _told(init)
    assert (told["A"], told["S"]) == ("1", "one")
    (tmp_path / "a.env").write_text("A=2\n")
    (tmp_path / "secret").write_text("two")
    init.ctl("restart", "a")
    told = _told(init)
    assert (told["A"], told["S"]) == ("2", "two")
    (tmp_path / "a.env").write_text("A=2\nB='\n")
    init.ctl("restart", "a", check=False)
    path = f"{tmp_path}/a.env:2"
    assert f"cannot use the env_file {path}: the quote ' is never closed" in _reason(init)


def _make_fifo(path: pathlib.Path) -> None:
    os.mkfifo(path)


def _make_big(path: pathlib.Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


# How the file is made, and what is said of it. Nothing of this may block or fill PID 1.
UNFIT: dict[str, tuple[Callable[[pathlib.Path], object], str]] = {
    "missing": (lambda path: None, 'No such file or directory (a "?" after its name'),
    "directory": (lambda path: path.mkdir(), "it is no regular file"),
    "fifo": (_make_fifo, "it is no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
    "big": (_make_big, "it has over"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
}


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
@pytest.mark.parametrize("key", ["env_file", "secret"])
@pytest.mark.parametrize("kind", UNFIT)
def test_file_is_refused_when_init_could_block_on_it(
    start: Start, tmp_path: pathlib.Path, kind: str, key: str
) -> None:
    """The service fails with the file's name and the reason; init answers all the time."""
    make, said = UNFIT[kind]
    path = tmp_path / "odd"
    make(path)
    line = f'env_file = "{path}"' if key == "env_file" else f'environment = {{S={{file="{path}"}}}}'
    init = start(_config(line))
    reason = _reason(init)
    what = "read the env_file" if key == "env_file" else "read the value of S from"
    assert f"cannot {what} {path}: {said}" in reason
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


# --- Secrets --------------------------------------------------------------------------------------


def test_secret_is_read_when_its_file_is_named(start: Start, tmp_path: pathlib.Path) -> None:
    """Without the newline at its end; an optional one that is missing changes nothing."""
    (tmp_path / "db").write_text("  p@ss word\n\n")
    secrets = f'DB = {{file = "{tmp_path}/db"}}, NONE = {{file = "{tmp_path}/none?"}}'
    told = _told(start(_config(f"environment = {{{secrets}}}"), NONE="inherited"))
    assert told["DB"] == "  p@ss word"
    assert told["NONE"] == "inherited"


def test_secret_reaches_all_services_when_init_names_it(
    start: Start, tmp_path: pathlib.Path
) -> None:
    """[init].environment takes files too; their paths are relative to the configuration."""
    (tmp_path / "db").write_text("s")
    told = _told(start(_config(init='environment = {DB = {file = "../db"}}')))
    assert told["DB"] == "s"


def test_secret_stays_out_of_sight_when_init_is_asked(start: Start, tmp_path: pathlib.Path) -> None:
    """Neither the status nor the log tells its value."""
    (tmp_path / "db").write_text("hunter2\n")
    config = _config(f'environment = {{DB = {{file = "{tmp_path}/db"}}}}')
    init = start(config.replace('["env", "-0"]', '"true"'))
    init.wait_for("a", "exited")
    assert "hunter2" not in init.said() + str(init.client.status()) + str(init.events())


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_secret_is_read_by_init_when_the_user_may_not(start: Start, tmp_path: pathlib.Path) -> None:
    """A file of root's with mode 0400, as docker's and Kubernetes' secrets often are."""
    (tmp_path / "db").write_text("s\n")
    (tmp_path / "db").chmod(0o400)
    more = f'user = "nobody"\nenvironment = {{DB = {{file = "{tmp_path}/db"}}}}'
    told = _told(start(_config(more)))
    assert (told["DB"], told["USER"]) == ("s", "nobody")


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
@pytest.mark.parametrize(
    ("data", "said"), [(b"a\0b", "it has a NUL"), (b"x" * 200_000, "it has over 128 KiB")]
)
def test_secret_is_refused_when_no_variable_can_hold_it(
    start: Start, tmp_path: pathlib.Path, data: bytes, said: str
) -> None:
    """As a reason of the start that failed, not as a broken exec."""
    (tmp_path / "s").write_bytes(data)
    init = start(_config(f'environment = {{S = {{file = "{tmp_path}/s"}}}}'))
    assert said in _reason(init)


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
def test_inherited_ones_are_left_out_when_asked(start: Start, tmp_path: pathlib.Path) -> None:
    """`inherit_env = false`: nsinit's own, the files' and the service's; `${X}` still knows all."""
    (tmp_path / "a.env").write_text("A=${GIVEN}\n")
    more = f'inherit_env = false\nenv_file = "{tmp_path}/a.env"'
    told = _told(start(_config(more), GIVEN="given"))
    assert told.keys() == {"A", "PATH", "NSINIT_SERVICE", "NSINIT_REPLICA", "NSINIT_SOCKET"}
    assert told["A"] == "given"


@pytest.mark.parametrize("way", ["subreaper"], indirect=True)
@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_reason_is_told_when_all_together_is_too_long(
    start: Start, tmp_path: pathlib.Path, road: str
) -> None:
    """Each variable is short enough for the kernel, their sum is not (execve(2): E2BIG)."""
    (tmp_path / "s").write_bytes(b"x" * 120_000)
    many = ", ".join(f'V{n} = {{file = "{tmp_path}/s"}}' for n in range(60))
    reason = _reason(start(_config(f"{road}\nenvironment = {{{many}}}")))
    assert "Argument list too long (its command and its environment are too long" in reason


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        ('user = "nobody"', ["/nonexistent", "nobody", "nobody", "/usr/sbin/nologin"]),
        ("user = 4321", ["/", "4321", "4321", "/bin/sh"]),
        ("group = 4321", ["/given", "given", "given", "/given/sh"]),
        (
            'user = 4321\nenvironment = {HOME = "/own", SHELL = "/own/sh"}',
            ["/own", "4321", "4321", "/own/sh"],
        ),
    ],
)
def test_account_is_in_the_environment_when_the_user_changes(
    start: Start, lines: str, seen: list[str]
) -> None:
    """HOME, USER, LOGNAME and SHELL; the service's own environment wins."""
    given = {"HOME": "/given", "USER": "given", "LOGNAME": "given", "SHELL": "/given/sh"}
    told = _told(start(_config(lines), **given))
    assert [told[name] for name in given] == seen
