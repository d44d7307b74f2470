"""What Tab offers after `nsinit ns`, for bash, zsh and fish."""

from __future__ import annotations

from nsinit.cli.ns import FAMILY, KINDS, VERBS

_SANDBOXES = '$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)'


def bash() -> str:
    """The case of bash's function for the word `ns`."""
    return FAMILY.bash(
        "$COMP_CWORD ${COMP_WORDS[2]} $before",
        f'*" --kind"|*" -t"|"4 pin "*) offer="{" ".join(KINDS)}" ;;',
        '"5 pin "*|"3 unpin "*) COMPREPLY=($(compgen -f -- "$word")); return ;;',
        f'*" list "*|*" compare "*|*" pin "*) offer="{_SANDBOXES}" ;;',
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
    kinds = " ".join(KINDS)
    sandboxes = "-a '(nsinit list -q 2>/dev/null)'"
    offers = {
        "list": [sandboxes],
        "compare": [sandboxes],
        "pin": [sandboxes, f"-a '{kinds}'", "-F"],
        "unpin": ["-F"],
    }
    return FAMILY.fish(offers, {"kind": kinds})
