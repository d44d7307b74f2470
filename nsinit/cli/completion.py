"""`nsinit completion SHELL`: what Tab offers, for bash, zsh and fish, from the command table.

The names of services are asked of the running init when Tab is pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.cli import completing_convert, completing_image, completing_net, completing_ns
from nsinit.cli.boxes import VERBS as BOXES
from nsinit.cli.boxes import Verb
from nsinit.cli.ctl import QUIET, WAITS
from nsinit.cli.families import read, tell
from nsinit.cli.init import TEMPLATES
from nsinit.cli.parsing import JSON, WHEN, chooses_fields
from nsinit.cli.programs import PROGRAMS
from nsinit.cli.quoting import fish_word, zsh_word
from nsinit.control.commands import VERBS
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, UsageError
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.control.commands import Command

SHELLS: Final = ("bash", "zsh", "fish")
_SIGNALS: Final = ("HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT")
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
        completion) COMPREPLY=($(compgen -W "{shells}" -- "$word")); return ;;
        schema) COMPREPLY=($(compgen -W "--docs --help" -- "$word")); return ;;
        init)
            case "$before" in
                --template) COMPREPLY=($(compgen -W "{templates}" -- "$word")) ;;
                *) [[ $word == -* ]] && COMPREPLY=($(compgen -W "--template --help" -- "$word")) ||
                    COMPREPLY=($(compgen -f -- "$word")) ;;
            esac
            return ;;
        help) COMPREPLY=($(compgen -W "{topics}" -- "$word")); return ;;
        run)
            [[ $word == -* ]] || {{ COMPREPLY=($(compgen -f -- "$word")); return; }}
            COMPREPLY=($(compgen -W "{run}" -- "$word")); return ;;
        check) COMPREPLY=($(compgen -f -- "$word")); return ;;
{convert}
{boxes}
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
        [[ $before == --socket ]] && {{ COMPREPLY=($(compgen -f -- "$word")); return; }}
        COMPREPLY=($(compgen -W "{verbs} -s --socket --help" -- "$word"))
        return
    fi
    case "$verb $before" in
{values}
    esac
    if [[ $word == -* ]]; then
        case "$verb" in
{options}
        esac
    else
        case "$verb" in
{named}) offer="$(_nsinit_ctl list)" ;;
        esac
    fi
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


def _options(command: Command) -> list[tuple[str, str]]:
    """The options of a verb, long and short, with what they are for."""
    return [
        *_listed((*command.params, *command.options)),
        ("--json", "JSON instead of text"),
        *([("--format", "fields of the JSON")] if _has_fields(command) else []),
        *([("--quiet", QUIET.help)] if command.name in WAITS else []),
        ("--color", "auto, always or never"),
        ("--help", "tell more of the verb"),
    ]


def _has_fields(command: Command) -> bool:
    return chooses_fields((*command.params, *command.options, JSON))


def _run_options() -> list[str]:
    """The options of `nsinit run`."""
    from nsinit.cli.run_options import OWN
    from nsinit.model.options import sandbox_options

    made = [f"--{name}" for name, *_ in OWN]
    for option in sandbox_options().values():
        made += [option.flag, f"--no-{option.flag[2:]}"] if option.is_switch else [option.flag]
    return [*made, "-d", "--help"]


def _box_options(name: str) -> list[tuple[str, str]]:
    """The options of a verb for sandboxes."""
    return [*_listed(BOXES[name].params), ("--help", "tell more of the verb")]


def _topics() -> list[str]:
    """What `nsinit help` can be asked for: programs, verbs, pages, keys."""
    from nsinit.cli.manual import NAMES
    from nsinit.reference.entries import paths

    return list(dict.fromkeys([*PROGRAMS, *VERBS, *NAMES, *paths()]))


def _listed(params: Sequence[Param]) -> list[tuple[str, str]]:
    made: list[tuple[str, str]] = []
    for param in params:
        if not param.positional:
            made.append((param.flag, param.help))
            made += [(f"-{param.short}", param.help)] if param.short else []
    return made


def _takes_names(command: Command) -> bool:
    return any(param.kind in ("names", "name") for param in command.params)


def bash() -> str:
    """For bash."""
    values, options, boxes = [], [], []
    values.append(
        f'        *" --color") COMPREPLY=($(compgen -W "{" ".join(WHEN)}" -- "$word")); return ;;'
    )
    for verb, command in VERBS.items():
        for param in (*command.params, *command.options):
            choices = _SIGNALS if param.kind == "signal" else param.choices
            if choices:
                before = verb if param.positional else param.flag
                offered = f'compgen -W "{" ".join(choices)}" -- "$word"'
                values.append(f'        "{verb} {before}") COMPREPLY=($({offered})); return ;;')
        words = " ".join(name for name, _ in _options(command))
        options.append(f'            {verb}) offer="{words}" ;;')
    for name in BOXES:
        offer = '$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)'
        boxes.append(f'        {name}) offer="{offer}"')
        words = " ".join(option for option, _ in _box_options(name))
        boxes.append(f'            [[ $word == -* ]] && offer="{words}"')
        boxes.append('            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;')
    named = [verb for verb, command in VERBS.items() if _takes_names(command)]
    return _BASH.format(
        programs=" ".join(PROGRAMS),
        shells=" ".join(SHELLS),
        templates=" ".join(TEMPLATES),
        topics=" ".join(_topics()),
        verbs=" ".join(VERBS),
        run=" ".join(_run_options()),
        boxes="\n".join(boxes),
        ns=f"{completing_ns.bash()}\n{completing_net.bash()}\n{completing_image.bash()}",
        convert=completing_convert.bash(),
        values="\n".join(values),
        options="\n".join(options),
        named="            " + "|".join(named),
    )


def zsh() -> str:
    """For zsh, by its own functions."""
    verbs = "\n".join(f"        {zsh_word(f'{v}:{c.summary}')}" for v, c in VERBS.items())
    cases = [f"        {v}) _arguments {' '.join(_specs(c))} ;;" for v, c in VERBS.items()]
    return f"""\
