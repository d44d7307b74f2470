"""Libraries without what an init never uses, each in an interpreter of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from tests.support.live import environment

_SOURCES = {"inspect", "dis", "ast", "tokenize"}
_LOOP = {
    "ssl", "_ssl", "queue", "subprocess", "locale", "logging", "string", "textwrap",
    "asyncio.sslproto", *_SOURCES,
}  # fmt: skip
# What a library that was loaded so has not brought along.
SPARED = {
    "msgspec": {
        "uuid", "platform", "decimal", "numbers", "datetime", "textwrap", "typing_extensions",
        "msgspec.inspect", "msgspec._json_schema", "msgspec.toml", "msgspec.yaml",
    },
    "tomllib": {"string", "datetime"},
    "asyncio": _LOOP,
    "uvloop": _LOOP,
    "h11": {"dataclasses", "copy", *_SOURCES},
}  # fmt: skip
_ECHO = """
import asyncio, os, tempfile
async def echo(reader, writer):
    writer.write(await reader.read())
    writer.close()
async def main():
    with tempfile.TemporaryDirectory() as place:
        server = await asyncio.start_unix_server(echo, place + "/s")
        reader, writer = await asyncio.open_unix_connection(place + "/s")
        writer.write(b"hello")
        writer.write_eof()
        print((await reader.read()).decode())
        server.close()
loop.run_until_complete(main())
"""


def _run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"from nsinit import slim\n{script}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("library", SPARED)
def test_library_brings_no_more_than_it_needs_when_it_is_loaded_so(library: str) -> None:
    """No stand-in is left either: whoever imports such a module gets it."""
    names = sorted(SPARED[library])
    loaded = _run(f"slim.load_{library}()\nimport sys\nprint(*sys.modules)").split()
    assert library in loaded
    assert set(loaded).isdisjoint(names)
    there = [name for name in names if importlib.util.find_spec(name)]
    _run(
        f"slim.load_{library}()\n"
        f"import importlib\n"
        f"for name in {there}:\n"
        f"    made = importlib.import_module(name)\n"
        f"    assert type(made).__name__ == 'module' and made.__spec__, made\n"
    )


def test_msgspec_does_all_that_nsinit_asks_when_it_is_slim() -> None:
    """Structs, JSON, MessagePack; and the schema, for which the rest is loaded."""
    assert _run(
        "slim.load_msgspec()\n"
        "import msgspec\n"
        "class A(msgspec.Struct):\n"
        "    a: int\n"
        "    b: list[str] = []\n"
        "made = msgspec.convert({'a': 1, 'b': ['x']}, A)\n"
        "print(msgspec.json.encode(made).decode())\n"
        "assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=A) == made\n"
        "import sys; assert 'msgspec.inspect' not in sys.modules\n"
        "assert msgspec.json.schema(A)['$ref']\n"
        "assert msgspec.inspect.type_info(int) == msgspec.inspect.IntType()\n"
        "import datetime\n"
        "print(msgspec.json.encode(datetime.date(2026, 1, 2)).decode())"
    ).split() == ['{"a":1,"b":["x"]}', '"2026-01-02"']


def test_dates_are_those_of_python_when_a_file_has_some() -> None:
    """A date in TOML is what `datetime` calls one."""
    assert (
        _run(
            "slim.load_tomllib()\n"
            "import tomllib, datetime\n"
            "made = tomllib.loads('a = 2026-01-02\\nb = \"\\\\u00e9\"')\n"
            "assert type(made['a']) is datetime.date and made['b'] == 'é'\n"
            "import string; print(string.punctuation[0], tomllib._parser.string.octdigits)"
        )
        == "! 01234567"
    )


@pytest.mark.parametrize("library", ["asyncio", "uvloop"])
def test_loop_carries_connections_when_it_is_slim(library: str) -> None:
    """As it does all of init's, and without a module more."""
    assert _run(
        f"slim.load_{library}()\n"
        f"import {library}, sys\n"
        f"loop = {library}.new_event_loop()\n"
        f"{_ECHO}\n"
        f"assert not {{'inspect', 'logging'}} & sys.modules.keys()"
    ) == "hello"  # fmt: skip


@pytest.mark.parametrize("library", ["asyncio", "uvloop"])
def test_nothing_is_in_the_clear_when_a_slim_loop_is_asked_for_tls(library: str) -> None:
    """There is an error, or TLS if Python's own was loaded; without a loop that is as ever."""
    script = (
        f"slim.load_{library}()\n"
        f"import asyncio, {library}, ssl, socket\n"
        f"context = ssl.create_default_context()\n"
        f"loop = {library}.new_event_loop()\n"
        "async def main():\n"
        "    ours, theirs = socket.socketpair()\n"
        "    try:\n"
        "        await loop.create_connection(asyncio.Protocol, sock=ours, ssl=context,\n"
        "                                     server_hostname='x', ssl_handshake_timeout=0.2)\n"
        "    except (RuntimeError, TypeError, AttributeError, ConnectionAbortedError):\n"
        "        theirs.setblocking(False)\n"
        "        try:\n"
        "            print('a handshake' if theirs.recv(2) == b'\\x16\\x03' else 'something')\n"
        "        except BlockingIOError:\n"
        "            print('nothing was sent')\n"
        "loop.run_until_complete(main())\n"
    )
    assert _run(script) in ("nothing was sent", "a handshake")


