"""What Tab offers after `nsinit net`, for bash, zsh and fish."""

from __future__ import annotations

from nsinit.cli.net import TYPES, VERBS

_SANDBOXES = '$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)'
# The interfaces that a sandbox has: the second column of the table.
_INTERFACES = (
    '$(command "${COMP_WORDS[0]}" net show "${COMP_WORDS[3]}" 2>/dev/null |'
    " awk 'NR>1 {print $2}')"
)


def bash() -> str:
    """The case of bash's function for the word `net`."""
    flags = [f'                {name}) offer="{" ".join(_options(name))}" ;;' for name in VERBS]
    return "\n".join(
        [
            "        net)",
            '            case "$COMP_CWORD ${COMP_WORDS[2]} $before" in',
            f'                "2 "*) offer="{" ".join(VERBS)} --help" ;;',
            f'                *" --type") offer="{" ".join(TYPES)}" ;;',
            '                *" --"*) ;;',
            f'                "4 remove "*) offer="{_INTERFACES}" ;;',
            f'                "3 "*|*" show "*) offer="{_SANDBOXES}" ;;',
            "            esac",
            '            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in',
            *flags,
            "            esac",
            '            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;',
        ]
    )


def zsh() -> str:
    """The case of zsh's function for the word `net`."""
    flags = " ".join(sorted({flag for name in VERBS for flag in _options(name)}))
    return f"""\
        net)
            case $CURRENT-$words[CURRENT-1] in
                3-*) compadd -- {" ".join(VERBS)} --help ;;
                *--type) compadd -- {" ".join(TYPES)} ;;
                *) [[ $words[CURRENT] == -* ]] && compadd -- {flags} ||
                    compadd -- $(_call_program sandboxes $service list -q 2>/dev/null) ;;
            esac
            return ;;"""


def fish() -> list[str]:
    """The lines of fish for the word `net`."""
    none = "not __fish_seen_subcommand_from " + " ".join(VERBS)
    lines = [
        f"complete -c nsinit -n '__fish_seen_subcommand_from net; and {none}' -a {name}"
        f" -d '{verb.summary}'"
        for name, verb in VERBS.items()
    ]
    for name, verb in VERBS.items():
        seen = f"'__fish_seen_subcommand_from net; and __fish_seen_subcommand_from {name}'"
        for param in verb.params:
            if not param.positional:
                takes = "" if param.kind == "flag" else " -x"
                takes += f" -a '{' '.join(TYPES)}'" if param.name == "type" else ""
                lines.append(f"complete -c nsinit -n {seen} -l {param.name}{takes}")
        lines.append(f"complete -c nsinit -n {seen} -a '(nsinit list -q 2>/dev/null)'")
    return lines


def _options(name: str) -> list[str]:
    return [param.flag for param in VERBS[name].params if not param.positional] + ["--help"]