#compdef nsinit
# zsh completion of nsinit
_nsinit() {{
    local service=$words[1]
    local -a verbs=(
{verbs}
    )
    if ((CURRENT == 2)); then
        compadd -- {" ".join(PROGRAMS)} --help --version
        return
    fi
    case $words[2] in
        completion) compadd -- {" ".join(SHELLS)}; return ;;
        schema) compadd -- --docs --help; return ;;
        init)
            if [[ $words[CURRENT-1] == --template ]]; then compadd -- {" ".join(TEMPLATES)}
            elif [[ $words[CURRENT] == -* ]]; then compadd -- --template --help
            else _files; fi
            return ;;
        help) compadd -- {" ".join(_topics())}; return ;;
        run) [[ $words[CURRENT] == -* ]] && compadd -- {" ".join(_run_options())} || _files
            return ;;
        check) _files; return ;;
{completing_convert.zsh()}
        {"|".join(BOXES)})
            compadd -- $(_call_program sandboxes $service list -q 2>/dev/null)
            return ;;
{completing_ns.zsh()}
{completing_net.zsh()}
{completing_image.zsh()}
        ctl) ;;
        *) return ;;
    esac
    if ((CURRENT == 3)); then
        _describe verb verbs
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


def _specs(command: Command) -> list[str]:
    """What zsh's _arguments has to know of a verb."""
    specs = []
    for param in (*command.params, *command.options):
        if param.positional:
            continue
        takes = "" if param.kind == "flag" else f":{param.name}:"
        takes += f"({' '.join(param.choices)})" if param.choices else ""
        specs.append(zsh_word(f"{param.flag}[{_plain(param.help)}]{takes}"))
        if param.short:
            specs.append(zsh_word(f"-{param.short}[{_plain(param.help)}]{takes}"))
    specs.append(zsh_word("--json[JSON instead of text]"))
    if _has_fields(command):
        specs.append(zsh_word("--format[fields of the JSON]:fields:"))
    if command.name in WAITS:
        specs.append(zsh_word(f"--quiet[{_plain(QUIET.help)}]"))
    specs.append(zsh_word(f"--color[when to use colours]:when:({' '.join(WHEN)})"))
    if _takes_names(command):
        specs.append("'*:service:($(_call_program services $service ctl list 2>/dev/null))'")
    return specs