@pytest.mark.parametrize("library", ["asyncio", "uvloop"])
def test_loop_logs_by_pythons_own_means_when_it_has_something_to_say(library: str) -> None:
    """What somebody has set up for logging counts, though it was loaded later."""
    assert _run(
        f"slim.load_{library}()\n"
        f"import asyncio, {library}, logging, sys\n"
        f"logging.basicConfig(stream=sys.stdout, format='%(name)s: %(message)s')\n"
        f"loop = {library}.new_event_loop()\n"
        f"loop.call_exception_handler({{'message': 'odd'}})\n"
        f"logging.getLogger('asyncio').setLevel(logging.DEBUG)\n"
        f"asyncio.log.logger.debug('%s is', 'there')\n"
    ).split("\n") == ["asyncio: odd", "asyncio: there is"]  # fmt: skip


def test_requests_are_read_when_h11_is_slim() -> None:
    """Its events are made and checked as ever, but for those that are equal only to themselves."""
    assert _run(
        "slim.load_h11()\n"
        "import h11\n"
        "c = h11.Connection(h11.SERVER)\n"
        "c.receive_data(b'POST /a HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\n\\r\\nhi')\n"
        "r, d, e = (c.next_event() for _ in range(3))\n"
        "print(r.target.decode(), dict(r.headers)[b'host'].decode(), d.data.decode(),\n"
        "      type(e).__name__)\n"
        "made = h11.Response(status_code=204, headers=[('a', 'b')], reason='no')\n"
        "print((c.send(made) + c.send(h11.EndOfMessage())).split(b'\\r')[0].decode())\n"
        "c.receive_data(b'')\n"
        "c.start_next_cycle(); c.receive_data(b'')\n"
        "print(type(c.next_event()).__name__)"
    ).split("\n") == ["/a x hi EndOfMessage", "HTTP/1.1 204 no", "ConnectionClosed"]


def test_module_itself_is_loaded_when_a_library_wants_more_of_it() -> None:
    """Another release takes another name at its import: it gets it."""
    assert _run(
        "from nsinit.slim import _without\n"
        "with _without(uuid={'UUID': object}, decimal=None):\n"
        "    import uuid\n"
        "    assert uuid.UUID is object\n"
        "    print(uuid.NAMESPACE_DNS.version)\n"
        "    try:\n"
        "        import decimal\n"
        "    except ImportError:\n"
        "        print('there is none')\n"
        "import uuid, decimal\n"
        "assert isinstance(uuid.uuid4(), uuid.UUID)"
    ).split("\n") == ["1", "there is none"]


def test_parts_of_asyncio_are_loaded_when_they_are_asked_for() -> None:
    """By their names, from the package and from themselves; what there is not is not found."""
    script = (
        "slim.load_asyncio()\n"
        "import sys, asyncio\n"
        "print(*(part in sys.modules for part in ('asyncio.locks', 'asyncio.streams')))\n"
        "async def work():\n"
        "    async with asyncio.Lock():\n"
        "        return await asyncio.wait_for(asyncio.sleep(0, 7), 60)\n"
        "print(asyncio.new_event_loop().run_until_complete(work()))\n"
        "from asyncio import StreamReader, subprocess\n"
        "import asyncio.streams\n"
        "print(asyncio.streams.StreamReader is asyncio.StreamReader is StreamReader)\n"
        "print(hasattr(asyncio, 'nothing'), hasattr(subprocess, 'create_subprocess_exec'))"
    )
    assert _run(script).split("\n") == ["False False", "7", "True", "False True"]


def test_uvloop_finds_nothing_of_asyncio_missing_when_it_is_loaded() -> None:
    """And nothing that stood in for something is left."""
    pytest.importorskip("uvloop")
    script = (
        "slim.load_uvloop()\n"
        "import asyncio, sys, uvloop\n"
        "print('asyncio.unix_events' in sys.modules, 'AbstractChildWatcher' in vars(asyncio))\n"
        "print(uvloop.new_event_loop().run_until_complete(asyncio.sleep(0, 7)))"
    )
    assert _run(script).split("\n") == ["False False", "7"]


def test_types_of_patterns_are_real_when_typing_was_loaded_without_re() -> None:
    """Who asks `typing` for them gets those that `re` has."""
    done = _run(
        "slim.load_msgspec(); import sys\n"
        "print('re' in sys.modules)\n"
        "import re, typing\n"
        "print(typing.Pattern.__origin__ is re.Pattern, typing.Match.__origin__ is re.Match)\n"
    )
    assert done.split() == ["False", "True", "True"]
