"""What Tab offers after `nsinit net`, for bash, zsh and fish."""

from __future__ import annotations

from nsinit.cli.net import FAMILY, TYPES, VERBS

_SANDBOXES = '$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)'
# The interfaces that a sandbox has: the second column of the table.
_INTERFACES = (
    '$(command "${COMP_WORDS[0]}" net show "${COMP_WORDS[3]}" 2>/dev/null |'
    " awk 'NR>1 {print $2}')"
)


def bash() -> str:
    """The case of bash's function for the word `net`."""
    return FAMILY.bash(
        "$COMP_CWORD ${COMP_WORDS[2]} $before",
        f'*" --type") offer="{" ".join(TYPES)}" ;;',
        '*" --"*) ;;',
        f'"4 remove "*) offer="{_INTERFACES}" ;;',
        f'"3 "*|*" show "*) offer="{_SANDBOXES}" ;;',
    )


def zsh() -> str:
    """The case of zsh's function for the word `net`."""
    flags = " ".join(sorted({flag for name in VERBS for flag in FAMILY.options(name)}))
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
    sandboxes = "-a '(nsinit list -q 2>/dev/null)'"
    return FAMILY.fish({name: [sandboxes] for name in VERBS}, {"type": " ".join(TYPES)})