def fish() -> str:
    """For fish."""
    first = "not __fish_seen_subcommand_from " + " ".join(PROGRAMS)
    lines = [
        "# fish completion of nsinit",
        "complete -c nsinit -f",
        f"complete -c nsinit -n '{first}' -a '{' '.join(PROGRAMS)}'",
        "complete -c nsinit -n '__fish_seen_subcommand_from run check' -F",
        f"complete -c nsinit -n '__fish_seen_subcommand_from completion' -a '{' '.join(SHELLS)}'",
    ]
    lines += ["complete -c nsinit -n '__fish_seen_subcommand_from schema' -l docs"]
    lines += [
        f"complete -c nsinit -n '__fish_seen_subcommand_from {word}' {rest}"
        for word, rest in (
            ("init", f"-l template -x -a '{' '.join(TEMPLATES)}'"),
            ("init", "-F"),
            ("help", f"-a '{' '.join(_topics())}'"),
        )
    ]
    running = "-n '__fish_seen_subcommand_from run'"
    lines += [f"complete -c nsinit {running} -l {word[2:]}" for word in _run_options()
              if word[:2] == "--"]  # fmt: skip
    lines += completing_convert.fish()
    lines += [*completing_ns.fish(), *completing_net.fish(), *completing_image.fish()]
    for name, box in BOXES.items():
        seen = f"'__fish_seen_subcommand_from {name}; and not __fish_seen_subcommand_from ctl'"
        lines.append(f"complete -c nsinit -n {seen} -a '(nsinit list -q 2>/dev/null)'")
        for param in box.params:
            if not param.positional:
                words = f"-l {param.flag[2:]}" + (f" -s {param.short}" if param.short else "")
                words += "" if param.kind == "flag" else " -x"
                lines.append(f"complete -c nsinit -n {seen} {words} -d {fish_word(param.help)}")
    begun = "__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from "
    begun += " ".join(VERBS)
    for verb, command in VERBS.items():
        lines.append(f"complete -c nsinit -n '{begun}' -a {verb} -d {fish_word(command.summary)}")
        seen = f"'__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from {verb}'"
        if _takes_names(command):
            lines.append(f"complete -c nsinit -n {seen} -a '(nsinit ctl list 2>/dev/null)'")
        for param in (*command.params, *command.options):
            if param.positional:
                continue
            words = f"-l {param.flag[2:]}" + (f" -s {param.short}" if param.short else "")
            words += "" if param.kind == "flag" else " -x"
            words += f" -a '{' '.join(param.choices)}'" if param.choices else ""
            lines.append(f"complete -c nsinit -n {seen} {words} -d {fish_word(param.help)}")
        lines.append(f"complete -c nsinit -n {seen} -l json -d 'JSON instead of text'")
        if _has_fields(command):
            lines.append(f"complete -c nsinit -n {seen} -l format -x -d 'fields of the JSON'")
        if command.name in WAITS:
            lines.append(f"complete -c nsinit -n {seen} -l quiet -s q -d {fish_word(QUIET.help)}")
        lines.append(f"complete -c nsinit -n {seen} -l color -x -a '{' '.join(WHEN)}'")
    return "\n".join(lines)


WRITERS: Final = {"bash": bash, "zsh": zsh, "fish": fish}


def _plain(text: str) -> str:
    """Without what zsh's _arguments takes for its own."""
    return text.replace("[", "(").replace("]", ")").replace(":", " -")
