"""`nsinit completion SHELL`: what Tab offers, for bash, zsh and fish, from the command table.

The names of services are asked of the running init when Tab is pressed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from nsinit.cli import completing_image, completing_net, completing_ns
from nsinit.cli.boxes import VERBS as BOXES
from nsinit.cli.boxes import Verb
from nsinit.cli.completing import (
    FILES,
    SANDBOXES,
    SERVICES,
    bash_offer,
    bash_values,
    bash_word,
    fish_lines,
    flags,
    offer_of,
    zsh_specs,
    zsh_word_case,
)
from nsinit.cli.ctl import params_of
from nsinit.cli.families import read, tell
from nsinit.cli.programs import MODULES, PROGRAMS
from nsinit.cli.quoting import fish_word, zsh_word
from nsinit.control.commands import VERBS
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, UsageError
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nsinit.cli.completing import Offer
    from nsinit.control.commands import Command

SHELLS: Final = ("bash", "zsh", "fish")
VERB: Final = Verb(
    "completion",
    "print what the shell needs to complete verbs, options and the names of services",
    (Param("shell", "name", ", ".join(SHELLS)),),
    (
        "source <(nsinit completion bash)",
        "nsinit completion zsh > /usr/local/share/zsh/site-functions/_nsinit",
        "nsinit completion fish > ~/.config/fish/completions/nsinit.fish",
    ),
    "\n\nexit codes: 0 done · 2 usage",
)

_BASH: Final = """\
# bash completion of nsinit: source <(nsinit completion bash)
_nsinit_ctl() {{ command "${{COMP_WORDS[0]}}" ctl "${{at[@]}}" "$@" 2>/dev/null; }}
_nsinit() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local offer="" i verb="" at=()
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{programs} -- --help --version" -- "$word"))
        return
    fi
    case "${{COMP_WORDS[1]}}" in
        run)
            [[ $word == -* ]] || {{ COMPREPLY=($(compgen -f -- "$word")); return; }}
            COMPREPLY=($(compgen -W "{run}" -- "$word")); return ;;
{words}
{ns}
        ctl) ;;
        *) return ;;
    esac
    for ((i = 2; i < COMP_CWORD; i++)); do
        case "${{COMP_WORDS[i]}}" in
            -s|--socket) at+=("${{COMP_WORDS[i]}}" "${{COMP_WORDS[i+1]}}"); ((i++)) ;;
            -*) ;;
            *) verb="${{COMP_WORDS[i]}}"; break ;;
        esac
    done
    if [[ -z $verb ]]; then
        case "$before" in
            --socket) {files} ;;
            -s) {sandboxes} ;;
            *) offer="{verbs} -s --socket --help" ;;
        esac
        COMPREPLY=($(compgen -W "$offer" -- "$word"))
        return
    fi
    case "$verb" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$offer" -- "$word"))
}}
complete -o bashdefault -F _nsinit nsinit"""


def main(argv: Sequence[str]) -> int:
    """Print the completion of one shell."""
    return tell(lambda: _run(**read("completion", VERB, list(argv))))


def _run(*, shell: str) -> int:
    if shell not in WRITERS:
        hint = did_you_mean(shell, SHELLS) or f"one of {', '.join(SHELLS)}"
        raise UsageError(f"cannot complete in {shell!r}", hint=hint)
    print(WRITERS[shell]())
    return EXIT_OK


def _words() -> Iterator[tuple[str, Sequence[Param], Offer]]:
    """What is a verb by itself: its word, its parameters, what can be typed behind it."""
    for name, box in BOXES.items():
        yield name, box.params, SANDBOXES if any(p.positional for p in box.params) else ()
    offers = {
        "completion": SHELLS, "help": tuple(_topics()), "init": FILES, "check": FILES,
        "convert": FILES,
    }  # fmt: skip
    for word in MODULES:
        verb = VERB if word == "completion" else getattr(_module(word), "VERB", None)
        if verb is not None:
            yield word, verb.params, offers.get(word, ())


def _module(word: str) -> object:
    return import_module(f"nsinit.cli.{word}")


def _offer(command: Command) -> Offer:
    """What can be typed behind a verb of ctl."""
    for param in command.params:
        if param.positional and param.kind != "words":
            known = offer_of(f"ctl {command.name}", param)
            if param.kind != "signal":  # that is the first of two
                return known or SERVICES
    return ()


def _run_options() -> list[str]:
    """The options of `nsinit run`."""
    from nsinit.cli.run_options import OWN
    from nsinit.model.options import sandbox_options

    made = [f"--{name}" for name, *_ in OWN]
    for option in sandbox_options().values():
        made += [option.flag, f"--no-{option.flag[2:]}"] if option.is_switch else [option.flag]
    return [*made, "-d", "--help"]


def _topics() -> list[str]:
    """What `nsinit help` can be asked for: programs, verbs, pages, keys."""
    from nsinit.cli.help import SINGLE
    from nsinit.cli.manual import NAMES
    from nsinit.reference.entries import paths

    return list(dict.fromkeys([*PROGRAMS, SINGLE, *VERBS, *NAMES, *paths()]))


def bash() -> str:
    """For bash."""
    cases = []
    for verb, command in VERBS.items():
        params = params_of(command)
        signals = [p for p in command.params if p.kind == "signal"]
        cases += [
            f"        {verb})",
            '            case "$before" in',
            *bash_values(f"ctl {verb}", params, " " * 16),
            *(f"                {verb}) {bash_offer(offer_of(verb, p))} ;;" for p in signals),
            f'                *) if [[ $word == -* ]]; then offer="{" ".join(flags(params))}"',
            f"                    else {bash_offer(_offer(command))}; fi ;;",
            "            esac ;;",
        ]
    return _BASH.format(
        programs=" ".join(PROGRAMS),
        verbs=" ".join(VERBS),
        run=" ".join(_run_options()),
        words="\n".join(bash_word(*row) for row in _words()),
        ns=f"{completing_ns.bash()}\n{completing_net.bash()}\n{completing_image.bash()}",
        cases="\n".join(cases),
        files=bash_offer(FILES),
        sandboxes=bash_offer(SANDBOXES),
    )


def zsh() -> str:
    """For zsh, by its own functions."""
    verbs = "\n".join(f"        {zsh_word(f'{v}:{c.summary}')}" for v, c in VERBS.items())
    cases = []
    for verb, command in VERBS.items():
        specs = zsh_specs(f"ctl {verb}", params_of(command), _offer(command))
        signals = [p for p in command.params if p.kind == "signal"]
        specs += [zsh_word(f"1:signal:({' '.join(offer_of(verb, p))})") for p in signals]
        cases.append(f"        {verb}) _arguments {' '.join(specs)} ;;")
    return f"""\
