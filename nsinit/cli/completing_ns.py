"""What Tab offers after `nsinit ns`, for bash, zsh and fish."""

from __future__ import annotations

from nsinit.cli.ns import KINDS, VERBS

_SANDBOXES = '$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)'


def bash() -> str:
    """The case of bash's function for the word `ns`."""
    flags = [
        f'                {name}) offer="{" ".join(_options(name))}" ;;'
        for name in VERBS
        if _options(name)
    ]
    return "\n".join(
        [
            "        ns)",
            '            case "$COMP_CWORD ${COMP_WORDS[2]} $before" in',
            f'                "2 "*) offer="{" ".join(VERBS)} --help" ;;',
            f'                *" --kind"|*" -t"|"4 pin "*) offer="{" ".join(KINDS)}" ;;',
            (
                '                "5 pin "*|"3 unpin "*)'
                ' COMPREPLY=($(compgen -f -- "$word")); return ;;'
            ),
            f'                *" list "*|*" compare "*|*" pin "*) offer="{_SANDBOXES}" ;;',
            "            esac",
            '            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in',
            *flags,
            "            esac",
            '            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;',
        ]
    )


def zsh() -> str:
    """The case of zsh's function for the word `ns`."""
    return f"""\
        ns)
            case $CURRENT-$words[3] in
                3-*) compadd -- {" ".join(VERBS)} --help ;;
                5-pin) compadd -- {" ".join(KINDS)} ;;
                6-pin|4-unpin) _files ;;
                *-supported) compadd -- --json ;;
                *) [[ $words[CURRENT-1] == --kind ]] && compadd -- {" ".join(KINDS)} ||
                    compadd -- --json --kind \\
                        $(_call_program sandboxes $service list -q 2>/dev/null) ;;
            esac
            return ;;"""


def fish() -> list[str]:
    """The lines of fish for the word `ns`."""
    none = "not __fish_seen_subcommand_from " + " ".join(VERBS)
    lines = [
        f"complete -c nsinit -n '__fish_seen_subcommand_from ns; and {none}' -a {name}"
        f" -d '{verb.summary}'"
        for name, verb in VERBS.items()
    ]
    for name, verb in VERBS.items():
        seen = f"'__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from {name}'"
        for param in verb.params:
            if not param.positional:
                takes = f" -x -a '{' '.join(KINDS)}'" if param.name == "kind" else ""
                lines.append(f"complete -c nsinit -n {seen} -l {param.name}{takes}")
        if name in ("list", "compare", "pin"):
            lines.append(f"complete -c nsinit -n {seen} -a '(nsinit list -q 2>/dev/null)'")
        if name == "pin":
            lines.append(f"complete -c nsinit -n {seen} -a '{' '.join(KINDS)}'")
        if name in ("pin", "unpin"):
            lines.append(f"complete -c nsinit -n {seen} -F")
    return lines


def _options(name: str) -> list[str]:
    return [param.flag for param in VERBS[name].params if not param.positional] + ["--help"]
