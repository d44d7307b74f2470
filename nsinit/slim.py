"""Libraries without those parts of others that an init never uses.

What msgspec, tomllib, asyncio and others import is what all of their users together need: numbers
of unlimited precision, TLS, the sources of functions. Before the first service that is time, and
afterwards memory, in each container. So while one of them is imported, a stand-in has the place of
such a module; it knows the few names that are taken from it at import, and for any other name the
module itself is loaded, as it would have been. Afterwards the stand-ins are gone, and whoever
imports such a module gets it.

What is lost: msgspec takes no UUID and no Decimal here, uvloop makes no TLS connection, and the
events of h11 are compared as the objects they are.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType, SimpleNamespace

TYPE_CHECKING = False  # as `typing` has it, which is loaded without `re` here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Final

    Names = Mapping[str, object]


class _StandIn(ModuleType):
    """A module that is loaded when a name is asked for that it does not have yet."""

    def __init__(self, name: str, names: Names) -> None:
        super().__init__(name)
        self.__dict__.update(names)
        self._names = (*names,)

    def forget(self) -> None:
        """Whoever keeps this gets everything from the module itself from now on."""
        for name in self._names:
            self.__dict__.pop(name, None)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # the machinery of imports looks for these in every module
            raise AttributeError(name)
        return getattr(_loaded(self.__name__), name)


def _loaded(name: str) -> ModuleType:
    """The module itself."""
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
    return import_module(name)


def _calls(module: str, *names: str) -> dict[str, Callable[..., object]]:
    """Functions that load their module when they are called."""

    def later(name: str) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            return getattr(_loaded(module), name)(*args, **kwargs)

        return call

    return {name: later(name) for name in names}


class _Logger:
    """The logger of a library that has hardly ever anything to say."""

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, message: str, *args: object, **kwargs: object) -> None:
        """Nothing, unless somebody has loaded `logging`: it says nothing of this by itself."""
        if "logging" in sys.modules:
            self.__getattr__("debug")(message, *args, **kwargs)

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(_loaded("logging").getLogger(self._name), name)
        return method


def _types(base: type, *names: str) -> dict[str, type]:
    """Types that nothing is an instance of."""
    return {name: type(name, (base,), {}) for name in names}


@contextmanager
def _without(**modules: Names | None) -> Iterator[None]:
    """Stand-ins for modules that are not loaded yet; None: there is no such module."""
    made: dict[str, ModuleType | None] = {}
    for key, names in modules.items():
        name = key.replace("__", ".")
        if name not in sys.modules:
            made[name] = None if names is None else _StandIn(name, names)
    sys.modules.update(made)  # type: ignore[arg-type]  # None is what Python itself puts there
    try:
        yield
    finally:
        for name, module in made.items():
            if name in sys.modules and sys.modules[name] is module:
                del sys.modules[name]
            if isinstance(module, _StandIn):
                module.forget()


def load_msgspec() -> None:
    """Import msgspec, if that has not been done."""
    with _without(
        uuid={**_types(object, "UUID"), "SafeUUID": SimpleNamespace(unknown=None)},
        decimal=_types(object, "Decimal"),
        datetime=_dates(),
        re={**_patterns(), **_calls("re", "compile")},
        typing_extensions=None,  # 10 ms for what `typing` has too
        msgspec__inspect={},
        msgspec___json_schema=_calls("msgspec._json_schema", "schema", "schema_components"),
        msgspec__toml={},
        msgspec__yaml={},
    ):
        import_module("msgspec")


def load_tomllib() -> None:
    """Import tomllib, if that has not been done."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    digits = "0123456789"
    with _without(
        string={"ascii_letters": letters, "digits": digits, "hexdigits": digits + "abcdefABCDEF"},
        datetime=_dates(),
    ):
        import_module("tomllib")


def load_asyncio() -> None:
    """Import asyncio, if that has not been done. It does without TLS where Python has none.

    Its loggers are loaded for the first warning: `logging` is half a MiB. So are locks, queues,
    streams, processes and its own loop, each when it is first asked for.
    """
    if "asyncio" in sys.modules:
        return
    with _without(
        traceback={},
        linecache={},
        **{f"asyncio__{part}": {"__all__": (part,)} for part in _LATER},
        ssl=None,
        inspect={},
        tokenize={},
        textwrap={},
        queue={},
        subprocess=_PIPES,
        logging={"getLogger": _Logger, "DEBUG": 10},
        asyncio__sslproto={},
    ):
        # What a star takes from each of those parts is the part itself.
        for part in _LATER:
            module = sys.modules[f"asyncio.{part}"]
            setattr(module, part, module)
        import_module("asyncio").__getattr__ = _of_asyncio  # type: ignore[method-assign]


def load_uvloop() -> None:
    """Import uvloop, if that has not been done. ImportError if it is missing."""
    load_asyncio()
    asyncio = sys.modules["asyncio"]
    watcher = "AbstractChildWatcher"  # of its parts that are left out, all that is asked for
    if watcher not in vars(asyncio):
        vars(asyncio)[watcher] = type(watcher, (), {})
    errors = (
        "SSLError", "SSLWantReadError", "SSLSyscallError", "SSLZeroReturnError", "CertificateError",
    )  # fmt: skip
    with _without(
        ssl={
            **_types(object, "SSLContext", "MemoryBIO"),
            **_types(OSError, *errors),
            **_calls("ssl", "create_default_context"),
            "SSL_ERROR_WANT_READ": 2,
            "SSL_ERROR_WANT_WRITE": 3,
            "SSL_ERROR_SYSCALL": 5,
        },
        traceback=_calls("traceback", "extract_stack"),
        inspect=_calls("inspect", "isgenerator", "iscoroutinefunction"),
        queue={},
        asyncio__sslproto={},
        subprocess={**_PIPES, **_types(Exception, "SubprocessError")},
    ):
        try:
            import_module("uvloop")
        finally:
            if vars(asyncio)[watcher].__module__ == __name__:
                del vars(asyncio)[watcher]


def load_h11() -> None:
    """Import h11, if that has not been done. ImportError if it is missing."""
    with _without(
        dataclasses={"dataclass": lambda **_: lambda kind: kind},  # all have an __init__ but one
    ):
        import_module("h11")


_LATER: Final = (
    "unix_events", "base_subprocess", "selector_events", "locks", "queues", "runners", "staggered",
    "streams", "subprocess", "taskgroups", "threads", "timeouts",
)  # fmt: skip


def _of_asyncio(name: str) -> object:
    """What asyncio has of its parts that were left out: all of them are loaded."""
    if not name.startswith("__"):
        for part in _LATER:
            module = _loaded(f"asyncio.{part}")
            if name in getattr(module, "__all__", ()):
                return getattr(module, name)
    raise AttributeError(f"module 'asyncio' has no attribute {name!r}")


_PIPES: Names = {"PIPE": -1, "STDOUT": -2, "DEVNULL": -3}


def _patterns() -> Names:
    """The types of `re`, which `typing` has names for: made by a pattern of one instruction."""
    pattern = import_module("_sre").compile("", 0, [1], 0, {}, (None,))  # 1 is SUCCESS
    return {"Pattern": type(pattern), "Match": type(pattern.match(""))}


def _dates() -> Names:
    """What `datetime` has in it from Python 3.12 on; before, it has all of it a second time."""
    try:
        return vars(import_module("_datetime"))
    except ImportError:
        return {}