#compdef nsinit
# zsh completion of nsinit
_nsinit() {{
    local service=$words[1]
    local -a at verbs=(
{verbs}
    )
    if ((CURRENT == 2)); then
        compadd -- {" ".join(PROGRAMS)} --help --version
        return
    fi
    case $words[2] in
        run) [[ $words[CURRENT] == -* ]] && compadd -- {" ".join(_run_options())} || _files
            return ;;
{chr(10).join(zsh_word_case(*row) for row in _words())}
{completing_ns.zsh()}
{completing_net.zsh()}
{completing_image.zsh()}
        ctl) ;;
        *) return ;;
    esac
    while ((CURRENT > 4)) && [[ $words[3] == (-s|--socket) ]]; do
        at+=($words[3,4])
        words[3,4]=()
        ((CURRENT -= 2))
    done
    if ((CURRENT == 4)) && [[ $words[3] == -s ]]; then
        compadd -- $(_call_program sandboxes $service list -q 2>/dev/null)
        return
    elif ((CURRENT == 4)) && [[ $words[3] == --socket ]]; then
        _files
        return
    elif ((CURRENT == 3)); then
        _describe verb verbs
        [[ $words[3] == -* ]] && compadd -- -s --socket --help
        return
    fi
    local verb=$words[3]
    shift 2 words
    ((CURRENT -= 2))
    case $verb in
{chr(10).join(cases)}
    esac
}}
if [[ $funcstack[1] == _nsinit ]]; then _nsinit "$@"; else compdef _nsinit nsinit; fi"""


_FISH: Final = """\
# fish completion of nsinit
function __nsinit_word
    set -l typed (commandline -opc)
    test (count $typed) -gt 1; and contains -- $typed[2] $argv
end
function __nsinit_verb
    set -l typed (commandline -opc)[3..-1]
    while contains -- "$typed[1]" -s --socket
        set typed $typed[3..-1]
    end
    test "$typed[1]" = "$argv[1]"
end
function __nsinit_services
    set -l typed (commandline -opc)[3..-1]
    set -l at
    while contains -- "$typed[1]" -s --socket
        set -a at $typed[1..2]
        set typed $typed[3..-1]
    end
    nsinit ctl $at list 2>/dev/null
end
complete -c nsinit -f"""


def fish() -> str:
    """For fish."""
    first = "test (count (commandline -opc)) -eq 1"
    lines = [_FISH, f"complete -c nsinit -n '{first}' -a '{' '.join(PROGRAMS)}'"]
    lines += ["complete -c nsinit -n '__nsinit_word run' -F"]
    lines += [f"complete -c nsinit -n '__nsinit_word run' -l {word[2:]}"
              for word in _run_options() if word[:2] == "--"]  # fmt: skip
    for word, params, offer in _words():
        lines += fish_lines(f"__nsinit_word {word}", word, params, offer)
    lines += [*completing_ns.fish(), *completing_net.fish(), *completing_image.fish()]
    begun = "__nsinit_word ctl; and __nsinit_verb"
    lines += [
        f"complete -c nsinit -n '{begun} \"\"' -s s -x -a '(nsinit list -q 2>/dev/null)'",
        f"complete -c nsinit -n '{begun} \"\"' -l socket -r -F",
    ]
    for verb, command in VERBS.items():
        lines.append(
            f"complete -c nsinit -n '{begun} \"\"' -a {verb} -d {fish_word(command.summary)}"
        )
        for param in command.params:
            if param.kind == "signal":
                words = " ".join(offer_of(verb, param))
                lines.append(f"complete -c nsinit -n '{begun} {verb}' -a '{words}'")
        lines += fish_lines(f"{begun} {verb}", f"ctl {verb}", params_of(command), _offer(command))
    return "\n".join(lines)


WRITERS: Final = {"bash": bash, "zsh": zsh, "fish": fish}
