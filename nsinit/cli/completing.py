"""What Tab offers for the parameters of one verb, in the words of bash, zsh and fish.

An offer is words, or one of FILES, SANDBOXES and SERVICES: those are looked up when Tab is
pressed. Where nothing is known it is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from nsinit.cli.parsing import WHEN, chooses_fields
from nsinit.cli.quoting import fish_word, zsh_word
from nsinit.control.metrics import FAMILIES
from nsinit.control.row import Param
from nsinit.runtime.events import TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

Offer: TypeAlias = "tuple[str, ...]"

FILES: Final = ("<files>",)
SANDBOXES: Final = ("<sandboxes>",)
SERVICES: Final = ("<services>",)
_SIGNALS: Final = ("HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT")
_OPTIONS: Final = {"output": FILES, "out": FILES, "env_file": FILES, "socket": FILES, "root": FILES}
# By verb and parameter, for what the table can't know.
_KNOWN: Final = {
    ("ctl events", "type"): TYPES,
    ("ctl logs", "run"): ("current", "previous"),
    ("ctl metrics", "family"): tuple(family.name for family in FAMILIES),
    ("top", "name"): SANDBOXES,
    ("kill", "signal"): _SIGNALS,
}
_COLOR: Final = Param("color", "choice", ", ".join(WHEN), choices=WHEN)
_FORMAT: Final = Param("format", "text", "of the JSON only these fields: name,state")
_HELP: Final = Param("help", "flag", "tell more of it")
_BASH: Final[dict[Offer, str]] = {
    SANDBOXES: '$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)',
    SERVICES: "$(_nsinit_ctl list)",
}
_ZSH: Final[dict[Offer, str]] = {
    SANDBOXES: "($(_call_program sandboxes $service list -q 2>/dev/null))",
    SERVICES: "($(_call_program services $service ctl $at list 2>/dev/null))",
}
_FISH: Final[dict[Offer, str]] = {
    SANDBOXES: "(nsinit list -q 2>/dev/null)",
    SERVICES: "(__nsinit_services)",
}


def whole(params: Sequence[Param]) -> list[Param]:
    """The options of a verb, with those that all have."""
    made = [param for param in params if not param.positional]
    if chooses_fields(params):
        made.append(_FORMAT)
    if any(param.name == "json" for param in params):
        made.append(_COLOR)
    return [*made, _HELP]


def offer_of(verb: str, param: Param) -> Offer:
    """What can be typed for a parameter; `verb` is as it is typed: "ctl logs", "stop"."""
    if param.kind == "flag":
        return ()
    known = _KNOWN.get((verb, param.name)) or param.choices
    return known or (_SIGNALS if param.kind == "signal" else _OPTIONS.get(param.name, ()))


def flags(params: Sequence[Param]) -> list[str]:
    """The options as they are typed."""
    return [flag for param in whole(params) for flag in _forms(param)]


def _forms(param: Param) -> list[str]:
    return [param.flag, *([f"-{param.short}"] if param.short else [])]


# --- bash -----------------------------------------------------------------------------------------


def bash_offer(offer: Offer) -> str:
    """The statement that offers it; `word` is what has been typed."""
    if offer == FILES:
        return 'COMPREPLY=($(compgen -f -- "$word")); return'
    return f'offer="{_BASH.get(offer) or " ".join(offer)}"'


def bash_values(verb: str, params: Sequence[Param], indent: str) -> list[str]:
    """The cases of $before for the options that take something known."""
    return [
        f"{indent}{'|'.join(_forms(param))}) {bash_offer(offer)} ;;"
        for param in whole(params)
        if (offer := offer_of(verb, param))
    ]


def bash_word(word: str, params: Sequence[Param], offer: Offer) -> str:
    """The case of bash's function for a word that is a verb by itself."""
    lines = [
        f"        {word})",
        '            case "$before" in',
        *bash_values(word, params, " " * 16),
        f'                *) if [[ $word == -* ]]; then offer="{" ".join(flags(params))}"',
        f"                    else {bash_offer(offer)}; fi ;;",
        "            esac",
        '            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;',
    ]
    return "\n".join(lines)


# --- zsh ------------------------------------------------------------------------------------------


def zsh_specs(verb: str, params: Sequence[Param], offer: Offer) -> list[str]:
    """What zsh's _arguments has to know of a verb."""
    specs = []
    for param in whole(params):
        takes = "" if param.kind == "flag" else f":{param.name}:{_action(offer_of(verb, param))}"
        specs += [zsh_word(f"{form}[{_plain(param.help)}]{takes}") for form in _forms(param)]
    return [*specs, zsh_word(f"*:{verb}:{_action(offer)}")] if offer else specs


def zsh_word_case(word: str, params: Sequence[Param], offer: Offer) -> str:
    """The case of zsh's function for a word that is a verb by itself."""
    specs = " ".join(zsh_specs(word, params, offer))
    return f"        {word}) shift words; ((CURRENT--)); _arguments {specs}; return ;;"


def _action(offer: Offer) -> str:
    if offer == FILES:
        return "_files"
    return _ZSH.get(offer) or (f"({' '.join(offer)})" if offer else "")


def _plain(text: str) -> str:
    """Without what zsh's _arguments takes for its own."""
    return text.replace("[", "(").replace("]", ")").replace(":", " -")


# --- fish -----------------------------------------------------------------------------------------


def fish_lines(seen: str, verb: str, params: Sequence[Param], offer: Offer) -> list[str]:
    """The lines of fish for a verb, where the condition `seen` holds."""
    begin = f"complete -c nsinit -n '{seen}'"
    lines = [f"{begin} {fish_offer(offer)}"] if offer else []
    for param in whole(params):
        words = f"-l {param.flag[2:]}" + (f" -s {param.short}" if param.short else "")
        if param.kind != "flag":
            known = offer_of(verb, param)
            words += " -r -F" if known == FILES else " -x"
            words += f" {fish_offer(known)}" if known not in ((), FILES) else ""
        lines.append(f"{begin} {words} -d {fish_word(param.help)}")
    return lines


def fish_offer(offer: Offer) -> str:
    """What follows `complete` for words that are no options."""
    return "-F" if offer == FILES else f"-a '{_FISH.get(offer) or ' '.join(offer)}'"
