"""The keys that say what a service may do, and what they come to. Pure.

They stand in `[services.NAME]`, and in `[sandbox]` as what its services start from. The words are
docker's: `cap_drop` takes away, `cap_add` gives, and when a name is in both layers the service's
own has the last word.
"""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from nsinit.capnames import ALL, NUMBERS, parse_name
from nsinit.model.confinement import BY_DEFAULT, NO_FILTER, Landlock, Seccomp
from nsinit.model.types import show
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterable

# What docker leaves to the root of a container, without MKNOD: enough for what daemons do to become
# somebody else and to serve. Docker has a list of the devices that can be opened; where there is
# none, whoever can make a device of the host's disk can read it.
DEFAULT: Final = frozenset(
    NUMBERS[name] for name in (
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
        "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    )
)  # fmt: skip
_WITHOUT: Final = "-"


class CapNames(tuple[str, ...]):
    """Names of capabilities, or "ALL"; written in any case, with or without "CAP_"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a name or an array of names."""
        return list(dict.fromkeys(parse_name(text) for text in _texts(value)))


class CapWords(tuple[str, ...]):
    """A whole set: names, "ALL", and "-NAME" for what is taken from those before it."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a word or an array of words, which count from left to right."""
        texts = _texts(value)
        if texts and texts[0].startswith(_WITHOUT):
            raise ValueError(
                f'nothing stands before "{texts[0]}": write ["ALL", "{texts[0]}"], or use cap_drop'
            )
        return [
            _WITHOUT * text.startswith(_WITHOUT) + parse_name(text.removeprefix(_WITHOUT))
            for text in texts
        ]


def _texts(value: object) -> list[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"expected names of capabilities, got {show(value)}")
    return list(items)


class Security(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys; None means that it is not said here."""

    capabilities: CapWords | None = None
    cap_add: CapNames = CapNames()
    cap_drop: CapNames = CapNames()
    ambient: CapNames | None = None
    inheritable: CapNames = CapNames()  # what the capabilities of files can give, beside ambient
    no_new_privs: bool | None = None
    seccomp: Seccomp | None = None
    landlock: Landlock | None = None


_NOTHING: Final = Security()


def is_asked(keys: Security) -> bool:
    """Whether any of the keys says something."""
    names = Security.__struct_fields__
    return any(getattr(keys, name) != getattr(_NOTHING, name) for name in names)


class Granted(Named):
    """What a service gets, as numbers of capabilities."""

    caps: frozenset[int]  # those that there are
    ambient: frozenset[int]  # of these: what a user that is not root has from the start
    missing: frozenset[int]  # what was asked for by name, and there is not
    outside: frozenset[int]  # what the service wants to be ambient, and has not
    inheritable: frozenset[int] = frozenset()  # what the files of programs can give it


def grant(keys: Security, sandbox: Security | None, have: frozenset[int]) -> Granted:
    """What the keys come to, given what init itself may do.

    "ALL", and what nobody asked for by name, is as much of it as there is.
    """
    caps, asked = (have if sandbox is None else DEFAULT & have), frozenset[int]()
    for layer in (sandbox, keys):
        if layer is not None:
            caps, asked = _apply(layer, caps, asked, have)
    missing = asked - have
    caps -= missing
    outside = frozenset[int]()
    ambient = frozenset[int]()
    if keys.ambient is not None:
        ambient = _numbers(keys.ambient, caps)
        outside = ambient - caps - missing
    elif sandbox is not None and sandbox.ambient is not None:
        ambient = _numbers(sandbox.ambient, caps)
    words = keys.inheritable or (sandbox.inheritable if sandbox is not None else ())
    return Granted(caps, ambient & caps, missing, outside, _numbers(words, caps) & caps)


def _apply(
    layer: Security, caps: frozenset[int], asked: frozenset[int], have: frozenset[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """One layer's keys on what was there before: the set, and what of it was named."""
    if layer.capabilities is not None:
        caps = asked = frozenset()
        for word in layer.capabilities:
            names = (word.removeprefix(_WITHOUT),)
            if word.startswith(_WITHOUT):
                caps, asked = _less(names, caps), _less(names, asked)
            else:
                caps, asked = caps | _numbers(names, have), asked | _numbers(names, frozenset())
    if ALL in layer.cap_add:  # all but those that are dropped, as docker has it
        caps = have
    drop, add = layer.cap_drop, layer.cap_add
    caps, asked = _less(drop, caps), _less(drop, asked)
    return caps | _numbers(add, caps), asked | _numbers(add, frozenset())


def _numbers(names: "Iterable[str]", everything: frozenset[int]) -> frozenset[int]:
    made = frozenset(NUMBERS[name] for name in names if name != ALL)
    return made | everything if ALL in names else made


def _less(names: "Iterable[str]", caps: frozenset[int]) -> frozenset[int]:
    return frozenset() if ALL in names else caps - {NUMBERS[name] for name in names}


def has_no_new_privs(keys: Security, sandbox: Security | None) -> bool:
    """Whether no exec may give more: as said, else yes in a sandbox, and with filters anywhere.

    Without it the kernel takes filters only from somebody with CAP_SYS_ADMIN.
    """
    if keys.no_new_privs is not None:
        return keys.no_new_privs
    if sandbox is not None and sandbox.no_new_privs is not None:
        return sandbox.no_new_privs
    return sandbox is not None or keys.seccomp is not None or keys.landlock is not None


def filters_of(keys: Security, sandbox: Security | None) -> tuple[Seccomp | None, Landlock | None]:
    """What confines a service: its own keys, else the sandbox's, else the default profile there."""
    calls, reach = keys.seccomp, keys.landlock
    if sandbox is not None:
        calls = calls or sandbox.seccomp or BY_DEFAULT
        reach = reach or sandbox.landlock
    return (None if calls == NO_FILTER else calls), reach
